//! One project that everybody is in, and a steady rate of edits by a few of them.
//!
//! Promises: a cost is the server's processor time by delivery; who cannot keep up is said to be saturated, with the rate
//! that it reached.
//! Must never: take the pace from the server: it is kept, as far as blocks have been acked.

use super::Size;
use super::crew::{self, Pace, Plan};
use super::report::Better::{Less, More, Neither};
use super::report::Outcome;
use super::subject::Stage;
use crate::LoadError;

/// Of each writer, all on one block: as fast as people type.
const EDITS_PER_SECOND: u32 = 10;
const BYTES: usize = 100;
/// Below this part of the rate a subject does not keep up.
const KEEPS_UP: f64 = 0.97;

fn writers(size: &Size) -> usize {
    (size.rate.div_ceil(EDITS_PER_SECOND) as usize).clamp(1, size.connections.max(1))
}

/// In words.
pub fn how(size: &Size) -> String {
    let (connections, rate, seconds, writers) = (size.connections, size.rate, size.window.as_secs(), writers(size));
    format!("one room of {connections}, {rate} edits/s by {writers} of them, {BYTES} bytes of text, {seconds} s")
}

/// Measures one subject.
pub async fn run(stage: &Stage, size: &Size, outcome: &mut Outcome) -> Result<(), LoadError> {
    let writers = writers(size);
    let every = std::time::Duration::from_secs_f64(writers as f64 / f64::from(size.rate.max(1)));
    let plan = Plan {
        connections: size.connections,
        projects: 1,
        writers,
        blocks: 1,
        pace: Pace::Every(every),
        bytes: BYTES,
        warm_up: size.warm_up,
        window: size.window,
    };
    let run = crew::run(stage, &plan).await?;
    let (tally, seconds) = (&run.tally, size.window.as_secs_f64());
    let ms = |of: &hdrhistogram::Histogram<u64>, quantile| of.value_at_quantile(quantile) as f64 / 1_000.0;
    let micros = |cpu: f64| cpu * 1e6 / tally.delivered as f64;
    let receivers = stage.subject().receivers(size.connections);
    let reached = tally.deliveries.len() as f64 / seconds / receivers as f64;
    outcome.figure("edits/s delivered to all", reached, More);
    outcome.figure("server's CPU, µs a delivery", micros(run.cpu.hub), Less);
    outcome.figure("delivery p50, ms", ms(&tally.deliveries, 0.5), Less);
    outcome.figure("delivery p99, ms", ms(&tally.deliveries, 0.99), Less);
    outcome.figure("ack p99, ms", ms(&tally.acks, 0.99), Less);
    outcome.figure("CPU of the load, µs a delivery", micros(run.cpu.load), Neither);
    outcome.remark_flaws(tally.flaws, tally.unseen);
    if reached < KEEPS_UP * f64::from(size.rate) {
        let left_out = tally.left_out;
        outcome.remarks.push(format!("saturated at {reached:.0} edits/s; {left_out} edits were not even sent"));
    }
    Ok(())
}
