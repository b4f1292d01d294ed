//! Edits that have been committed: what the log holds, what is told to everybody, what history is made of.
//!
//! Promises: an event can be applied to the blocks before it and taken back from the blocks after it, exactly.
//! Must never: depend on anything but those blocks.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::block::{Block, Content, Grave, Place};
use super::ids::{BlockId, EditId, GroupId, RequestId, UserId};
use super::merge::{self, Pointer};
use super::sequence::{Seq, Timestamp, Version};
use super::text::{self, Sent, Splice, TextChange, TextError};

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

/// An event, or the blocks that it is applied to, are not what they were thought to be: somebody has to begin anew from
/// the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event does not fit the blocks")]
pub struct Misfit;

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

    /// The version that a block has after the event, if this touches it.
    pub fn version_of(&self, id: BlockId) -> Option<Version> {
        match self {
            Self::Insert { block } => (block.id == id).then_some(block.version),
            Self::Update { block, version, .. }
            | Self::Text { block, version, .. }
            | Self::Move { block, version, .. } => (*block == id).then_some(*version),
            Self::Delete { blocks } => blocks.iter().find(|block| block.id == id).map(|block| block.version.next()),
        }
    }

    /// What it leaves of the blocks that it deletes.
    pub fn graves(&self) -> impl Iterator<Item = (BlockId, Grave)> {
        let blocks = match self {
            Self::Delete { blocks } => blocks.as_slice(),
            _ => &[],
        };
        blocks.iter().map(|block| (block.id, Grave { version: block.version.next(), place: block.place.clone() }))
    }

    /// Whether it changes the tree: inserts, moves or deletes.
    pub fn is_structural(&self) -> bool {
        matches!(self, Self::Insert { .. } | Self::Move { .. } | Self::Delete { .. })
    }

    /// What the block `id` is after this, given what it was before: `None` is a block that does not live.
    pub fn apply_to(&self, id: BlockId, block: Option<Arc<Block>>) -> Result<Option<Arc<Block>>, Misfit> {
        match (self, block) {
            (_, block) if self.version_of(id).is_none() => Ok(block),
            (Self::Insert { block }, None) => Ok(Some(Arc::new(block.clone()))),
            (Self::Delete { .. }, Some(_)) => Ok(None),
            (Self::Insert { .. }, Some(_)) | (_, None) => Err(Misfit),
            (_, Some(mut block)) => {
                self.apply_inside(Arc::make_mut(&mut block))?;
                Ok(Some(block))
            }
        }
    }

    /// What the block `id` was before this, given what it is after.
    pub fn take_back_from(&self, id: BlockId, block: Option<Arc<Block>>) -> Result<Option<Arc<Block>>, Misfit> {
        match (self, block) {
            (_, block) if self.version_of(id).is_none() => Ok(block),
            (Self::Insert { .. }, Some(_)) => Ok(None),
            (Self::Delete { blocks }, None) => Ok(blocks.iter().find(|block| block.id == id).cloned().map(Arc::new)),
            (Self::Delete { .. }, Some(_)) | (_, None) => Err(Misfit),
            (_, Some(mut block)) => {
                self.take_back_inside(Arc::make_mut(&mut block))?;
                Ok(Some(block))
            }
        }
    }

    fn apply_inside(&self, held: &mut Block) -> Result<(), Misfit> {
        match self {
            Self::Update { version, patch, .. } => {
                merge::apply(&mut held.content, patch);
                held.version = *version;
            }
            Self::Text { version, path, splices, .. } => {
                rewrite(held, path, |string| text::apply(string, splices))?;
                held.version = *version;
            }
            Self::Move { version, to, .. } => {
                held.place = to.clone();
                held.version = *version;
            }
            Self::Insert { .. } | Self::Delete { .. } => {}
        }
        Ok(())
    }

    fn take_back_inside(&self, held: &mut Block) -> Result<(), Misfit> {
        match self {
            Self::Update { version, back, .. } => {
                merge::apply(&mut held.content, back);
                held.version = version.previous();
            }
            Self::Text { version, path, splices, .. } => {
                rewrite(held, path, |string| text::take_back(string, splices))?;
                held.version = version.previous();
            }
            Self::Move { version, from, .. } => {
                held.place = from.clone();
                held.version = version.previous();
            }
            Self::Insert { .. } | Self::Delete { .. } => {}
        }
        Ok(())
    }
}

fn rewrite(
    held: &mut Block,
    path: &Pointer,
    change: impl FnOnce(&str) -> Result<String, TextError>,
) -> Result<(), Misfit> {
    match path.get_mut(&mut held.content) {
        Some(Value::String(string)) => *string = change(string).map_err(|_| Misfit)?,
        _ => return Err(Misfit),
    }
    Ok(())
}

impl Event {
    /// The blocks it touches, each once, with the version each has after the event. The version before is one less,
    /// whatever the event did.
    pub fn touched(&self) -> Vec<(BlockId, Version)> {
        let mut seen = HashSet::new();
        let touched = self.changes.iter().flat_map(Change::touched);
        touched.filter(|(id, _)| seen.insert(*id)).collect()
    }

    /// The version that this event gave to a block, if it touched it.
    pub fn version_of(&self, block: BlockId) -> Option<Version> {
        self.changes.iter().find_map(|change| change.version_of(block))
    }

    /// Whether it changes the tree.
    pub fn is_structural(&self) -> bool {
        self.changes.iter().any(Change::is_structural)
    }

    /// About how much memory it holds, in bytes: for bounds, not for bills.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.changes.iter().map(Change::weight).sum::<usize>()
    }
}

impl Change {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Insert { block } => block.weight(),
                Self::Update { patch, back, .. } => merge::weight(patch) + merge::weight(back),
                Self::Text { path, splices, sent, .. } => {
                    path.0.iter().map(String::len).sum::<usize>() + splices_weight(splices) + sent_weight(sent)
                }
                Self::Move { to, from, .. } => to.position.as_str().len() + from.position.as_str().len(),
                Self::Delete { blocks } => blocks.iter().map(Block::weight).sum(),
            }
    }
}

fn splices_weight(splices: &[Splice]) -> usize {
    let weight = |splice: &Splice| size_of::<Splice>() + splice.deleted.len() + splice.inserted.len();
    splices.iter().map(weight).sum()
}

fn sent_weight(sent: &Sent) -> usize {
    match sent {
        Sent::Typed { changes, .. } => changes.iter().map(|change| size_of::<TextChange>() + change.insert.len()).sum(),
        Sent::Undone { .. } => 0,
    }
}
