//! What clients and hubs say to each other.
//!
//! Promises: every message of the contract has a variant here, and nothing else does.
//! Must never: hold what no rule of the contract needs.

mod body;
mod decode;
mod encode;

use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::code::ErrorCode;
use super::frame::{Chunk, Frame};
use crate::domain::access::{Access, Principal, Role};
use crate::domain::block::Block;
use crate::domain::decide::Conflict;
use crate::domain::edit::{BaseEpoch, Edit};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::{BlockId, ConnectionId, EditId, HubId, ProjectId, RequestId, SessionId, UserId};
use crate::domain::presence::{Present, Update};
use crate::domain::sequence::{Epoch, Seq, Timestamp, Version};

/// Limits of the wire, told in `welcome`; bytes of JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireLimits {
    /// A frame over this closes the socket (1009).
    pub message_bytes_max: usize,
    /// An edit over this is `too_large`.
    pub edit_bytes_max: usize,
    /// A block's content may not grow over this.
    pub block_bytes_max: usize,
    /// Ops in one edit.
    pub ops_max: usize,
    /// Versions back that a text base may be.
    pub text_window_max: u64,
    /// A presence state over this is `too_large`.
    pub presence_bytes_max: usize,
    /// Projects that one connection may have joined at once.
    pub projects_per_connection_max: usize,
    /// How often the hub pings.
    pub ping_interval_ms: u64,
    /// How long a pong may take.
    pub pong_timeout_ms: u64,
    /// Frames from this size on are sent compressed to those who negotiated it.
    pub compress_bytes_min: usize,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self {
            message_bytes_max: 1 << 20,
            edit_bytes_max: 256 << 10,
            block_bytes_max: 256 << 10,
            ops_max: 100,
            text_window_max: 10_000,
            presence_bytes_max: 4 << 10,
            projects_per_connection_max: 32,
            ping_interval_ms: 25_000,
            pong_timeout_ms: 5_000,
            compress_bytes_min: 1 << 10,
        }
    }
}

/// A client's name for a message, at most 64 characters.
pub type MessageId = Arc<str>;

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

/// What every reply carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The client's name for the message.
    pub id: Option<MessageId>,
    /// Ours.
    pub request: RequestId,
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
    /// Everybody who is here, oneself too.
    pub members: Vec<(ConnectionId, Present)>,
}

/// Why a client gets a new snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetReason {
    /// It read too slowly.
    Lagged,
    /// History was rewritten.
    Epoch,
    /// An event was too large to send.
    Large,
}

/// Why a client is no longer in a room, without having asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        events: &'a [Arc<Event>],
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
}

/// Reads one text frame. A refusal comes with the message's id if that could be read.
pub fn decode(text: &str, limits: &WireLimits) -> Result<Envelope, (Option<MessageId>, Refusal)> {
    decode::envelope(text, limits)
}

/// Reads the body of `POST …/edits`: an `edit` message whose `type` and `project` are not looked at.
pub fn decode_edit(text: &str, limits: &WireLimits) -> Result<Edit, Refusal> {
    decode::edit_body(text, limits)
}

/// Reads the body of `POST …/undo`: what is to be taken back, and the new edit's name.
pub fn decode_undo(text: &str) -> Result<(Uuid, EditId), Refusal> {
    decode::undo_body(text)
}

/// Reads the body of `POST …/restore`: after which seq, and the new edit's name.
pub fn decode_restore(text: &str) -> Result<(Seq, EditId), Refusal> {
    decode::restore_body(text)
}

/// Writes one message.
pub fn encode(message: &ServerMessage<'_>) -> Arc<Frame> {
    encode::frame(message)
}

/// A JSON array of blocks.
pub fn encode_blocks<'a>(blocks: impl Iterator<Item = &'a Block>) -> Vec<u8> {
    encode::blocks(blocks)
}

/// How large the event is on the wire: bytes of JSON.
pub fn event_len(event: &Event) -> usize {
    encode::event_len(event)
}
