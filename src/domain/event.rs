//! Edits that have been committed: what the log holds, what is told to everybody, what history is made of.
//!
//! Promises: an event can be applied to the blocks before it and taken back from the blocks after it, exactly.
//! Must never: depend on anything but those blocks.

use std::sync::Arc;

use super::block::{Block, Content, Place};
use super::ids::{BlockId, EditId, GroupId, RequestId, UserId};
use super::merge::Pointer;
use super::sequence::{Seq, Timestamp, Version};
use super::text::{Sent, Splice};

/// Whether a person or a program acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person.
    #[default]
    Human,
    /// A program on its own account.
    Agent,
}

/// Who did it, as history remembers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The token's `sub`.
    pub id: UserId,
    /// What to call them.
    pub name: Option<Arc<str>>,
    /// Person or program.
    pub kind: ActorKind,
}

/// An edit that has been committed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the project's log.
    pub seq: Seq,
    /// The client's name for the edit.
    pub edit: EditId,
    /// The message that brought it.
    pub request: RequestId,
    /// Edits that are undone together.
    pub group: Option<GroupId>,
    /// Who did it.
    pub actor: Arc<Actor>,
    /// When it was decided, by the deciding hub's clock; never used for order.
    pub at: Timestamp,
    /// Whether a base was stale and the change was merged.
    pub merged: bool,
    /// Whether a base was stale and the change replaced what was there.
    pub overwrote: bool,
    /// What changed, in order.
    pub changes: Vec<Change>,
}

/// One step of an event, with what it takes to go back.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A block came to be; at a version above 1 it was revived.
    Insert {
        /// The whole block.
        block: Block,
    },
    /// Content changed.
    Update {
        /// Which block.
        block: BlockId,
        /// The version it has now.
        version: Version,
        /// The merge patch as applied.
        patch: Content,
        /// The merge patch that leads back.
        back: Content,
    },
    /// A string changed in place.
    Text {
        /// Which block.
        block: BlockId,
        /// The version it has now.
        version: Version,
        /// Where in the content the string is.
        path: Pointer,
        /// The changes as they apply to the string before, with what they deleted; ascending.
        splices: Vec<Splice>,
        /// What the author sent, and on what.
        sent: Sent,
    },
    /// A block went to another place.
    Move {
        /// Which block.
        block: BlockId,
        /// The version it has now.
        version: Version,
        /// Where it stands now.
        to: Place,
        /// Where it stood before.
        from: Place,
    },
    /// Blocks went.
    Delete {
        /// As they were before, the named one first, parents before children. Each one's deletion made its version
        /// plus one.
        blocks: Vec<Block>,
    },
}

impl Change {
    /// The blocks it touches, with the version each has after the event.
    pub fn touched(&self) -> Vec<(BlockId, Version)> {
        match self {
            Self::Insert { block } => vec![(block.id, block.version)],
            Self::Update { block, version, .. }
            | Self::Text { block, version, .. }
            | Self::Move { block, version, .. } => vec![(*block, *version)],
            Self::Delete { blocks } => blocks.iter().map(|block| (block.id, block.version.next())).collect(),
        }
    }

    /// Whether it changes the tree: inserts, moves or deletes.
    pub fn is_structural(&self) -> bool {
        matches!(self, Self::Insert { .. } | Self::Move { .. } | Self::Delete { .. })
    }
}

impl Event {
    /// The version that this event gave to a block, if it touched it.
    pub fn version_of(&self, block: BlockId) -> Option<Version> {
        let touched = self.changes.iter().flat_map(Change::touched);
        touched.filter(|(id, _)| *id == block).map(|(_, version)| version).next_back()
    }

    /// Whether it changes the tree.
    pub fn is_structural(&self) -> bool {
        self.changes.iter().any(Change::is_structural)
    }
}
