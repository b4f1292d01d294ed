//! Inserts, moves, deletes, and their reverses (ED5, ED8, ED9, HI2).
//!
//! Promises: what applies leaves a tree: no cycle, no orphan, no two siblings at one position.
//! Must never: take an id twice, or put anything under what is deleted.

use std::sync::Arc;

use super::base::{Basis, Stand};
use super::judge::{Halt, Judge, Step};
use crate::domain::block::{Block, Content, Grave, Place};
use crate::domain::edit::{OnConflict, Op};
use crate::domain::event::Change;
use crate::domain::ids::BlockId;
use crate::domain::merge;
use crate::domain::past::{Missing, Need, Remains};
use crate::domain::position::Position;
use crate::domain::sequence::Version;

/// How many versions more than needed are asked for, where one does not know how far back to look.
const VERSIONS_AHEAD: u64 = 64;

impl Judge<'_> {
    pub(super) fn insert(
        &mut self,
        op: &Op,
        id: BlockId,
        kind: &Arc<str>,
        parent: Option<BlockId>,
        after: Option<BlockId>,
        content: &Content,
    ) -> Step {
        let is_known = self.draft.get(id).is_some() || self.draft.has_deleted(id);
        if is_known || matches!(self.past.remains(id), Remains::Grave(_)) {
            return Err(Halt::Invalid("a block of this id was there before"));
        }
        self.check_parent(op, parent)?;
        let behind = self.last_place(parent, after)?;
        let place = self.draft.place_behind(parent, behind.as_ref(), None)?;
        let content = merge::applied(content);
        if merge::exceeds(&content, self.limits.block_bytes_max) {
            return Err(Halt::TooLarge);
        }
        let block = Block { id, kind: kind.clone(), place, content, version: Version(1) };
        Ok(self.draft.push(Change::Insert { block })?)
    }

    pub(super) fn relocate(
        &mut self,
        op: &Op,
        id: BlockId,
        base: Version,
        parent: Option<BlockId>,
        after: Option<BlockId>,
    ) -> Step {
        let block = self.living(op, id)?;
        self.check_parent(op, parent)?;
        if parent.is_some_and(|parent| self.draft.is_under(parent, id)) {
            return Err(Halt::Invalid("a block cannot stand under itself"));
        }
        let behind = self.last_place(parent, after)?;
        let to = self.draft.place_behind(parent, behind.as_ref(), Some(&block))?;
        self.judge_move(op, &block, base, &to)?;
        self.push_move(&block, to)
    }

    /// [`Op::Return`]: a move to a place given by its order key.
    pub(super) fn put_back(&mut self, op: &Op, id: BlockId, base: Version, place: &Place) -> Step {
        let block = self.living(op, id)?;
        self.check_parent(op, place.parent)?;
        if place.parent.is_some_and(|parent| self.draft.is_under(parent, id)) {
            return Err(self.conflict(op, Basis::Seen, Vec::new()));
        }
        let to = self.draft.free_place(place, id)?;
        self.judge_move(op, &block, base, &to)?;
        self.push_move(&block, to)
    }

    fn push_move(&mut self, block: &Block, to: Place) -> Step {
        let version = self.draft.version_after(block);
        Ok(self.draft.push(Change::Move { block: block.id, version, to, from: block.place.clone() })?)
    }

    /// Two moves clash unless they lead to the same place.
    fn judge_move(&mut self, op: &Op, block: &Block, base: Version, to: &Place) -> Step {
        match self.stand(block.id, base)? {
            Stand::Current => return Ok(()),
            Stand::Stale if self.edit.on_conflict == OnConflict::Merge => {}
            Stand::Stale => return self.overwrite(op, Basis::Seen, Vec::new()),
            Stand::Unknown => return self.overwrite(op, Basis::Unknown, Vec::new()),
        }
        let Some(then) = self.block_at(block.id, base)? else {
            return Err(self.conflict(op, Basis::Unknown, Vec::new()));
        };
        let now = self.compared(block.id, base)?;
        if then.place != now.place && now.place != *to {
            return Err(self.conflict(op, Basis::Seen, Vec::new()));
        }
        self.note_merged(block.id, base)
    }

    pub(super) fn delete(&mut self, op: &Op, id: BlockId, base: Version) -> Step {
        let block = self.living(op, id)?;
        match self.stand(id, base)? {
            Stand::Current => {}
            Stand::Stale => self.overwrite(op, Basis::Seen, Vec::new())?,
            Stand::Unknown => self.overwrite(op, Basis::Unknown, Vec::new())?,
        }
        Ok(self.draft.push(Change::Delete { blocks: self.draft.doomed(&block) })?)
    }

    /// Takes an insert back: what others made of the block since, or put under it, stands against that.
    pub(super) fn uninsert(&mut self, op: &Op, id: BlockId, base: Version) -> Step {
        let block = self.living(op, id)?;
        if self.draft.has_children(id) || !self.is_as_left(&block, base)? {
            return Err(self.conflict(op, Basis::Seen, Vec::new()));
        }
        Ok(self.draft.push(Change::Delete { blocks: self.draft.doomed(&block) })?)
    }

    /// Whether the block is what it was at `base`: what came since was taken back.
    fn is_as_left(&mut self, block: &Block, base: Version) -> Step<bool> {
        match self.stand(block.id, base)? {
            Stand::Unknown => return Ok(false),
            Stand::Current => return Ok(true),
            Stand::Stale => {}
        }
        let now = self.compared(block.id, base)?;
        let then = self.block_at(block.id, base)?;
        Ok(then.is_some_and(|then| then.content == now.content && then.place == now.place))
    }

    pub(super) fn revive(&mut self, op: &Op, as_was: &Block, base: Version) -> Step {
        let id = as_was.id;
        if self.draft.get(id).is_some() {
            return Err(self.conflict(op, Basis::Seen, Vec::new()));
        }
        if !self.draft.has_deleted(id) {
            self.check_grave(op, as_was, base)?;
        }
        self.check_parent(op, as_was.place.parent)?;
        let place = self.draft.free_place(&as_was.place, id)?;
        let block = Block { place, version: self.version_before(id).next(), ..as_was.clone() };
        Ok(self.draft.push(Change::Insert { block })?)
    }

    fn check_grave(&self, op: &Op, as_was: &Block, base: Version) -> Step {
        let grave = match self.past.remains(as_was.id) {
            Remains::Grave(grave) => grave,
            Remains::Never => return Err(Halt::Invalid("there never was such a block")),
            Remains::Unknown => return Err(Halt::Lacks(Need::Grave { block: as_was.id })),
        };
        let is_as_left = self.edit.on_conflict == OnConflict::Overwrite || grave.version == base;
        if is_as_left || self.died_as(as_was, &grave)? { Ok(()) } else { Err(self.dead(op, as_was.id, &grave)) }
    }

    /// Whether a block was, when it was deleted last, as it is to live again.
    fn died_as(&self, as_was: &Block, grave: &Grave) -> Step<bool> {
        let died = self.block_at(as_was.id, grave.version.previous())?;
        Ok(died.is_some_and(|died| died.content == as_was.content && died.place.parent == as_was.place.parent))
    }

    fn check_parent(&self, op: &Op, parent: Option<BlockId>) -> Step {
        match parent {
            Some(parent) if self.draft.get(parent).is_none() => Err(self.absent(op, parent)),
            _ => Ok(()),
        }
    }
}

/// Where a sibling stands, or stood last (ED8).
impl Judge<'_> {
    fn last_place(&self, parent: Option<BlockId>, sibling: Option<BlockId>) -> Step<Option<Position>> {
        let Some(sibling) = sibling else { return Ok(None) };
        let living = self.draft.get(sibling).map(|block| &block.place);
        if let Some(place) = living.filter(|place| place.parent == parent) {
            return Ok(Some(place.position.clone()));
        }
        let left = self.draft.changes().iter().rev().find_map(|change| left_behind(change, sibling, parent));
        match left {
            Some(position) => Ok(Some(position)),
            None => self.last_place_before(parent, sibling).map(Some),
        }
    }

    fn last_place_before(&self, parent: Option<BlockId>, sibling: BlockId) -> Step<Position> {
        if self.project.get(sibling).is_none() {
            match self.past.remains(sibling) {
                Remains::Grave(grave) if grave.place.parent == parent => return Ok(grave.place.position),
                Remains::Grave(_) => {}
                Remains::Unknown if !self.has_failed(sibling) => {
                    return Err(Halt::Lacks(Need::Grave { block: sibling }));
                }
                Remains::Never | Remains::Unknown => return Err(NEVER_THERE),
            }
        }
        for version in (1..=self.version_before(sibling).0).rev().map(Version) {
            let ask_after = Version(version.0.saturating_sub(VERSIONS_AHEAD));
            let event = match self.past.event_of(sibling, version, ask_after) {
                Ok(event) => event,
                Err(Missing::Ask(need)) => return Err(Halt::Lacks(need)),
                Err(Missing::Dropped) => return Err(NEVER_THERE),
            };
            if let Some(position) = event.changes.iter().rev().find_map(|change| left_behind(change, sibling, parent)) {
                return Ok(position);
            }
        }
        Err(NEVER_THERE)
    }
}

const NEVER_THERE: Halt = Halt::Invalid("the block to stand behind never stood there");

/// The order key that `id` had under `parent` until this change.
fn left_behind(change: &Change, id: BlockId, parent: Option<BlockId>) -> Option<Position> {
    let place = match change {
        Change::Move { block, from, .. } if *block == id => from,
        Change::Delete { blocks } => &blocks.iter().find(|block| block.id == id)?.place,
        _ => return None,
    };
    (place.parent == parent).then(|| place.position.clone())
}
