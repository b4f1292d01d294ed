//! R14: sockets that are open on one side only, and a hub that dies without a word: who is gone must not stay in the room.
//!
//! Promises: the connections that are watched were seen in the room before; where packets cannot be dropped, a proxy
//! holds the bytes instead, and the result says so.
//! Must never: let a watched client close.

use std::collections::HashSet;
use std::time::Duration;

use histcheck::id::Id;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::driver::stranger::Stranger;
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_small};
use crate::proxy::{Flow, Proxy};

/// Where somebody watches, and where sockets are half open.
const WATCHED: usize = 0;
/// The hub that dies.
const DYING: usize = 1;
/// Strangers are nobody of the crew.
const FIRST: u32 = 1_000_000;
/// Until everybody is seen.
const APPEAR: Duration = Duration::from_secs(5);
/// After that a ghost is said to stay.
const PATIENCE: Duration = Duration::from_secs(70);

/// Connections that should be withdrawn, and how long each took.
#[derive(Default)]
struct Ghosts {
    here: HashSet<String>,
    longest_ms: f64,
}

/// Rounds: in each, both happen at once.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (rounds, count) = (run.pick(5, 1), run.pick(100, 10));
    let mut scene = Scene::open(run, &plan, &load_small(run)).await?;
    let way = Proxy::start(&mut scene.rig.ports, scene.rig.hubs[WATCHED].listens(), scene.chance.fork()).await?;
    let (mut closed_ms, mut gone_ms, mut stayed, mut unseen) = (0.0_f64, 0.0_f64, 0, 0);
    for round in 1..=rounds {
        let [mut half_open, mut orphans] = haunt(run, &mut scene, &way, count, &mut unseen).await?;
        stayed += half_open.here.len() + orphans.here.len();
        closed_ms = closed_ms.max(std::mem::take(&mut half_open.longest_ms));
        gone_ms = gone_ms.max(std::mem::take(&mut orphans.longest_ms));
        run.say(&format!("{round} of {rounds} rounds"));
    }
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_most("connections that were never withdrawn", stayed as u64, 0));
    findings.bars.push(Bar::count_at_most("connections that the room never saw", unseen as u64, 0));
    findings.bars.push(Bar::ms_at_most("until a half-open one was withdrawn, max", closed_ms, 35_000.0));
    findings.bars.push(Bar::ms_at_most("until those of the dead hub were withdrawn, max", gone_ms, 45_000.0));
    findings.remarks.push(match run.drops {
        Some(_) => "packets were dropped by nft in a network namespace".into(),
        None => "no network namespace here: a proxy held the bytes instead of dropping packets".into(),
    });
    scene.close(&mut findings).await?;
    Ok(findings)
}

/// One round: half-open ones and orphans, with those that stayed.
async fn haunt(
    run: &Run,
    scene: &mut Scene,
    way: &Proxy,
    count: u32,
    unseen: &mut usize,
) -> Result<[Ghosts; 2], LoadError> {
    let project = scene.driver.database.projects().await?.first().copied().unwrap_or_default();
    let mut watcher = Stranger::open(&scene.driver.crew, FIRST, scene.rig.hubs[WATCHED].listens()).await?;
    watcher.enter().await?;
    watcher.join(project, None).await?;
    let direct = scene.rig.hubs[WATCHED].listens().to_owned();
    let address = if run.drops.is_some() { &direct } else { way.address() };
    let (mut alive, mut ports) = (JoinSet::new(), Vec::new());
    let mut half_open = gather(scene, project, address, FIRST + 1, count, &mut alive, &mut ports).await?;
    let dying = scene.rig.hubs[DYING].listens().to_owned();
    let (mut others, mut none) = (JoinSet::new(), Vec::new());
    let mut orphans = gather(scene, project, &dying, FIRST + 1 + count, count, &mut others, &mut none).await?;
    *unseen += appear(&mut watcher, [&mut half_open, &mut orphans]).await;
    let begun = Instant::now();
    match run.drops {
        Some(drops) => {
            for port in &ports {
                drops.drop_port(*port).await?;
            }
        }
        None => way.flow(Flow::Stalled),
    }
    scene.rig.hubs[DYING].kill().await?;
    while begun.elapsed() < PATIENCE && !(half_open.here.is_empty() && orphans.here.is_empty()) {
        watcher.listen(Duration::from_millis(50)).await;
        for connection in watcher.others().flat_map(|message| gone(&message)) {
            half_open.leave(&connection, begun);
            orphans.leave(&connection, begun);
        }
    }
    alive.shutdown().await;
    match run.drops {
        Some(drops) => drops.clear().await?,
        None => way.flow(Flow::Pass),
    }
    scene.rig.hubs[DYING].start().await?;
    scene.driver.crew.sightings.awake(DYING);
    Ok([half_open, orphans])
}

/// Clients that join, and then only answer pings, as long as they are there.
async fn gather(
    scene: &Scene,
    project: Id,
    address: &str,
    first: u32,
    count: u32,
    alive: &mut JoinSet<()>,
    ports: &mut Vec<u16>,
) -> Result<Ghosts, LoadError> {
    let mut ghosts = Ghosts::default();
    for number in first..first + count {
        let mut stranger = Stranger::open(&scene.driver.crew, number, address).await?;
        ghosts.here.insert(stranger.enter().await?);
        stranger.join(project, None).await?;
        ports.push(stranger.port()?);
        alive.spawn(async move { while stranger.listen(PATIENCE).await {} });
    }
    Ok(ghosts)
}

/// Waits until the watcher has seen everybody; how many it has not, who then are not watched.
async fn appear(watcher: &mut Stranger, all: [&mut Ghosts; 2]) -> usize {
    let until = Instant::now() + APPEAR;
    let mut seen = HashSet::new();
    while Instant::now() < until && !all.iter().all(|ghosts| ghosts.here.is_subset(&seen)) {
        watcher.listen(Duration::from_millis(50)).await;
        seen.extend(watcher.others().flat_map(|message| present(&message)));
    }
    let mut missing = 0;
    for ghosts in all {
        let before = ghosts.here.len();
        ghosts.here.retain(|connection| seen.contains(connection));
        missing += before - ghosts.here.len();
    }
    missing
}

impl Ghosts {
    fn leave(&mut self, connection: &str, since: Instant) {
        if self.here.remove(connection) {
            self.longest_ms = self.longest_ms.max(since.elapsed().as_secs_f64() * 1_000.0);
        }
    }
}

/// The connections that a message says are there.
fn present(message: &Value) -> Vec<String> {
    let lists = [&message["members"], &message["updates"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    names(all.filter(|one| one["left"] != true))
}

/// The connections that a message says are gone.
fn gone(message: &Value) -> Vec<String> {
    names(message["updates"].as_array().into_iter().flatten().filter(|one| one["left"] == true))
}

fn names<'a>(members: impl Iterator<Item = &'a Value>) -> Vec<String> {
    members.filter_map(|one| one["connection"].as_str()).map(str::to_owned).collect()
}
