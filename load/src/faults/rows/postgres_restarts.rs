//! R4: Postgres restarts under load, by turns in good order and as after a crash.
//!
//! Promises: the time is taken from the moment that Postgres itself says it is ready.
//! Must never: restart a hub.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, timeout};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_l};
use crate::postgres::Stop;

/// After that a hub is said not to have come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// Restarts.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (restarts, between) = (run.times(20, 2), Duration::from_secs(run.pick(5, 2)));
    let scene = Scene::open(run, &plan, &load_l(run)).await?;
    let (mut acks_ms_max, mut never) = (0.0_f64, 0);
    for restart in 1..=restarts {
        sleep(between).await;
        let how = if restart % 2 == 0 { Stop::Immediate } else { Stop::Fast };
        block_in_place(|| scene.rig.postgres.stop(how))?;
        block_in_place(|| scene.rig.postgres.start_again())?;
        let ready = Instant::now();
        let acks = (0..plan.hubs).map(|hub| scene.driver.crew.next_ack(hub)).collect::<Vec<_>>();
        for (hub, ack) in acks.into_iter().enumerate() {
            match timeout(PATIENCE, ack).await {
                Ok(Ok(at)) => acks_ms_max = acks_ms_max.max((at - ready).as_secs_f64() * 1_000.0),
                _ => never += 1,
            }
            scene.driver.crew.sightings.awake(hub);
        }
        run.say(&format!("{restart} of {restarts} restarts"));
    }
    sleep(between).await;
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_most("hubs that did not ack again", never, 0));
    findings.bars.push(Bar::ms_at_most("first ack after Postgres was ready, latest", acks_ms_max, 5_000.0));
    findings.figure("restarts", restarts as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}
