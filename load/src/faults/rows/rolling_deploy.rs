//! R3: three hubs are told to stop, one after the other, and started again, under load.
//!
//! Promises: the next hub is told only when the one before serves again, as any deployment does it.
//! Must never: kill.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_l};
use crate::hub::Signal;

/// A drain's promise.
const DRAIN_MS: f64 = 30_000.0;
/// After that a hub is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Deploys.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 3, drain_secs: run.pick(20, 3), behind: &[] };
    let rounds = run.times(20, 1);
    let mut scene = Scene::open(run, &plan, &load_l(run)).await?;
    sleep(Duration::from_secs(1)).await;
    let (mut drain_ms_max, mut late) = (0.0_f64, 0);
    for round in 1..=rounds {
        for number in 0..plan.hubs {
            let hub = &mut scene.rig.hubs[number];
            let told = Instant::now();
            hub.tell(Signal::Terminate).await?;
            match timeout(PATIENCE, hub.ended()).await {
                Ok(ended) => late += u64::from(!ended?),
                Err(_) => {
                    late += 1;
                    hub.kill().await?;
                }
            }
            drain_ms_max = drain_ms_max.max(told.elapsed().as_secs_f64() * 1_000.0);
            hub.start().await?;
            scene.driver.crew.sightings.awake(number);
        }
        run.say(&format!("{round} of {rounds} rounds"));
    }
    // Everybody goes home.
    sleep(Duration::from_secs(3)).await;
    let total = scene.driver.crew.figures.total();
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_most("errors a user would see", total.errors, 0));
    findings.bars.push(Bar::count_at_most("hubs that did not end in good order", late, 0));
    findings.bars.push(Bar::ms_at_most("drain, longest", drain_ms_max, DRAIN_MS));
    findings.figure("rounds of three hubs", rounds as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}
