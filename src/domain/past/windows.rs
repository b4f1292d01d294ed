//! The text windows that a room keeps, so that merging does not begin from the history each time.
//!
//! Promises: a window that is here has taken in every event of its string since its start; the least used go first.
//! Must never: keep one whose string was replaced, or one that grew beyond its bound.

use std::collections::HashMap;
use std::sync::Arc;

use super::PastLimits;
use crate::domain::event::Change;
use crate::domain::ids::BlockId;
use crate::domain::merge::{self, Pointer};
use crate::domain::sequence::Version;
use crate::domain::text::{Sent, Window};

#[derive(Clone, Debug)]
struct Kept {
    path: Pointer,
    window: Window,
    used: u64,
}

/// Windows by block and path.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    by_block: HashMap<BlockId, Vec<Kept>>,
    count: usize,
    uses: u64,
}

impl Windows {
    /// The window of a string, if it is kept and reaches back to `reach`.
    pub(super) fn get(&mut self, block: BlockId, path: &Pointer, reach: Version) -> Option<&mut Window> {
        self.uses += 1;
        let mut kept = self.by_block.get_mut(&block)?.iter_mut();
        let found = kept.find(|kept| kept.path == *path && kept.window.start() <= reach)?;
        found.used = self.uses;
        Some(&mut found.window)
    }

    /// Keeps a window, in the stead of the least used one if there are too many.
    pub(super) fn keep(&mut self, block: BlockId, path: Pointer, window: Window, limits: &PastLimits) {
        if window.len() > limits.window_runs_max || limits.windows_max == 0 {
            return;
        }
        self.retain(block, |kept| kept.path != path);
        if self.count >= limits.windows_max {
            self.forget_least_used();
        }
        self.uses += 1;
        self.count += 1;
        self.by_block.entry(block).or_default().push(Kept { path, window, used: self.uses });
    }

    /// Takes in a change that was applied.
    pub(super) fn observe(&mut self, change: &Change, limits: &PastLimits) {
        if self.by_block.is_empty() {
            return;
        }
        match change {
            Change::Text { block, version, path, sent, .. } => {
                self.retain(*block, |kept| kept.path != *path || kept.take_in(*version, sent, limits));
            }
            Change::Update { block, patch, .. } => {
                self.retain(*block, |kept| !merge::replaces(patch, &kept.path));
            }
            Change::Insert { block } => self.forget(block.id),
            Change::Delete { blocks } => blocks.iter().for_each(|block| self.forget(block.id)),
            Change::Move { .. } => {}
        }
    }

    /// Forgets the windows of a block.
    pub(super) fn forget(&mut self, block: BlockId) {
        self.retain(block, |_| false);
    }

    fn retain(&mut self, block: BlockId, keep: impl FnMut(&mut Kept) -> bool) {
        let Some(kept) = self.by_block.get_mut(&block) else { return };
        let before = kept.len();
        kept.retain_mut(keep);
        self.count -= before - kept.len();
        if kept.is_empty() {
            self.by_block.remove(&block);
        }
    }

    fn forget_least_used(&mut self) {
        let oldest = self.by_block.iter().flat_map(|(block, kept)| kept.iter().map(|kept| (kept.used, *block))).min();
        if let Some((used, block)) = oldest {
            self.retain(block, |kept| kept.used != used);
        }
    }
}

impl Kept {
    /// False if the window is of no use any more: the change leans on what is before it, or it has grown too large.
    fn take_in(&mut self, version: Version, sent: &Sent, limits: &PastLimits) -> bool {
        let pushed = self.window.push(version, Arc::new(sent.clone()));
        pushed.is_ok() && self.window.len() <= limits.window_runs_max
    }
}
