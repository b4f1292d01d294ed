//! R12: a hub's subscription to Redis is killed; a hub stands still.
//!
//! Promises: what a hub has missed counts from the moment that it can go on.
//! Must never: stop Redis itself.

use std::time::Duration;

use tokio::time::sleep;

use crate::LoadError;
use crate::faults::Run;
use crate::faults::report::{Bar, Findings};
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_l};
use crate::hub::Signal;

/// Between two kills, and after a stop.
const BETWEEN: Duration = Duration::from_millis(500);

/// Kills, with a stop now and then.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (faults, stop_every, stop) = run.pick((1_000, 50, Duration::from_secs(30)), (21, 21, Duration::from_secs(3)));
    let mut scene = Scene::open(run, &plan, &load_l(run)).await?;
    let (mut killed, mut stops) = (0_u64, 0_u64);
    for fault in 1..=faults {
        sleep(BETWEEN).await;
        if fault % stop_every == 0 {
            let number = (fault / stop_every) % plan.hubs;
            stand_still(&mut scene, number, stop).await?;
            stops += 1;
        } else {
            let clients = scene.rig.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await?;
            killed += clients.parse::<u64>().unwrap_or(0);
        }
        if fault % run.pick(50, 7) == 0 {
            run.say(&format!("{fault} of {faults} faults"));
        }
    }
    sleep(Duration::from_secs(3)).await;
    let total = scene.driver.crew.figures.total();
    let mut findings = Findings::default();
    findings.bars.push(Bar::ms_at_most("seen on the other hub after the ack, max", total.lag.max_ms(), 2_000.0));
    findings.figure("kills of subscribers", (faults as u64 - stops) as f64);
    findings.figure("subscribers that were there to be killed", killed as f64);
    findings.figure("hubs stopped", stops as f64);
    if killed == 0 {
        findings.remarks.push("no hub subscribes: hubs learn of each other by comparing heads alone".into());
    }
    scene.close(&mut findings).await?;
    Ok(findings)
}

async fn stand_still(scene: &mut Scene, number: usize, time: Duration) -> Result<(), LoadError> {
    scene.rig.hubs[number].tell(Signal::Freeze).await?;
    sleep(time).await;
    scene.rig.hubs[number].tell(Signal::Thaw).await?;
    // What was acked meanwhile counts from now on.
    scene.driver.crew.sightings.awake(number);
    sleep(Duration::from_secs(2)).await;
    Ok(())
}
