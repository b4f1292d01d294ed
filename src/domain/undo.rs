//! Plans the edits that undo and restore ([HI2]).

use super::block::{Block, Project};
use super::edit::Edit;
use super::event::Event;
use super::ids::EditId;

/// The edit that reverses `targets` (one edit, or all of a group, oldest first).
pub fn undo(_id: EditId, _targets: &[std::sync::Arc<Event>]) -> Edit {
    unimplemented!()
}

/// The edit that makes the project's blocks what they were.
pub fn restore(_id: EditId, _now: &Project, _then: &[Block]) -> Edit {
    unimplemented!()
}
