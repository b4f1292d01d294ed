//! What a client wants to change.
//!
//! Promises: an edit is a value; deciding it is `decide`'s, reversing one is `undo`'s.
//! Must never: be applied in part.

use std::sync::Arc;

use super::block::{Block, Content, Place};
use super::ids::{BlockId, EditId, GroupId};
use super::merge::Pointer;
use super::sequence::{Epoch, Version};
use super::text::TextChange;

/// What happens to an op whose base is not the block's current version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Three-way; what cannot be merged is a conflict.
    #[default]
    Merge,
    /// Always a conflict.
    Reject,
    /// Last write wins.
    Overwrite,
}

/// Which log an edit's bases belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseEpoch {
    /// The client did not say: the current one is meant.
    Current,
    /// This one.
    Known(Epoch),
    /// The client named something that is no epoch of ours.
    Foreign,
}

/// 1–100 ops, all or nothing. Undo and restore make edits of the last three kinds of op, of any number.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// Applies at most once in its project under this name.
    pub id: EditId,
    /// Edits that are undone together.
    pub group: Option<GroupId>,
    /// The log that the bases belong to.
    pub epoch: BaseEpoch,
    /// What happens to stale bases.
    pub on_conflict: OnConflict,
    /// Applied in order.
    pub ops: Vec<Op>,
    /// Undo only: the edits that are taken back. What they did is no change by others (HI2).
    pub ignoring: Vec<EditId>,
}

/// One step of an edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A new block.
    Insert {
        /// Never used before in the project.
        block: BlockId,
        /// The application's word for what it is.
        kind: Arc<str>,
        /// Under which block.
        parent: Option<BlockId>,
        /// Behind which sibling; `None` is first.
        after: Option<BlockId>,
        /// A merge patch to `{}`.
        content: Content,
    },
    /// New content by a JSON merge patch (RFC 7396).
    Update {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base: Version,
        /// The merge patch; nulls remove.
        patch: Content,
    },
    /// A string changed in place.
    Text {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base: Version,
        /// Where in the content the string is.
        path: Pointer,
        /// Spans of the string as it was at `base`, ascending.
        changes: Vec<TextChange>,
    },
    /// Another place.
    Move {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base: Version,
        /// Under which block.
        parent: Option<BlockId>,
        /// Behind which sibling; `None` is first.
        after: Option<BlockId>,
    },
    /// The block goes, and everything under it.
    Delete {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base: Version,
    },
    /// Undo only: a block that came to be goes, if nothing stands under it.
    Uninsert {
        /// Which block.
        block: BlockId,
        /// The version that the undone edit made.
        base: Version,
    },
    /// Undo and restore only: a deleted block lives again as it is given here; its `version` is ignored.
    Revive {
        /// What it will be; a taken position gives way to the next free one.
        block: Block,
        /// The version that its deletion made.
        base: Version,
    },
    /// Undo and restore only: the block goes back to a place given by order key.
    Return {
        /// Which block.
        block: BlockId,
        /// The version that the undone move made.
        base: Version,
        /// Where to; a taken position gives way to the next free one.
        place: Place,
    },
    /// Undo only: the text change that made version `target` of the block at `path` is taken back: characters that it
    /// typed go, characters that it deleted are themselves again (HI2).
    Untext {
        /// Which block.
        block: BlockId,
        /// Where in the content the string is.
        path: Pointer,
        /// The version that the undone change made; also the base of this op.
        target: Version,
    },
}

impl Op {
    /// The block that the op names.
    pub fn block(&self) -> BlockId {
        match self {
            Self::Insert { block, .. }
            | Self::Update { block, .. }
            | Self::Text { block, .. }
            | Self::Move { block, .. }
            | Self::Delete { block, .. }
            | Self::Uninsert { block, .. }
            | Self::Return { block, .. }
            | Self::Untext { block, .. } => *block,
            Self::Revive { block, .. } => block.id,
        }
    }

    /// The block that the op brings to life.
    pub fn born(&self) -> Option<BlockId> {
        match self {
            Self::Insert { block, .. } => Some(*block),
            Self::Revive { block, .. } => Some(block.id),
            _ => None,
        }
    }

    /// The version that the author saw; an insert has seen none.
    pub fn base(&self) -> Option<Version> {
        match self {
            Self::Insert { .. } => None,
            Self::Update { base, .. }
            | Self::Text { base, .. }
            | Self::Move { base, .. }
            | Self::Delete { base, .. }
            | Self::Uninsert { base, .. }
            | Self::Revive { base, .. }
            | Self::Return { base, .. } => Some(*base),
            Self::Untext { target, .. } => Some(*target),
        }
    }

    /// All blocks that the op needs to be there: its own, unless it is born, the parent, the sibling.
    pub fn named(&self) -> Vec<BlockId> {
        let own = self.born().is_none().then(|| self.block());
        let others = match self {
            Self::Insert { parent, after, .. } | Self::Move { parent, after, .. } => [*parent, *after],
            Self::Return { place, .. } => [place.parent, None],
            Self::Revive { block, .. } => [block.place.parent, None],
            _ => [None, None],
        };
        own.into_iter().chain(others.into_iter().flatten()).collect()
    }
}
