//! R5: the connection between hub and Postgres is cut at a commit: before it, within it, behind it, or before its answer;
//! between these, all connections are cut, after any number of bytes, in one direction, or refused.
//!
//! Promises: a cut at a commit falls on the statement that carries a certain edit; which edit, and where the cut falls,
//! chance decides.
//! Must never: tell anybody whether the edit was committed; the retry has to find out.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::LoadError;
use crate::bar::Bar;
use crate::chance::Chance;
use crate::faults::Run;
use crate::faults::driver::order::{Answer, Order};
use crate::faults::report::Findings;
use crate::faults::rig::{Behind, Plan};
use crate::faults::scene::{Scene, load_small};
use crate::proxy::{Door, Flow, Proxy, Sprung};

const CUTS: [(Sprung, &str); 4] = [
    (Sprung::CutBefore, "cut before the commit"),
    (Sprung::CutWithin, "cut within the commit"),
    (Sprung::CutAfter, "cut behind the commit"),
    (Sprung::CutAnswer, "cut before the commit's answer"),
];
/// For an edit, with its retries.
const PATIENCE: Duration = Duration::from_secs(15);

/// Of so many rounds, one cuts anywhere.
const ANYWHERE_ONE_IN: usize = 6;
/// A connection cut anywhere has passed on so many bytes at most: it may not even have been set up.
const ANYWHERE_BYTES: usize = 16 << 10;
/// How long a hub's connections are cut anywhere.
const ANYWHERE: Duration = Duration::from_millis(300);

/// What rounds find out.
#[derive(Default)]
struct Tally {
    cuts: [u64; CUTS.len()],
    anywhere: u64,
    applied: u64,
    /// Not committed when it was cut, and its block was changed before the retry.
    overtaken: u64,
    unanswered: u64,
    missed: u64,
}

/// Cuts, round by round.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let plan = Plan { hubs: 2, drain_secs: 20, behind: &[Behind::Postgres] };
    let rounds = run.times(1_000, 20);
    let mut scene = Scene::open(run, &plan, &load_small(run)).await?;
    let mut tally = Tally::default();
    for turn in 0..2 * rounds {
        let before = tally.cuts.iter().sum::<u64>();
        round(&mut scene, turn, &mut tally).await?;
        let done = tally.cuts.iter().sum::<u64>();
        if done > before && done % run.pick(100, 10) == 0 {
            run.say(&format!("{done} of {rounds} cuts"));
        }
        if done == rounds as u64 {
            break;
        }
    }
    let mut findings = Findings::default();
    findings.bars.push(Bar::count_at_least("cuts at a commit", tally.cuts.iter().sum(), rounds as u64));
    findings.bars.push(Bar::count_at_most("edits not answered", tally.unanswered, 0));
    for (at, (_, name)) in CUTS.iter().enumerate() {
        findings.figure(name, tally.cuts[at] as f64);
    }
    findings.figure("times that all connections were cut anywhere", tally.anywhere as f64);
    findings.figure("retries that found the edit committed", tally.applied as f64);
    findings.figure("retries that found the block changed", tally.overtaken as f64);
    findings.figure("rounds in which the author was elsewhere", tally.missed as f64);
    scene.close(&mut findings).await?;
    Ok(findings)
}

async fn round(scene: &mut Scene, turn: usize, tally: &mut Tally) -> Result<(), LoadError> {
    let (hub, at) = (turn % 2, scene.chance.below(CUTS.len()));
    let author = scene.driver.client_of(hub, turn / 2);
    scene.driver.order(author, Order::Go(hub)).await?;
    let words = format!("turn {turn} of {}", scene.chance.uuid());
    let Some(proxy) = &scene.rig.hubs[hub].database else { return Ok(()) };
    if scene.chance.one_in(ANYWHERE_ONE_IN) {
        tally.anywhere += 1;
        cut_anywhere(proxy, &mut scene.chance).await;
    }
    let mut sprung = proxy.trap(words.as_bytes(), CUTS[at].0);
    let (_, answer) = scene.driver.edit(author, &words).await?;
    match timeout(PATIENCE, answer).await {
        Ok(Ok(Answer::Acked { duplicate, .. })) => tally.applied += u64::from(duplicate),
        Ok(Ok(Answer::Conflicted)) => tally.overtaken += 1,
        _ => tally.unanswered += 1,
    }
    match sprung.try_recv() {
        Ok(()) => tally.cuts[at] += 1,
        Err(_) => tally.missed += 1,
    }
    proxy.disarm();
    Ok(())
}

async fn cut_anywhere(proxy: &Proxy, chance: &mut Chance) {
    let bytes = Flow::CutAfter(chance.below(ANYWHERE_BYTES));
    match chance.below(3) {
        0 => proxy.to_target(bytes),
        1 => proxy.to_clients(bytes),
        _ => {
            proxy.door(Door::Shut);
            proxy.cut();
        }
    }
    sleep(ANYWHERE).await;
    proxy.door(Door::Open);
    proxy.flow(Flow::Pass);
}
