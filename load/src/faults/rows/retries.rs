//! R18: every edit is sent one to five times, across hubs, and a fifth of the acks count as not seen.
//!
//! Promises: each sending is the same bytes; a second client of the same user, on another hub, sends what the first one
//! sent.
//! Must never: disturb a hub.

use std::time::Duration;

use tokio::time::sleep;

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::driver::{Load, Sends};
use crate::faults::report::Findings;
use crate::faults::rig::Plan;
use crate::faults::scene::Scene;

/// Sends until there are enough.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[] };
    let sends = Sends::UpToFive;
    let load = run.pick(
        Load { clients: 100, projects: 20, rate: 700, sends },
        Load { clients: 16, projects: 4, rate: 150, sends },
    );
    let wanted = run.times(1_000_000, 5_000) as u64;
    let scene = Scene::open(run, &plan, &load).await?;
    let mut said = 0;
    loop {
        sleep(Duration::from_millis(200)).await;
        let sent = scene.driver.crew.sends();
        if sent >= wanted {
            break;
        }
        if sent * 10 / wanted > said {
            said = sent * 10 / wanted;
            run.say(&format!("{sent} of {wanted} sends"));
        }
    }
    let mut findings = Findings::default();
    let total = scene.driver.crew.figures.total();
    findings.bars.push(Bar::count_at_least("sends", scene.driver.crew.sends(), wanted));
    findings.bars.push(Bar::count_at_most("errors a user would see", total.errors, 0));
    scene.close(&mut findings).await?;
    Ok(findings)
}
