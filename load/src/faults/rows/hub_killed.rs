//! R1: hubs are killed without a word, in turns, under load.
//!
//! Promises: between two kills there is time for everybody to come back, and home.
//! Must never: kill both.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::{Scene, load_l};

/// Kills, and what comes back.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let (kills, every) = (run.times(100, 3), Duration::from_secs(run.pick(5, 4)));
    let mut scene = Scene::open(run, &plan, &load_l(run)).await?;
    let mut next = Instant::now() + every;
    for kill in 1..=kills {
        sleep_until(next).await;
        next += every;
        let number = kill % 2;
        let hub = &mut scene.rig.hubs[number];
        hub.kill().await?;
        hub.start().await?;
        scene.driver.crew.sightings.awake(number);
        if kill % 10 == 0 || kill == kills {
            run.say(&format!("{kill} of {kills} kills"));
        }
    }
    sleep_until(next).await;
    let mut findings = Findings::default();
    let total = scene.driver.crew.figures.total();
    findings.bars.push(Bar::percent_at_least("came back without a snapshot", total.recovered_percent(), 99.0));
    findings.bars.push(Bar::ms_at_most("came back p99", total.resume.quantile_ms(0.99), 3_000.0));
    findings.bars.push(Bar::count_at_most("errors a user would see", total.errors, 0));
    findings.figure("kills", f64::from(u32::try_from(kills).unwrap_or(u32::MAX)));
    scene.close(&mut findings).await?;
    Ok(findings)
}
