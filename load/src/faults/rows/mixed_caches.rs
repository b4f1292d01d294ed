//! S9: users with the same ids: of blocks, edits and messages, asked for in the same order, at the same time.
//!
//! Promises: whatever comes back is looked through for the others' marks, and is the answer to what was asked.
//! Must never: let them share a project: nothing of one is another's.

use crate::LoadError;
use crate::bar::Bar;
use crate::faults::Run;
use crate::faults::report::Findings;
use crate::isolation::tally::Transport;
use crate::isolation::{Draws, Front, Town};
use crate::world::{Database, Setting};

/// Two would do, but nginx lets one address make no more than 100 calls a second.
const USERS: usize = 50;

/// All ask, each as much.
pub async fn run(run: &Run) -> Result<Findings, LoadError> {
    let requests = run.times(100_000, 2_000);
    let setting = Setting { database: Database::Postgres, database_delay_ms: 0, hubs: 2, redis: true };
    let front = if run.planted { Front::SharedCache } else { Front::Direct };
    let mut town = Town::start(&setting, Vec::new(), front).await?;
    town.crowd.populate(USERS, 1, run.seed, Draws::Same).await?;
    let (mut findings, marks) = (Findings::default(), town.crowd.place.marks.clone());
    let misplaced = match town.crowd.work(requests / USERS).await {
        Ok(()) => 0,
        Err(LoadError::Misplaced(words)) => {
            findings.remarks.push(words);
            1
        }
        Err(error) => return Err(error),
    };
    let counts = town.crowd.place.tally.take();
    findings.bars.push(Bar::count_at_most("marks out of place", misplaced, 0));
    findings.bars.push(Bar::count_at_least("requests served", counts.served(), requests as u64));
    findings.bars.push(Bar::count_at_most("request ids seen twice", counts.doubled, 0));
    for (transport, times) in Transport::ALL.iter().zip(&counts.times) {
        findings.figure(&format!("served over {}", transport.name()), times.count() as f64);
    }
    findings.figure("marks seen, each by whose they are", marks.seen() as f64);
    findings.figure("sessions older than their user's last write", counts.stale as f64);
    Ok(findings)
}
