//! What answers have in common: receipts, acks, conflicts, refusals.
//!
//! Promises: the same values for sockets and HTTP.
//! Must never: hold internals for a client to see.

use std::sync::Arc;

use crate::domain::decide::Conflict;
use crate::domain::ids::{BlockId, EditId, ProjectId, RequestId};
use crate::domain::sequence::{Seq, Version};
use crate::protocol::code::ErrorCode;

/// A client's name for a message, at most 64 characters.
pub type MessageId = Arc<str>;

/// Why a message was refused; becomes `error`, or a problem document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The contract's code.
    pub code: ErrorCode,
    /// For people; never holds internals.
    pub message: String,
    /// When to try again.
    pub retry_after_ms: Option<u64>,
    /// The limit that was passed, by its name in `welcome.limits`.
    pub limit: Option<&'static str>,
    /// The index of the op that is wrong.
    pub op: Option<usize>,
}

impl Refusal {
    /// A refusal with nothing but its code and words.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, limit: None, op: None }
    }

    /// A message that cannot be understood.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Malformed, message)
    }

    /// Over the limit of this name in `welcome.limits`.
    pub fn too_large(limit: &'static str, message: impl Into<String>) -> Self {
        Self { limit: Some(limit), ..Self::new(ErrorCode::TooLarge, message) }
    }

    /// The same, said of the op of this index.
    #[must_use]
    pub fn at_op(self, op: usize) -> Self {
        Self { op: Some(op), message: format!("op {op}: {}", self.message), ..self }
    }
}

/// Who waits for a reply in particular, by the transport's number for it: an acknowledgement callback of Socket.IO. Not
/// on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback(pub i64);

/// What every reply carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The client's name for the message.
    pub id: Option<MessageId>,
    /// Ours.
    pub request: RequestId,
    /// Who waits for it, where the transport tells replies from what comes unasked.
    pub callback: Option<Callback>,
}

/// An edit that is in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Which project.
    pub project: ProjectId,
    /// Which edit.
    pub edit: EditId,
    /// Its number.
    pub seq: Seq,
    /// Of the blocks it touched.
    pub versions: Vec<(BlockId, Version)>,
    /// Whether a base was stale and the change was merged.
    pub merged: bool,
    /// Whether a base was stale and the change replaced what was there.
    pub overwrote: bool,
    /// Whether it had been applied before.
    pub duplicate: bool,
}

/// An edit that was not applied, with all it takes to settle it.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictReport {
    /// Which project.
    pub project: ProjectId,
    /// Which edit.
    pub edit: EditId,
    /// The head that it was decided on.
    pub seq: Seq,
    /// Every op that conflicts.
    pub conflicts: Vec<Conflict>,
}
