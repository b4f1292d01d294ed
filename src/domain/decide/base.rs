//! What is known of the version that an author saw (ED3, ED14), and of what happened since.
//!
//! Promises: a conflict holds all that it takes to settle it, as far as that is kept (ED6).
//! Must never: take an unknown base for a known one.

use std::sync::Arc;

use super::Conflict;
use super::judge::{Halt, Judge, Log, Step};
use crate::domain::block::{Block, Grave};
use crate::domain::edit::{OnConflict, Op};
use crate::domain::event::Event;
use crate::domain::ids::BlockId;
use crate::domain::merge::{self, Pointer};
use crate::domain::past::{Missing, Need, Remains};
use crate::domain::sequence::Version;

/// How a base stands to the block before the edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is the current version.
    Current,
    /// It is an older one.
    Stale,
    /// It is none that we know of.
    Unknown,
}

/// Whether a conflict can say what the author saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    Seen,
    Unknown,
}

impl Judge<'_> {
    /// The block as the ops so far leave it.
    pub(super) fn living(&self, op: &Op, id: BlockId) -> Step<Arc<Block>> {
        self.draft.get(id).cloned().ok_or_else(|| self.absent(op, id))
    }

    /// Why `op` cannot have the block `id`.
    pub(super) fn absent(&self, op: &Op, id: BlockId) -> Halt {
        if self.draft.has_deleted(id) {
            return Halt::Invalid("the block was deleted earlier in the same edit");
        }
        if self.has_failed(id) && self.project.get(id).is_none() {
            return self.dead_or_moot(op, id);
        }
        match self.past.remains(id) {
            Remains::Grave(grave) => self.dead(op, id, &grave),
            Remains::Never => Halt::Invalid("there never was such a block"),
            Remains::Unknown => Halt::Lacks(Need::Grave { block: id }),
        }
    }

    /// An op on a block that another op failed to bring, or failed on because it is dead.
    fn dead_or_moot(&self, op: &Op, id: BlockId) -> Halt {
        match self.past.remains(id) {
            Remains::Grave(grave) => self.dead(op, id, &grave),
            Remains::Never | Remains::Unknown => Halt::Moot,
        }
    }

    /// How `base` stands to the block before the edit.
    pub(super) fn stand(&self, id: BlockId, base: Version) -> Step<Stand> {
        let Some(block) = self.project.get(id) else { return self.stand_of_newborn(id, base) };
        Ok(if self.log == Log::Another || base == Version(0) || base > block.version {
            Stand::Unknown
        } else if base == block.version {
            Stand::Current
        } else {
            Stand::Stale
        })
    }

    fn stand_of_newborn(&self, id: BlockId, base: Version) -> Step<Stand> {
        match self.past.remains(id) {
            Remains::Grave(grave) if base == grave.version => Ok(Stand::Current),
            Remains::Grave(grave) if base > grave.version || base == Version(0) => Ok(Stand::Unknown),
            Remains::Grave(_) => Ok(Stand::Stale),
            _ if base == Version(0) => Ok(Stand::Current),
            _ => Err(Halt::Invalid("the base version of a block that the same edit inserts is 0")),
        }
    }

    /// The version of a block before the edit; of a dead one, the version that its deletion made.
    pub(super) fn version_before(&self, id: BlockId) -> Version {
        match (self.project.get(id), self.past.remains(id)) {
            (Some(block), _) => block.version,
            (None, Remains::Grave(grave)) => grave.version,
            (None, Remains::Never | Remains::Unknown) => Version(0),
        }
    }

    /// The events that made the versions of a block above `base`; `None` if some are not kept.
    pub(super) fn since(&self, id: BlockId, base: Version) -> Step<Option<Vec<Arc<Event>>>> {
        match self.past.history(id, base, self.version_before(id)) {
            Ok(events) => Ok(Some(events)),
            Err(Missing::Dropped) => Ok(None),
            Err(Missing::Ask(need)) => Err(Halt::Lacks(need)),
        }
    }

    /// The block as it was at `version`; `None` if that is not kept, or it did not live.
    pub(super) fn block_at(&self, id: BlockId, version: Version) -> Step<Option<Arc<Block>>> {
        let Some(events) = self.since(id, version)? else { return Ok(None) };
        let changes = events.iter().rev().flat_map(|event| event.changes.iter().rev());
        let now = self.project.get(id).cloned();
        changes.into_iter().try_fold(now, |block, change| Ok(change.take_back_from(id, block)?))
    }

    /// The block that the base is compared with: as it was before the edit. An undo takes back several edits, newest
    /// first, and compares each with what those after it have left (HI2).
    pub(super) fn compared(&mut self, id: BlockId, base: Version) -> Step<Arc<Block>> {
        let block = if self.edit.ignoring.is_empty() {
            self.project.get(id).cloned()
        } else {
            self.compared.entry((id, base)).or_insert_with(|| self.draft.get(id).cloned()).clone()
        };
        block.ok_or(Halt::Moot)
    }

    /// Whether anything happened to the block since `base` but by the edits that are taken back.
    pub(super) fn is_changed_by_others(&self, id: BlockId, base: Version) -> Step<bool> {
        let events = self.since(id, base)?;
        Ok(events.is_none_or(|events| events.iter().any(|event| !self.edit.ignoring.contains(&event.edit))))
    }

    /// An op whose base is unknown, or stale beyond merging: the last write wins, or it is a conflict.
    pub(super) fn overwrite(&mut self, op: &Op, basis: Basis, paths: Vec<Pointer>) -> Step {
        if self.edit.on_conflict != OnConflict::Overwrite {
            return Err(self.conflict(op, basis, paths));
        }
        self.overwrote = true;
        Ok(())
    }

    /// A stale base was merged.
    pub(super) fn note_merged(&mut self, id: BlockId, base: Version) -> Step {
        self.merged |= self.edit.ignoring.is_empty() || self.is_changed_by_others(id, base)?;
        Ok(())
    }
}

/// Conflicts.
impl Judge<'_> {
    /// A conflict of `op` on its block at `paths`.
    pub(super) fn conflict(&self, op: &Op, basis: Basis, paths: Vec<Pointer>) -> Halt {
        let id = op.block();
        self.conflict_with(op, basis, paths, self.project.get(id).cloned(), (id, self.version_before(id)))
            .unwrap_or_else(|halt| halt)
    }

    /// A conflict of `op` with the deletion of `id`, its block or the one that it would stand under.
    pub(super) fn dead(&self, op: &Op, id: BlockId, grave: &Grave) -> Halt {
        let basis = match self.log {
            Log::Ours => Basis::Seen,
            Log::Another => Basis::Unknown,
        };
        self.conflict_with(op, basis, paths_of(op), None, (id, grave.version)).unwrap_or_else(|halt| halt)
    }

    fn conflict_with(
        &self,
        op: &Op,
        basis: Basis,
        paths: Vec<Pointer>,
        current: Option<Arc<Block>>,
        (changed, changed_version): (BlockId, Version),
    ) -> Step<Halt> {
        let block = op.block();
        let base_version = op.base().unwrap_or_default();
        let current_version = self.version_before(block);
        let is_seen = basis == Basis::Seen && (Version(1)..=current_version).contains(&base_version);
        let base = if is_seen { self.block_at(block, base_version)? } else { None };
        let last = self.since(changed, changed_version.previous())?.unwrap_or_default();
        let changed = last.last().map(|event| (event.actor.clone(), event.at));
        let base = base.map(|base| base.content.clone());
        let conflict = Conflict { op: 0, block, base_version, current_version, current, base, paths, changed };
        Ok(Halt::Conflicts(Box::new(conflict)))
    }
}

/// All paths that an op is about.
pub(super) fn paths_of(op: &Op) -> Vec<Pointer> {
    match op {
        Op::Update { patch, .. } => merge::leaf_paths(patch),
        Op::Text { path, .. } | Op::Untext { path, .. } => vec![path.clone()],
        _ => Vec::new(),
    }
}
