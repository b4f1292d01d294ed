//! Plans the edits that undo and restore (HI2).
//!
//! Promises: an undo that nothing has come between leaves the blocks as they were before its targets; a restore leaves
//! them as they were then. Versions rise in both.
//! Must never: judge; whether a plan applies is `decide`'s to say.

use std::collections::HashSet;
use std::sync::Arc;

use super::block::{Block, Place, Project};
use super::edit::{BaseEpoch, Edit, OnConflict, Op};
use super::event::{Change, Event};
use super::ids::{BlockId, EditId};
use super::merge::{self, Pointer};
use super::position::Position;
use super::sequence::{Seq, Version};

/// The edit that reverses `targets` (one edit, or all of a group, oldest first).
pub fn undo(id: EditId, targets: &[Arc<Event>]) -> Edit {
    Edit {
        id,
        group: None,
        epoch: BaseEpoch::Current,
        on_conflict: OnConflict::Merge,
        ops: targets.iter().rev().flat_map(|event| reversed(event)).collect(),
        ignoring: targets.iter().map(|event| event.edit).collect(),
    }
}

/// The reverse of one event: its changes, last first.
fn reversed(event: &Event) -> Vec<Op> {
    let born: HashSet<BlockId> = event.changes.iter().filter_map(inserted).collect();
    let mut texts: HashSet<(BlockId, &Pointer)> = HashSet::new();
    let mut ops = Vec::new();
    for change in event.changes.iter().rev() {
        match change {
            // What the same event made of a block that it brought goes with the block. Its moves are taken back all the
            // same: others may have to pass through its place.
            Change::Update { block, .. } | Change::Text { block, .. } if born.contains(block) => {}
            // All of an event's changes of one text are taken back at once: versions are what an undo names.
            Change::Text { block, path, .. } if !texts.insert((*block, path)) => {}
            Change::Update { back, .. } if back.is_empty() => {}
            Change::Delete { blocks } => ops.extend(blocks.iter().cloned().map(revived)),
            change => ops.extend(reverse(change, event)),
        }
    }
    ops
}

fn inserted(change: &Change) -> Option<BlockId> {
    match change {
        Change::Insert { block } => Some(block.id),
        _ => None,
    }
}

fn revived(block: Block) -> Op {
    Op::Revive { base: block.version.next(), block }
}

fn reverse(change: &Change, event: &Event) -> Option<Op> {
    match change {
        Change::Insert { block } => {
            Some(Op::Uninsert { block: block.id, base: event.version_of(block.id).unwrap_or(block.version) })
        }
        Change::Update { block, version, back, .. } => {
            Some(Op::Update { block: *block, base: *version, patch: back.clone() })
        }
        Change::Text { block, version, path, .. } => {
            Some(Op::Untext { block: *block, path: path.clone(), target: *version })
        }
        Change::Move { block, version, from, .. } => {
            Some(Op::Return { block: *block, base: *version, place: from.clone() })
        }
        Change::Delete { .. } => None,
    }
}

/// The edit that makes the project's blocks what they were. Decided on any other project than `now`, it may be
/// invalid: it is planned anew each time.
pub fn restore(id: EditId, now: &Project, then: &[Block]) -> Edit {
    let then = Project::new(Seq(0), Seq(0), then.iter().cloned());
    let plan = Restore { now, then: &then };
    let ops = plan.park().into_iter().chain(plan.clear()).chain(plan.rebuild()).collect();
    let (epoch, on_conflict) = (BaseEpoch::Current, OnConflict::Overwrite);
    Edit { id, group: None, epoch, on_conflict, ops, ignoring: Vec::new() }
}

/// What is, and what shall be.
struct Restore<'a> {
    now: &'a Project,
    then: &'a Project,
}

impl Restore<'_> {
    /// Moves those out of the way that will move anyway, and stand where another will, or under what goes.
    fn park(&self) -> Vec<Op> {
        let lot = Place { parent: None, position: self.last_position() };
        let moves = |block: &&&Arc<Block>| self.then.get(block.id).is_some_and(|goal| goal.place != block.place);
        let in_the_way = |block: &&&Arc<Block>| self.is_doomed(block.place.parent) || self.is_wanted(&block.place);
        let blocks = self.now.in_order();
        let parked = blocks.iter().filter(moves).filter(in_the_way);
        parked.map(|block| Op::Return { block: block.id, base: block.version, place: lot.clone() }).collect()
    }

    /// Deletes what was not there then.
    fn clear(&self) -> Vec<Op> {
        let blocks = self.now.in_order();
        let roots = blocks.iter().filter(|block| self.is_doomed(Some(block.id)) && !self.is_doomed(block.place.parent));
        roots.map(|block| Op::Delete { block: block.id, base: block.version }).collect()
    }

    /// Brings back what is gone, and every other block to its place and content: parents first, so that none comes to
    /// stand under itself on the way.
    fn rebuild(&self) -> Vec<Op> {
        self.then.in_order().into_iter().flat_map(|goal| self.rebuild_one(goal)).collect()
    }

    fn rebuild_one(&self, goal: &Block) -> Vec<Op> {
        let Some(block) = self.now.get(goal.id) else {
            return vec![Op::Revive { block: goal.clone(), base: Version(0) }];
        };
        let (id, base) = (block.id, block.version);
        let place = (block.place != goal.place).then(|| Op::Return { block: id, base, place: goal.place.clone() });
        let patch = merge::difference(&block.content, &goal.content);
        let update = (!patch.is_empty()).then_some(Op::Update { block: id, base, patch });
        place.into_iter().chain(update).collect()
    }

    fn is_doomed(&self, id: Option<BlockId>) -> bool {
        id.is_some_and(|id| self.then.get(id).is_none())
    }

    fn is_wanted(&self, place: &Place) -> bool {
        self.then.siblings(place.parent).is_some_and(|siblings| siblings.contains_key(&place.position))
    }

    /// An order key at the top behind all that are and shall be there.
    fn last_position(&self) -> Position {
        let last_of = |project: &Project| project.children(None).next_back().map(|(position, _)| position.clone());
        let last = last_of(self.now).max(last_of(self.then));
        let behind = Position::between(last.as_ref(), None).ok();
        // A key that cannot be counted on from is taken, and gives way.
        behind.or(last).unwrap_or_else(|| Position("a0".into()))
    }
}
