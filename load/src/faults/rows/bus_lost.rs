//! R12: a hub's subscription to Redis is killed; a hub stands still.
//!
//! Promises: what a hub has missed counts from the moment that it can go on.
//! Must never: stop Redis itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::LoadError;
use crate::faults::Run;
use crate::faults::driver::figures::{Stretch, Times};
use crate::faults::report::{Bar, Findings};
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_l};
use crate::hub::Signal;

/// Between two faults: time for edits that the bus does not carry.
const BETWEEN: Duration = Duration::from_millis(400);
/// Until both hubs subscribe again.
const PATIENCE: Duration = Duration::from_secs(15);

/// What came of the faults.
#[derive(Default)]
struct Tally {
    kills: u64,
    stops: u64,
    /// While a hub stood still, and until it had caught up.
    stopped: Stretch,
    back: Times,
    never_back: u64,
}

/// Kills, with a stop now and then.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let faults = run.times(1_000, 13);
    let (stop_every, stop) = run.pick((50, Duration::from_secs(30)), (13, Duration::from_secs(3)));
    let mut scene = Scene::open(run, &plan, &load_l(run)).await?;
    let mut tally = Tally::default();
    for fault in 1..=faults {
        sleep(BETWEEN).await;
        if fault % stop_every == 0 {
            scene.driver.crew.figures.turn();
            stand_still(&mut scene, (fault / stop_every) % plan.hubs, stop).await?;
            tally.stopped.join(&scene.driver.crew.figures.turn());
            tally.stops += 1;
        } else {
            kill_subscribers(&scene, plan.hubs, &mut tally).await?;
        }
        if fault % run.pick(50, 6) == 0 {
            run.say(&format!("{fault} of {faults} faults"));
        }
    }
    sleep(Duration::from_secs(3)).await;
    let total = scene.driver.crew.figures.total();
    let mut findings = Findings::default();
    findings.bars.push(Bar::ms_at_most("seen on the other hub after the ack, max", total.lag.max_ms(), 2_000.0));
    findings.bars.push(Bar::count_at_most("times that a hub did not subscribe again", tally.never_back, 0));
    findings.figure("kills of both hubs' subscribers", tally.kills as f64);
    findings.figure("subscribed again p50, ms", tally.back.quantile_ms(0.5));
    findings.figure("subscribed again at the latest, ms", tally.back.max_ms());
    findings.figure("hubs stopped", tally.stops as f64);
    findings.figure("seen on the hub that was stopped, after it went on, max, ms", tally.stopped.lag.max_ms());
    scene.close(&mut findings).await?;
    Ok(findings)
}

/// Kills when both are there, and waits until both are there again.
async fn kill_subscribers(scene: &Scene, hubs: usize, tally: &mut Tally) -> Result<(), LoadError> {
    tally.never_back += u64::from(!subscribed(scene, hubs).await?);
    scene.rig.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await?;
    let killed = Instant::now();
    tally.kills += 1;
    if subscribed(scene, hubs).await? {
        tally.back.add(killed.elapsed());
    }
    Ok(())
}

/// Waits until so many hubs subscribe; whether they did in time.
async fn subscribed(scene: &Scene, hubs: usize) -> Result<bool, LoadError> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let clients = scene.rig.redis.command(&["CLIENT", "LIST", "TYPE", "pubsub"]).await?;
        if clients.lines().filter(|line| line.starts_with("id=")).count() >= hubs {
            return Ok(true);
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(false)
}

async fn stand_still(scene: &mut Scene, number: usize, time: Duration) -> Result<(), LoadError> {
    scene.rig.hubs[number].tell(Signal::Freeze).await?;
    sleep(time).await;
    // What was acked meanwhile counts from now on.
    scene.driver.crew.sightings.awake(number);
    scene.rig.hubs[number].tell(Signal::Thaw).await?;
    sleep(Duration::from_secs(2)).await;
    Ok(())
}
