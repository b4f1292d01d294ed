//! What a hub says.
//!
//! Promises: borrows what it tells; it lives as long as its encoding takes.
//! Must never: know how it is spelled; that is `encode`'s.

use std::sync::Arc;

use serde_json::value::RawValue;
use ts_rs::TS;

use super::limits::WireLimits;
use super::reply::{Ack, ConflictReport, Receipt, Refusal};
use super::written::Written;
use crate::domain::access::{Access, Principal, Role};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::{BlockId, ConnectionId, EditId, HubId, ProjectId, SessionId};
use crate::domain::presence::Update;
use crate::domain::sequence::{Epoch, Seq, Timestamp};
use crate::protocol::code::{CloseCode, ErrorCode};
use crate::protocol::frame::Chunk;

/// How a join, or a reset, brings the state.
#[derive(Clone, Debug)]
pub enum State<'a> {
    /// All blocks, or the first part of them: a JSON array.
    Blocks {
        /// The (first) array.
        blocks: Arc<Chunk>,
        /// Whether `snapshot` messages follow.
        more: bool,
    },
    /// What happened since.
    Events(&'a [Arc<Event>]),
}

/// The answer to a join.
#[derive(Clone, Debug)]
pub struct Joined<'a> {
    /// Which project.
    pub project: ProjectId,
    /// Its title.
    pub title: &'a str,
    /// The caller's role.
    pub role: Role,
    /// Which log.
    pub epoch: Epoch,
    /// The last seq that this message carries.
    pub seq: Seq,
    /// The blocks or the events.
    pub state: State<'a>,
    /// Everybody who is here, oneself too, as `encode_members` writes them.
    pub members: Arc<Chunk>,
}

/// Why a client gets a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TS)]
#[ts(rename_all = "lowercase")]
pub enum ResetReason {
    /// It read too slowly.
    Lagged,
    /// History was rewritten.
    Epoch,
    /// An event was too large to send.
    Large,
}

/// Why a client is no longer in a room, without having asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TS)]
#[ts(rename_all = "lowercase")]
pub enum LeftReason {
    /// Access was lost.
    Forbidden,
    /// The project was deleted.
    Deleted,
}

/// What a hub says. Replies carry a `Receipt`.
#[derive(Clone, Debug)]
pub enum ServerMessage<'a> {
    /// Answers `hello`.
    Welcome {
        /// Of the hello.
        receipt: Receipt,
        /// The connection's name.
        connection: ConnectionId,
        /// The session's name.
        session: SessionId,
        /// This hub.
        hub: &'a HubId,
        /// Who the client is.
        principal: &'a Principal,
        /// What it must keep to.
        limits: &'a WireLimits,
    },
    /// Answers `refresh`.
    Refreshed {
        /// Of the refresh.
        receipt: Receipt,
        /// The new end; absent in open mode.
        expires: Option<Timestamp>,
    },
    /// Sent 60 s before the token ends.
    TokenExpiring {
        /// When it ends.
        expires: Timestamp,
    },
    /// Answers `ping`.
    Pong {
        /// Of the ping.
        receipt: Receipt,
        /// The hub's clock.
        now: Timestamp,
    },
    /// Answers what cannot be done.
    Error {
        /// Of the message.
        receipt: Receipt,
        /// Why.
        refusal: &'a Refusal,
    },
    /// Answers `join`.
    Joined {
        /// Of the join.
        receipt: Receipt,
        /// The rest.
        joined: Joined<'a>,
    },
    /// A further part of a snapshot.
    Snapshot {
        /// Which project.
        project: ProjectId,
        /// A JSON array of blocks.
        blocks: Arc<Chunk>,
        /// Whether it is the last part.
        last: bool,
    },
    /// Begin again from here.
    Reset {
        /// Which project.
        project: ProjectId,
        /// Which log.
        epoch: Epoch,
        /// Of the snapshot.
        seq: Seq,
        /// Why.
        reason: ResetReason,
        /// The (first) array of blocks.
        blocks: Arc<Chunk>,
        /// Whether `snapshot` messages follow.
        more: bool,
    },
    /// Answers `leave`.
    Left {
        /// Of the leave.
        receipt: Receipt,
        /// Which project.
        project: ProjectId,
    },
    /// The room is over for this connection, without having asked.
    Removed {
        /// Which project.
        project: ProjectId,
        /// Why.
        reason: LeftReason,
    },
    /// Title or access changed.
    Project {
        /// Which project.
        project: ProjectId,
        /// The title now.
        title: &'a str,
        /// What everybody has now.
        access: Access,
    },
    /// This user's role changed.
    Role {
        /// Which project.
        project: ProjectId,
        /// The role now.
        role: Role,
    },
    /// The edit is in the database.
    Ack {
        /// Of the edit.
        receipt: Receipt,
        /// The rest.
        ack: &'a Ack,
    },
    /// The edit was not applied.
    Conflict {
        /// Of the edit.
        receipt: Receipt,
        /// The rest.
        report: &'a ConflictReport,
    },
    /// What happened.
    Events {
        /// Which project.
        project: ProjectId,
        /// Which log.
        epoch: Epoch,
        /// In order.
        events: &'a [Written],
    },
    /// Somebody's edit was not applied.
    Conflicted {
        /// Which project.
        project: ProjectId,
        /// Which edit.
        edit: EditId,
        /// Whose.
        actor: &'a Actor,
        /// Where.
        blocks: Vec<BlockId>,
    },
    /// Who is here changed.
    Presence {
        /// Which project.
        project: ProjectId,
        /// What changed.
        updates: &'a [Update],
    },
    /// Somebody says something to all who are here.
    Signal {
        /// Which project.
        project: ProjectId,
        /// The application's word for it.
        event: &'a str,
        /// Any JSON.
        data: Option<&'a RawValue>,
        /// Whose connection.
        from: ConnectionId,
        /// Who.
        actor: &'a Actor,
    },
    /// Answers `history`.
    History {
        /// Of the question.
        receipt: Receipt,
        /// Which project.
        project: ProjectId,
        /// Newest first.
        events: &'a [Arc<Event>],
        /// Whether there is more.
        more: bool,
    },
    /// The hub restarts: come back then.
    Draining {
        /// This client's moment.
        reconnect_in_ms: u64,
    },
    /// An `error` that ends the connection, where the transport has no close codes of its own.
    Farewell {
        /// What the connection ends with.
        close: CloseCode,
        /// The same, among the codes of errors.
        code: ErrorCode,
        /// For people.
        reason: &'a str,
    },
}

impl ServerMessage<'_> {
    /// Of what it answers.
    pub(super) fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Welcome { receipt, .. }
            | Self::Refreshed { receipt, .. }
            | Self::Pong { receipt, .. }
            | Self::Error { receipt, .. }
            | Self::Joined { receipt, .. }
            | Self::Left { receipt, .. }
            | Self::Ack { receipt, .. }
            | Self::Conflict { receipt, .. }
            | Self::History { receipt, .. } => Some(receipt),
            _ => None,
        }
    }
}
