//! Updates (ED5, ED10).
//!
//! Promises: what merges leaves every change of the others as it is.
//! Must never: let a block's content grow beyond its bound.

use super::base::{Basis, Stand, paths_of};
use super::judge::{Halt, Judge, Step};
use crate::domain::block::{Block, Content};
use crate::domain::edit::{OnConflict, Op};
use crate::domain::event::Change;
use crate::domain::ids::BlockId;
use crate::domain::merge;
use crate::domain::sequence::Version;

impl Judge<'_> {
    pub(super) fn update(&mut self, op: &Op, id: BlockId, base: Version, patch: &Content) -> Step {
        let block = self.living(op, id)?;
        let patch = match self.stand(id, base)? {
            Stand::Current => patch.clone(),
            Stand::Stale if self.edit.on_conflict != OnConflict::Overwrite => {
                self.merge_update(op, &block, base, patch)?
            }
            Stand::Stale | Stand::Unknown => {
                self.overwrite(op, Basis::Unknown, paths_of(op))?;
                patch.clone()
            }
        };
        self.push_update(&block, patch)
    }

    fn merge_update(&mut self, op: &Op, block: &Block, base: Version, patch: &Content) -> Step<Content> {
        if self.is_elsewhere(block.id, base, patch)? {
            self.merged = true;
            return Ok(merge::without_idle_removals(patch, &block.content));
        }
        let Some(then) = self.block_at(block.id, base)? else {
            return Err(self.conflict(op, Basis::Unknown, paths_of(op)));
        };
        let now = self.compared(block.id, base)?;
        let paths = merge::clashes(patch, &then.content, &now.content);
        if !paths.is_empty() || self.edit.on_conflict == OnConflict::Reject {
            return Err(self.conflict(op, Basis::Seen, paths));
        }
        self.note_merged(block.id, base)?;
        Ok(merge::without_idle_removals(patch, &block.content))
    }

    /// Whether merging is easy: nobody touched any of the patch's paths since. Then nobody has to know the content at
    /// `base`, which costs all of it once for each version since.
    fn is_elsewhere(&self, id: BlockId, base: Version, patch: &Content) -> Step<bool> {
        if self.edit.on_conflict != OnConflict::Merge || !self.edit.ignoring.is_empty() {
            return Ok(false);
        }
        let Some(events) = self.since(id, base)? else { return Ok(false) };
        let mine = merge::leaf_paths(patch);
        let is_elsewhere = |change: &Change| match change {
            Change::Update { patch, back, .. } => {
                let theirs = merge::leaf_paths(patch).into_iter().chain(merge::leaf_paths(back));
                !theirs.into_iter().any(|path| mine.iter().any(|mine| mine.overlaps(&path)))
            }
            Change::Text { path, .. } => !mine.iter().any(|mine| mine.overlaps(path)),
            Change::Move { .. } => true,
            Change::Insert { .. } | Change::Delete { .. } => false,
        };
        let mut changes = events.iter().flat_map(|event| &event.changes);
        Ok(changes.all(|change| change.version_of(id).is_none() || is_elsewhere(change)))
    }

    /// Applies a patch to the block as it is.
    pub(super) fn push_update(&mut self, block: &Block, patch: Content) -> Step {
        let version = self.draft.version_after(block);
        let back = merge::back(&block.content, &patch);
        self.draft.push(Change::Update { block: block.id, version, patch, back })?;
        self.check_growth(block.id, &block.content)
    }

    /// The content may have grown up to the bound, or not have grown.
    pub(super) fn check_growth(&self, id: BlockId, before: &Content) -> Step {
        let Some(after) = self.draft.get(id) else { return Ok(()) };
        let too_large = merge::exceeds(&after.content, self.limits.block_bytes_max)
            && merge::json_len(&after.content) > merge::json_len(before);
        if too_large { Err(Halt::TooLarge) } else { Ok(()) }
    }
}
