//! An event's body as JSON: all that has no column of its own.
//!
//! Promises: what is read equals what was written, exactly: numbers to the last bit, texts to the last code unit.
//! Must never: lose or rename a field; bodies are read by every later version.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::block::{Block, Content, Place};
use crate::domain::event::{Actor, ActorKind, Change, Event};
use crate::domain::ids::{BlockId, RequestId, UserId};
use crate::domain::merge::Pointer;
use crate::domain::position::Position;
use crate::domain::sequence::Version;
use crate::domain::text::{Sent, Splice, TextChange};

/// An event, as stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Body<'a> {
    pub(super) request: RequestId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "StoredKind::is_human")]
    kind: StoredKind,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) merged: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) overwrote: bool,
    changes: Vec<StoredChange<'a>>,
}

impl<'a> Body<'a> {
    /// What an event's other columns do not hold.
    pub(super) fn of(event: &'a Event) -> Self {
        Self {
            request: event.request,
            name: event.actor.name.clone(),
            kind: event.actor.kind.into(),
            merged: event.merged,
            overwrote: event.overwrote,
            changes: event.changes.iter().map(StoredChange::of).collect(),
        }
    }

    /// Who did it; the id has a column of its own.
    pub(super) fn actor(&self, id: UserId) -> Actor {
        Actor { id, name: self.name.clone(), kind: self.kind.into() }
    }

    /// What changed.
    pub(super) fn changes(self) -> Vec<Change> {
        self.changes.into_iter().map(StoredChange::change).collect()
    }
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredKind {
    #[default]
    Human,
    Agent,
}

impl StoredKind {
    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    fn is_human(&self) -> bool {
        matches!(self, Self::Human)
    }
}

impl From<ActorKind> for StoredKind {
    fn from(kind: ActorKind) -> Self {
        match kind {
            ActorKind::Human => Self::Human,
            ActorKind::Agent => Self::Agent,
        }
    }
}

impl From<StoredKind> for ActorKind {
    fn from(kind: StoredKind) -> Self {
        match kind {
            StoredKind::Human => Self::Human,
            StoredKind::Agent => Self::Agent,
        }
    }
}

/// A change, as stored. Borrowed when written, owned when read.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredChange<'a> {
    Insert(StoredBlock<'a>),
    Update {
        block: BlockId,
        version: Version,
        patch: Cow<'a, Content>,
        back: Cow<'a, Content>,
    },
    Text {
        block: BlockId,
        version: Version,
        path: Cow<'a, [String]>,
        splices: Vec<StoredSplice<'a>>,
        sent: StoredSent<'a>,
    },
    Move {
        block: BlockId,
        version: Version,
        to: StoredPlace,
        from: StoredPlace,
    },
    Delete(Vec<StoredBlock<'a>>),
}

impl<'a> StoredChange<'a> {
    fn of(change: &'a Change) -> Self {
        match change {
            Change::Insert { block } => Self::Insert(StoredBlock::of(block)),
            Change::Update { block, version, patch, back } => Self::Update {
                block: *block,
                version: *version,
                patch: Cow::Borrowed(patch),
                back: Cow::Borrowed(back),
            },
            Change::Text { block, version, path, splices, sent } => Self::Text {
                block: *block,
                version: *version,
                path: Cow::Borrowed(&path.0),
                splices: splices.iter().map(StoredSplice::of).collect(),
                sent: StoredSent::of(sent),
            },
            Change::Move { block, version, to, from } => {
                Self::Move { block: *block, version: *version, to: StoredPlace::of(to), from: StoredPlace::of(from) }
            }
            Change::Delete { blocks } => Self::Delete(blocks.iter().map(StoredBlock::of).collect()),
        }
    }

    fn change(self) -> Change {
        match self {
            Self::Insert(block) => Change::Insert { block: block.block() },
            Self::Update { block, version, patch, back } => {
                Change::Update { block, version, patch: patch.into_owned(), back: back.into_owned() }
            }
            Self::Text { block, version, path, splices, sent } => Change::Text {
                block,
                version,
                path: Pointer(path.into_owned()),
                splices: splices.into_iter().map(StoredSplice::splice).collect(),
                sent: sent.sent(),
            },
            Self::Move { block, version, to, from } => {
                Change::Move { block, version, to: to.place(), from: from.place() }
            }
            Self::Delete(blocks) => Change::Delete { blocks: blocks.into_iter().map(StoredBlock::block).collect() },
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredBlock<'a> {
    id: BlockId,
    kind: Arc<str>,
    place: StoredPlace,
    content: Cow<'a, Content>,
    version: Version,
}

impl<'a> StoredBlock<'a> {
    fn of(block: &'a Block) -> Self {
        Self {
            id: block.id,
            kind: Arc::clone(&block.kind),
            place: StoredPlace::of(&block.place),
            content: Cow::Borrowed(&block.content),
            version: block.version,
        }
    }

    fn block(self) -> Block {
        Block {
            id: self.id,
            kind: self.kind,
            place: self.place.place(),
            content: self.content.into_owned(),
            version: self.version,
        }
    }
}

/// `[parent, position]`.
#[derive(Serialize, Deserialize)]
struct StoredPlace(Option<BlockId>, Arc<str>);

impl StoredPlace {
    fn of(place: &Place) -> Self {
        Self(place.parent, Arc::clone(&place.position.0))
    }

    fn place(self) -> Place {
        Place { parent: self.0, position: Position(self.1) }
    }
}

/// `[at, deleted, inserted]`.
#[derive(Serialize, Deserialize)]
struct StoredSplice<'a>(usize, Cow<'a, str>, Cow<'a, str>);

impl<'a> StoredSplice<'a> {
    fn of(splice: &'a Splice) -> Self {
        Self(splice.at, Cow::Borrowed(&splice.deleted), Cow::Borrowed(&splice.inserted))
    }

    fn splice(self) -> Splice {
        Splice { at: self.0, deleted: self.1.into_owned(), inserted: self.2.into_owned() }
    }
}

/// `[at, delete, insert]`.
#[derive(Serialize, Deserialize)]
struct StoredTextChange<'a>(usize, usize, Cow<'a, str>);

impl<'a> StoredTextChange<'a> {
    fn of(change: &'a TextChange) -> Self {
        Self(change.at, change.delete, Cow::Borrowed(&change.insert))
    }

    fn change(self) -> TextChange {
        TextChange { at: self.0, delete: self.1, insert: self.2.into_owned() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredSent<'a> {
    Typed { base: Version, changes: Vec<StoredTextChange<'a>> },
    Undone { target: Version, reach: Version },
}

impl<'a> StoredSent<'a> {
    fn of(sent: &'a Sent) -> Self {
        match sent {
            Sent::Typed { base, changes } => {
                Self::Typed { base: *base, changes: changes.iter().map(StoredTextChange::of).collect() }
            }
            Sent::Undone { target, reach } => Self::Undone { target: *target, reach: *reach },
        }
    }

    fn sent(self) -> Sent {
        match self {
            Self::Typed { base, changes } => {
                Sent::Typed { base, changes: changes.into_iter().map(StoredTextChange::change).collect() }
            }
            Self::Undone { target, reach } => Sent::Undone { target, reach },
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}
