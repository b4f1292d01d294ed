//! Decides an edit on a project: applies as it is, merged, in conflict, or invalid (ED3–ED14).
//!
//! `form` looks at the edit alone, `judge` walks through its ops, `tree` and `content` hold the rules of each kind of
//! op, `base` what is known of the version an author saw, `draft` the project as the ops so far leave it.
//!
//! Promises: the answer depends on the arguments only; what applies keeps the project's invariants.
//! Must never: change the project, or answer before it knows all that it must.

mod base;
mod content;
mod draft;
mod form;
mod judge;
mod text;
mod tree;

use std::collections::HashSet;
use std::sync::Arc;

use self::form::Fault;
use self::judge::Judge;
use super::block::{Block, Content, Project};
use super::edit::{Edit, Op};
use super::event::{Actor, Change};
use super::ids::{BlockId, UserId};
use super::merge::Pointer;
use super::past::{Need, Past, Remains};
use super::sequence::{Epoch, Timestamp, Version};

/// Limits that deciding keeps; bytes of JSON text.
#[derive(Clone, Copy, Debug)]
pub struct EditLimits {
    /// A block's content may not grow over this (ED10).
    pub block_bytes_max: usize,
    /// A text base further back is an unknown base (ED12).
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

/// One op that conflicts, with what is needed to settle it (ED6).
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

/// Decides `edit`, which `author` sent, on `project`. Does not change the project; takes `past` mutably for its caches
/// only. `epoch` is the project's own.
///
/// A base above the block's version counts as unknown (ED14): where other hubs write too, the caller makes sure first
/// that it is not merely behind ([`runs_ahead`]).
pub fn decide(
    project: &Project,
    past: &mut Past,
    epoch: Epoch,
    author: &UserId,
    edit: &Edit,
    limits: &EditLimits,
) -> Verdict {
    if let Err(Fault { op, message }) = form::check(edit) {
        return Verdict::Invalid { op, message };
    }
    Judge::new(project, past, epoch, author, edit, limits).verdict()
}

/// Whether the edit knows more than the project: it names a version to come, or a block or a sibling that is not here.
/// Then the project may be behind the database.
pub fn runs_ahead(project: &Project, past: &Past, edit: &Edit) -> bool {
    let born: HashSet<BlockId> = edit.ops.iter().filter_map(Op::born).collect();
    edit.ops.iter().any(|op| {
        let unknown = |id: &BlockId| {
            !born.contains(id) && project.get(*id).is_none() && !matches!(past.remains(*id), Remains::Grave(_))
        };
        let above = |base: Version| project.get(op.block()).is_some_and(|block| base > block.version);
        op.named().iter().any(unknown) || op.base().is_some_and(above)
    })
}
