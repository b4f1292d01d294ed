//! R20: what hubs tell each other comes late by up to half a second, twice, and in any order.
//!
//! Promises: nothing else is disturbed: what is found was the disorder's doing.
//! Must never: lose a message; that is another row.

use std::time::Duration;

use tokio::time::sleep;

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::faults::rig::relay::Relay;
use crate::faults::rig::{Behind, Plan};
use crate::faults::scene::{Scene, load_l};

/// Works for a while.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[Behind::Relay] };
    let (parts, part) = (10, Duration::from_millis(run.pick(30_000, 800)));
    let scene = Scene::open(run, &plan, &load_l(run)).await?;
    for done in 1..=parts {
        sleep(part).await;
        if done % run.pick(1, 5) == 0 {
            run.say(&format!("{} of {} s", (part * done).as_secs(), (part * parts).as_secs()));
        }
    }
    let sum = |what: fn(&Relay) -> u64| scene.rig.hubs.iter().filter_map(|hub| hub.relay.as_ref()).map(what).sum();
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_least("messages that came after a later one", sum(Relay::overtaken), 1));
    findings.bars.push(Bar::count_at_most("errors a user would see", scene.driver.crew.figures.total().errors, 0));
    findings.figure("messages delayed", sum(Relay::delayed) as f64);
    findings.figure("messages that came twice", sum(Relay::repeated) as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}
