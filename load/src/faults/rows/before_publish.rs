//! R2: a hub dies between the commit of an edit and its publication.
//!
//! Promises: when the hub is killed the edit is in Postgres, and the hub does not know it: the answer to the commit is
//! held back by a proxy.
//! Must never: kill the other hub.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::driver::order::{Answer, Named, Order};
use crate::faults::report::Findings;
use crate::faults::rig::{Behind, Plan};
use crate::faults::scene::{Scene, load_small};
use crate::proxy::Sprung;

/// For everything that should take far less.
const PATIENCE: Duration = Duration::from_secs(15);
/// Until a commit that was sent can be seen: one that lost a race never is, and its hub is held up meanwhile.
const COMMIT: Duration = Duration::from_secs(1);

/// What rounds find out.
#[derive(Default)]
struct Tally {
    rounds: u64,
    /// The commit lost a race, or its author was elsewhere: nothing to kill a hub for.
    missed: u64,
    seen_ms_max: f64,
    unseen: u64,
    unlike: u64,
    unanswered: u64,
}

/// Kills a hub, round by round, with a commit's answer under way.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[Behind::Postgres] };
    let rounds = run.times(1_000, 20);
    let mut scene = Scene::open(run, &plan, &load_small(run)).await?;
    let mut tally = Tally::default();
    for turn in 0..2 * rounds {
        let before = tally.rounds;
        round(&mut scene, turn, &mut tally).await?;
        if tally.rounds > before && tally.rounds % run.pick(50, 10) == 0 {
            run.say(&format!("{} of {rounds} kills", tally.rounds));
        }
        if tally.rounds == rounds as u64 {
            break;
        }
    }
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_least("kills between commit and publish", tally.rounds, rounds as u64));
    findings.bars.push(Bar::count_at_most("events never seen on the other hub", tally.unseen, 0));
    findings.bars.push(Bar::count_at_most("retries not answered", tally.unanswered, 0));
    findings.bars.push(Bar::count_at_most("retries answered unlike the log", tally.unlike, 0));
    findings.bars.push(Bar::ms_at_most("seen on the other hub after the commit, max", tally.seen_ms_max, 2_000.0));
    findings.figure("rounds without a commit to hold back", tally.missed as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}

async fn round(scene: &mut Scene, turn: usize, tally: &mut Tally) -> Result<(), LoadError> {
    scene.driver.all_home().await?;
    let (victim, words) = (turn % 2, format!("turn {turn} of {}", scene.chance.uuid()));
    let author = scene.driver.client_of(victim, turn / 2);
    scene.driver.order(author, Order::Go(victim)).await?;
    let Some(held) =
        scene.rig.hubs[victim].database.as_ref().map(|proxy| proxy.trap(words.as_bytes(), Sprung::HoldAnswer))
    else {
        return Ok(());
    };
    let (edit, answer) = scene.driver.edit(author, &words).await?;
    let seen = scene.driver.crew.sightings.watch(edit.edit, victim);
    let place = match timeout(PATIENCE, held).await {
        Ok(Ok(())) => committed(scene, edit).await?,
        _ => None,
    };
    let Some(place) = place else {
        scene.rig.hubs[victim].database.iter().for_each(|proxy| {
            proxy.disarm();
            proxy.cut();
        });
        tally.missed += 1;
        return Ok(());
    };
    let since = Instant::now();
    scene.rig.hubs[victim].kill().await?;
    tally.rounds += 1;
    match timeout(PATIENCE, seen).await {
        Ok(Ok(at)) => tally.seen_ms_max = tally.seen_ms_max.max(ms(at.saturating_duration_since(since))),
        _ => tally.unseen += 1,
    }
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => tally.unlike += u64::from(answer != Answer::Acked { seq: place, duplicate: true }),
        _ => tally.unanswered += 1,
    }
    scene.rig.hubs[victim].start().await?;
    scene.driver.crew.sightings.awake(victim);
    Ok(())
}

/// Where the edit stands in the log, as soon as it does; none if it comes to be nowhere.
async fn committed(scene: &Scene, Named { project, edit }: Named) -> Result<Option<u64>, LoadError> {
    let until = Instant::now() + COMMIT;
    while Instant::now() < until {
        if let Some(place) = scene.driver.database.place_of(project, edit).await? {
            return Ok(Some(place));
        }
        sleep(Duration::from_millis(2)).await;
    }
    Ok(None)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
