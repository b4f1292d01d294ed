//! Edits in a closed loop: 16 projects, eight under way on each connection, each on a block of its own.
//!
//! Promises: a rate is what was acked within the window; a cost is processor time by edit.
//! Must never: call an ack durable that is not: the subject's description says what it is worth.

use super::Size;
use super::crew::{self, Pace, Plan};
use super::report::Better::{Less, More, Neither};
use super::report::Outcome;
use super::subject::Stage;
use crate::LoadError;

const PROJECTS: usize = 16;
const IN_FLIGHT: usize = 8;
const BYTES: usize = 100;

/// In words.
pub fn how(size: &Size) -> String {
    let (connections, seconds) = (size.connections, size.window.as_secs());
    format!(
        "{connections} connections, {PROJECTS} projects, {IN_FLIGHT} in flight on each, {BYTES} bytes of text, {seconds} s"
    )
}

/// Measures one subject.
pub async fn run(stage: &Stage, size: &Size, outcome: &mut Outcome) -> Result<(), LoadError> {
    let plan = Plan {
        connections: size.connections,
        projects: PROJECTS.min(size.connections),
        writers: size.connections,
        blocks: IN_FLIGHT,
        pace: Pace::Closed,
        bytes: BYTES,
        warm_up: size.warm_up,
        window: size.window,
    };
    let run = crew::run(stage, &plan).await?;
    let (tally, seconds) = (&run.tally, size.window.as_secs_f64());
    let ms = |quantile| tally.acks.value_at_quantile(quantile) as f64 / 1_000.0;
    let micros = |cpu: f64| cpu * 1e6 / tally.acked as f64;
    let (server, postgres, redis) = (micros(run.cpu.hub), micros(run.cpu.postgres), micros(run.cpu.redis));
    outcome.figure("acked edits/s", tally.acks.len() as f64 / seconds, More);
    outcome.figure("ack p50, ms", ms(0.5), Less);
    outcome.figure("ack p99, ms", ms(0.99), Less);
    outcome.figure("CPU of servers, µs an edit", server + postgres + redis, Less);
    outcome.figure("  the server's own", server, Less);
    outcome.figure("  Postgres'", postgres, Neither);
    outcome.figure("  Redis'", redis, Neither);
    outcome.figure("CPU of the load, µs an edit", micros(run.cpu.load), Neither);
    outcome.figure("deliveries/s", tally.deliveries.len() as f64 / seconds, Neither);
    outcome.remark_flaws(tally.flaws, tally.unseen);
    Ok(())
}
