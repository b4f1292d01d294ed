//! Decides an edit on a project: applies as it is, merged, in conflict, or invalid.

use std::sync::Arc;

use super::block::{Block, Content, Project};
use super::edit::Edit;
use super::event::{Actor, Change};
use super::ids::BlockId;
use super::merge::Pointer;
use super::past::{Need, Past};
use super::sequence::{Epoch, Timestamp, Version};

/// Limits that deciding keeps; bytes of JSON text.
#[derive(Clone, Copy, Debug)]
pub struct EditLimits {
    /// A block's content may not grow over this ([ED10]).
    pub block_bytes_max: usize,
    /// A text base further back is an unknown base ([ED12]).
    pub text_window_max: u64,
}

/// What becomes of an edit.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It applies; these are its effects.
    Apply(Decision),
    /// At least one op conflicts; all that do are here.
    Conflict(Vec<Conflict>),
    /// An op breaks a rule; nothing applies.
    Invalid {
        /// The op's index.
        op: usize,
        /// For people.
        message: String,
    },
    /// A block's content would grow over `block_bytes_max`.
    TooLarge {
        /// The op's index.
        op: usize,
    },
    /// Fetch these, hand them to `Past`, and decide again.
    Needs(Vec<Need>),
}

/// The effects of an edit that applies.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What changes, in order.
    pub changes: Vec<Change>,
    /// Whether a base was stale and the change was merged.
    pub merged: bool,
    /// Whether a base was stale and the change replaces what is there.
    pub overwrote: bool,
}

/// One op that conflicts, with what is needed to settle it ([ED6]).
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The op's index.
    pub op: usize,
    /// Which block.
    pub block: BlockId,
    /// The version the author saw.
    pub base_version: Version,
    /// The version now.
    pub current_version: Version,
    /// The block now; `None` if it was deleted.
    pub current: Option<Arc<Block>>,
    /// Its content at the base, if that is still kept.
    pub base: Option<Content>,
    /// Where the two clash.
    pub paths: Vec<Pointer>,
    /// Who made the current version; unknown only where history was dropped.
    pub changed: Option<(Arc<Actor>, Timestamp)>,
}

/// Decides `edit` on `project`. Does not change the project; takes `past` mutably for its caches only.
pub fn decide(_project: &Project, _past: &mut Past, _epoch: Epoch, _edit: &Edit, _limits: &EditLimits) -> Verdict {
    unimplemented!()
}
