//! R5: the connection between hub and Postgres is cut at a commit: before it, within it, behind it, or before its answer.
//!
//! Promises: the cut falls on the statement that carries a certain edit; which edit, and where the cut falls, chance
//! decides.
//! Must never: tell anybody whether the edit was committed; the retry has to find out.

use std::time::Duration;

use tokio::time::timeout;

use crate::LoadError;
use crate::faults::Run;
use crate::faults::driver::client::Order;
use crate::faults::report::{Bar, Findings};
use crate::faults::rig::proxy::Sprung;
use crate::faults::rig::{Behind, Plan};
use crate::faults::scene::{Scene, load_small};

const CUTS: [(Sprung, &str); 4] = [
    (Sprung::CutBefore, "cut before the commit"),
    (Sprung::CutWithin, "cut within the commit"),
    (Sprung::CutAfter, "cut behind the commit"),
    (Sprung::CutAnswer, "cut before the commit's answer"),
];
/// For an edit, with its retries.
const PATIENCE: Duration = Duration::from_secs(15);

/// Cuts, round by round.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[Behind::Postgres] };
    let rounds = run.pick(1_000, 20);
    let mut scene = Scene::open(run, &plan, &load_small(run)).await?;
    let (mut cuts, mut applied, mut unanswered, mut missed) = ([0_u64; 4], 0, 0, 0);
    for turn in 0..2 * rounds {
        let (hub, at) = (turn % 2, scene.chance.below(CUTS.len()));
        let author = scene.driver.client_of(hub, turn / 2);
        scene.driver.order(author, Order::Go(hub)).await?;
        let words = format!("turn {turn} of {}", scene.chance.uuid());
        let Some(proxy) = &scene.rig.hubs[hub].database else { break };
        let mut sprung = proxy.trap(words.as_bytes(), CUTS[at].0);
        let (_, acked) = scene.driver.edit(author, &words).await?;
        match timeout(PATIENCE, acked).await {
            Ok(Ok(acked)) => applied += u64::from(acked.duplicate),
            _ => unanswered += 1,
        }
        if sprung.try_recv().is_ok() {
            cuts[at] += 1
        } else {
            missed += 1
        }
        proxy.disarm();
        let done: u64 = cuts.iter().sum();
        if done % run.pick(100, 10) == 0 {
            run.say(&format!("{done} of {rounds} cuts"));
        }
        if done == rounds as u64 {
            break;
        }
    }
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_least("cuts at a commit", cuts.iter().sum(), rounds as u64));
    findings.bars.push(Bar::count_at_most("edits not answered", unanswered, 0));
    for (at, (_, name)) in CUTS.iter().enumerate() {
        findings.figure(name, cuts[at] as f64);
    }
    findings.figure("retries that found the edit committed", applied as f64);
    findings.figure("rounds in which the author was elsewhere", f64::from(missed));
    scene.close(&mut findings).await?;
    Ok(findings)
}
