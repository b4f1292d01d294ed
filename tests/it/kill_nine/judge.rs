//! Compares what clients were promised with what the log holds.
//!
//! Promises: what it finds is a list of sentences; none, if all is as it should be.
//! Must never: ask the hub; it is handed everything.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::player::{Acked, Comeback};
use crate::harness::replica::Replica;

/// Events up to this size are always recovered ([JN2]); a little less, since the hub's count may differ by a key.
const RECOVER_BYTES: usize = 60 << 10;

/// What a project came to.
pub struct Outcome {
    /// All events, as they were read.
    pub log: Vec<Value>,
    /// The snapshot at rest.
    pub snapshot: Replica,
}

/// What clients know.
#[derive(Default)]
pub struct Testimony {
    pub acked: Vec<Acked>,
    pub refused: Vec<String>,
    pub sent: HashSet<String>,
    pub comebacks: Vec<Comeback>,
    /// Who has which copy of which project.
    pub replicas: Vec<(String, String, Replica)>,
}

/// Everything that is not as the contract says.
pub fn faults(outcomes: &BTreeMap<String, Outcome>, testimony: &Testimony) -> Vec<String> {
    let logs = outcomes.iter().flat_map(|(project, outcome)| log_faults(project, outcome, testimony));
    let acked = testimony.acked.iter().filter_map(|acked| ack_fault(&outcomes[&acked.project], acked));
    let comebacks = testimony.comebacks.iter().filter(|back| !back.recovered);
    let comebacks = comebacks.filter_map(|back| comeback_fault(&outcomes[&back.project], back));
    let copies = testimony.replicas.iter().filter(|(_, project, replica)| outcomes[project].snapshot != *replica);
    let copies = copies.map(|(user, project, replica)| format!("{user} has another {project}, at {}", replica.seq));
    logs.chain(acked).chain(comebacks).chain(copies).collect()
}

fn log_faults(project: &str, outcome: &Outcome, testimony: &Testimony) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: HashMap<&str, &Value> = HashMap::new();
    let mut folded = Replica::default();
    let refused: HashSet<&str> = testimony.refused.iter().map(String::as_str).collect();
    for (event, place) in outcome.log.iter().zip(1_u64..) {
        if event["seq"] != place {
            faults.push(format!("{project} has a hole at {place}: {event}"));
            return faults;
        }
        let edit = event["editId"].as_str().unwrap();
        if let Some(before) = seen.insert(edit, &event["seq"]) {
            faults.push(format!("{project} has {edit} twice, at {before} and {place}"));
        }
        if refused.contains(edit) || !testimony.sent.contains(edit) {
            faults.push(format!("{project} has {edit}, which was refused or never sent, at {place}"));
        }
        folded.apply(event);
    }
    if folded != outcome.snapshot {
        faults.push(format!("{project} is not what its log comes to"));
    }
    faults
}

fn ack_fault(outcome: &Outcome, acked: &Acked) -> Option<String> {
    let event = usize::try_from(acked.seq).ok().and_then(|seq| outcome.log.get(seq.checked_sub(1)?));
    let there = event.is_some_and(|event| event["editId"] == acked.edit && event["actor"]["id"] == acked.user);
    (!there).then(|| format!("an acked edit is not where it was promised: {acked:?}, there is {event:?}"))
}

/// A snapshot instead of events is right only where events would have been large, and larger than it.
fn comeback_fault(outcome: &Outcome, back: &Comeback) -> Option<String> {
    let missed = |event: &&Value| (back.since + 1..=back.seq).contains(&event["seq"].as_u64().unwrap());
    let bytes: usize = outcome.log.iter().filter(missed).map(|event| event.to_string().len() + 1).sum();
    let right = bytes > RECOVER_BYTES && bytes * 16 > back.snapshot_bytes * 15;
    (!right).then(|| format!("a snapshot came for {bytes} bytes of events: {back:?}"))
}
