//! From decided events to what the store is asked and what authors are answered.
//!
//! Promises: a commit names the version of every block that it touches as it was found (design, invariant 3).
//! Must never: look anything up; the events say it all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::block::{Grave, Project};
use crate::domain::event::{Change, Event};
use crate::domain::ids::{BlockId, ProjectId};
use crate::domain::sequence::{Epoch, Seq, Version};
use crate::protocol::message::reply::Ack;
use crate::store::{BlockState, BlockWrite, Commit, EditRecord};

/// What the store is asked: `events`, decided on `epoch` and, if they change the tree, on `tree_seq`; `after` is the
/// project with all of them applied.
pub fn commit_of(project: ProjectId, epoch: Epoch, tree_seq: Seq, after: &Project, events: &[Arc<Event>]) -> Commit {
    let structural = events.iter().any(|event| event.is_structural());
    Commit {
        project,
        epoch,
        tree_seq: structural.then_some(tree_seq),
        blocks: writes(after, events),
        events: events.to_vec(),
    }
}

fn writes(after: &Project, events: &[Arc<Event>]) -> Vec<BlockWrite> {
    let mut found: BTreeMap<BlockId, Version> = BTreeMap::new();
    let mut dead: BTreeMap<BlockId, Grave> = BTreeMap::new();
    for change in events.iter().flat_map(|event| &event.changes) {
        for (id, version) in change.touched() {
            // An edit raises the version of what it touches by one.
            found.entry(id).or_insert(Version(version.0.saturating_sub(1)));
        }
        if let Change::Delete { blocks } = change {
            let grave = |block: &crate::domain::block::Block| Grave {
                version: block.version.next(),
                place: block.place.clone(),
            };
            dead.extend(blocks.iter().map(|block| (block.id, grave(block))));
        }
    }
    let left = |id| match after.get(id) {
        Some(block) => Some(BlockState::Lives(block.clone())),
        None => dead.remove(&id).map(BlockState::Dead),
    };
    let mut left = left;
    found.into_iter().filter_map(|(id, found)| left(id).map(|left| BlockWrite { id, found, left })).collect()
}

/// The answer to the author of an event.
pub fn ack_of(project: ProjectId, event: &Event) -> Ack {
    let versions: BTreeMap<_, _> = event.changes.iter().flat_map(Change::touched).collect();
    Ack {
        project,
        edit: event.edit,
        seq: event.seq,
        versions: versions.into_iter().collect(),
        merged: event.merged,
        overwrote: event.overwrote,
        duplicate: false,
    }
}

/// The answer to an edit that had been applied before ([ED2]).
pub fn ack_again(project: ProjectId, record: EditRecord) -> Ack {
    Ack {
        project,
        edit: record.edit,
        seq: record.seq,
        versions: record.versions,
        merged: record.merged,
        overwrote: record.overwrote,
        duplicate: true,
    }
}
