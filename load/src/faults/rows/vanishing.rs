//! R8: clients vanish in the middle of anything, while the database is slow.
//!
//! Promises: chance decides where each one vanishes; other clients work in the same projects all the time.
//! Must never: close a connection in good order.

use std::sync::Arc;
use std::time::Duration;

use histcheck::id::Id;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::LoadError;
use crate::bar::Bar;
use crate::chance::Chance;
use crate::faults::Run;
use crate::faults::driver::crew::Crew;
use crate::faults::driver::stranger::{Stranger, insertion};
use crate::faults::report::Findings;
use crate::faults::rig::{Behind, Plan};
use crate::faults::scene::{Scene, load_small};
use crate::hub;
use crate::proxy::Flow;

/// How slow the database is, each way.
const SLOW: Flow = Flow::Late { by: Duration::from_millis(10), jitter: Duration::from_millis(60) };
/// Strangers are nobody of the crew.
const FIRST: u32 = 1_000_000;
/// Until the hubs have let go of everybody.
const LET_GO: Duration = Duration::from_secs(15);
/// Edits that are under way when somebody vanishes.
const BURST: usize = 8;

/// Transactions that are open and do nothing for longer than any statement takes here.
const LEFT_OPEN: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND now() - state_change > interval '2 seconds'";

/// Where somebody vanishes.
const MOMENTS: usize = 10;

/// Comers and goers, many at a time.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[Behind::Postgres] };
    let (count, together) = (run.times(10_000, 200), run.pick(50, 20));
    let load = load_small(run);
    let mut scene = Scene::open(run, &plan, &load).await?;
    let projects = Arc::new(scene.driver.database.projects().await?);
    scene.rig.hubs.iter().filter_map(|hub| hub.database.as_ref()).for_each(|proxy| proxy.flow(SLOW));
    let (mut under_way, mut left_open_max, mut reached) = (JoinSet::new(), 0, 0_u64);
    for number in 0..count {
        if under_way.len() >= together {
            reached += u64::from(under_way.join_next().await.is_some_and(|vanished| matches!(vanished, Ok(Ok(())))));
        }
        let address = scene.rig.hubs[number % 2].listens().to_owned();
        let (crew, projects, chance) = (scene.driver.crew.clone(), projects.clone(), scene.chance.fork());
        let number = FIRST + u32::try_from(number).unwrap_or_default();
        under_way.spawn(async move { vanish(&crew, number, &address, &projects, chance).await });
        if number.is_multiple_of(100) {
            left_open_max = left_open_max.max(scene.driver.database.number(LEFT_OPEN).await?);
        }
        if number.is_multiple_of(run.pick(1_000, 100)) {
            run.say(&format!("{} of {count}", number - FIRST));
        }
    }
    while let Some(vanished) = under_way.join_next().await {
        reached += u64::from(matches!(vanished, Ok(Ok(()))));
    }
    scene.rig.hubs.iter().filter_map(|hub| hub.database.as_ref()).for_each(|proxy| proxy.flow(Flow::Pass));
    let held = still_held(&scene, load.clients as u64).await?;
    sleep(Duration::from_secs(3)).await;
    let left_open = scene.driver.database.number(LEFT_OPEN).await?;
    let mut findings = Findings::default();
    let errors = scene.driver.crew.figures.total().errors;
    findings.bars.push(Bar::count_at_least("clients that vanished", reached, count as u64 * 9 / 10));
    findings.bars.push(Bar::count_at_most("transactions left open", left_open.cast_unsigned(), 0));
    findings.bars.push(Bar::count_at_most("connections that the hubs still hold", held, 0));
    findings.bars.push(Bar::count_at_most("errors a user would see", errors, 0));
    findings.figure("transactions open and idle over 2 s meanwhile", left_open_max as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}

/// How many more connections the hubs hold than the crew has, when they have had time.
async fn still_held(scene: &Scene, crew: u64) -> Result<u64, LoadError> {
    let until = Instant::now() + LET_GO;
    loop {
        let mut held = 0;
        for hub in &scene.rig.hubs {
            held += hub::get(hub.listens(), "/api/health").await?["connections"].as_u64().unwrap_or_default();
        }
        if held <= crew || Instant::now() > until {
            return Ok(held.saturating_sub(crew));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn vanish(
    crew: &Arc<Crew>,
    number: u32,
    address: &str,
    projects: &[Id],
    mut chance: Chance,
) -> Result<(), LoadError> {
    let project = chance.pick(projects).copied().unwrap_or_default();
    let moment = chance.below(MOMENTS);
    if moment < 2 {
        return before_the_upgrade(address, moment).await;
    }
    let mut stranger = Stranger::open(crew, number, address).await?;
    match moment {
        2 => return Ok(()),
        3 => return stranger.hello().await,
        4 => return by_http(&stranger, address, project, chance).await,
        _ => stranger.enter().await?,
    };
    if moment == 5 {
        return stranger.ask(project, None).await;
    }
    stranger.join(project, None).await?;
    match moment {
        6 => return stranger.half(project, chance.uuid()).await,
        7 => stranger.insert(project, chance.uuid()).await?,
        _ => {
            for _ in 0..BURST {
                stranger.insert(project, chance.uuid()).await?;
            }
        }
    }
    // Some vanish at once, some while their edits are being committed.
    stranger.listen(Duration::from_millis(chance.below(150) as u64)).await;
    Ok(())
}

async fn before_the_upgrade(address: &str, moment: usize) -> Result<(), LoadError> {
    let mut socket = TcpStream::connect(address).await?;
    let words: &[u8] = if moment == 0 { b"" } else { b"GET /ws HTTP/1.1\r\nHost: local" };
    Ok(socket.write_all(words).await?)
}

/// A call that nobody waits for; now and then not even its body is whole.
async fn by_http(stranger: &Stranger, address: &str, project: Id, mut chance: Chance) -> Result<(), LoadError> {
    let mut socket = TcpStream::connect(address).await?;
    let body = insertion(project, stranger.sent(project), chance.uuid()).to_string();
    let head = format!(
        "POST /api/projects/{project}/edits HTTP/1.1\r\nHost: {address}\r\nX-BlockHub-User: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        stranger.user(),
        body.len()
    );
    let body = if chance.one_in(2) { &body[..body.len() / 2] } else { &body };
    socket.write_all(format!("{head}{body}").as_bytes()).await?;
    sleep(Duration::from_millis(chance.below(60) as u64)).await;
    Ok(())
}
