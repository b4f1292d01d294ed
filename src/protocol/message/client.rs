//! What a client says.
//!
//! Promises: a value of these types is well-formed by [MS2].
//! Must never: say what is to be done about it.

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::reply::MessageId;
use crate::domain::edit::{BaseEpoch, Edit};
use crate::domain::ids::{EditId, ProjectId, SessionId, UserId};
use crate::domain::sequence::Seq;

/// A client's message with its name.
#[derive(Debug)]
pub struct Envelope {
    /// Echoed in the reply.
    pub id: Option<MessageId>,
    /// What it says.
    pub message: ClientMessage,
}

/// A user as open mode takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUser {
    /// Their id.
    pub id: UserId,
    /// What to call them.
    pub name: Option<Arc<str>>,
}

/// Where a client was when it was here last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Which log.
    pub epoch: BaseEpoch,
    /// The last seq it has.
    pub seq: Seq,
}

/// What a client says.
#[derive(Debug)]
pub enum ClientMessage {
    /// First of all.
    Hello {
        /// A JWT.
        token: Option<String>,
        /// A session of before.
        session: Option<SessionId>,
        /// Open mode only.
        user: Option<NamedUser>,
    },
    /// A new token in place of the old.
    Refresh {
        /// A JWT.
        token: String,
    },
    /// Are you there?
    Ping,
    /// Enter a room.
    Join {
        /// Which project.
        project: ProjectId,
        /// What the client has.
        since: Option<Since>,
        /// Its presence.
        presence: Option<Arc<RawValue>>,
    },
    /// Leave a room.
    Leave {
        /// Which project.
        project: ProjectId,
    },
    /// Change blocks.
    Edit {
        /// Which project.
        project: ProjectId,
        /// How.
        edit: Edit,
    },
    /// Set this connection's state.
    Presence {
        /// Which project.
        project: ProjectId,
        /// Any JSON.
        state: Arc<RawValue>,
    },
    /// Tell the others who are here now.
    Signal {
        /// Which project.
        project: ProjectId,
        /// The application's word for it, 1–64 characters.
        event: String,
        /// Any JSON.
        data: Option<Arc<RawValue>>,
    },
    /// Read the log, newest first.
    History {
        /// Which project.
        project: ProjectId,
        /// Begin before this.
        before: Option<Seq>,
        /// At most this many.
        limit: u32,
    },
    /// Reverse an edit or a group.
    Undo {
        /// Which project.
        project: ProjectId,
        /// An `editId` or a group.
        target: Uuid,
        /// The new edit's name.
        edit: EditId,
    },
    /// Make the blocks what they were.
    Restore {
        /// Which project.
        project: ProjectId,
        /// After this seq.
        seq: Seq,
        /// The new edit's name.
        edit: EditId,
    },
}
