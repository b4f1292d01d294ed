//! The members of every message that a hub sends.
//!
//! Promises: one variant per `type`, its fields the contract's keys.
//! Must never: be seen outside of encoding.

use serde::Serialize;
use serde_json::value::RawValue;
use ts_rs::TS;

use super::limits::WireLimits;
use super::reply::{Receipt, Refusal};
use super::server::{Joined, LeftReason, ResetReason, ServerMessage, State};
use crate::domain::access::{Access, Principal, Role, Tier};
use crate::domain::event::ActorKind;
use crate::domain::ids::{BlockId, ConnectionId, EditId, HubId, ProjectId, RequestId, SessionId, UserId};
use crate::domain::presence::{Present, Update};
use crate::domain::sequence::Seq;
use crate::protocol::code::ErrorCode;
use crate::protocol::view::conflict::ConflictView;
use crate::protocol::view::event::EventView;
use crate::protocol::view::spelling::{EpochText, Moment};
use crate::protocol::view::{AckView, ActorView, UserView};

#[derive(Serialize, TS)]
#[ts(rename = "ServerHead")]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(in crate::protocol) enum Body<'a> {
    Welcome {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        connection: ConnectionId,
        session: SessionId,
        hub: &'a HubId,
        user: SelfView<'a>,
        limits: LimitsView,
    },
    Refreshed {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        expires_at: Option<Moment>,
    },
    TokenExpiring {
        expires_at: Moment,
    },
    Pong {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        now: Moment,
    },
    Error {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        #[serde(flatten)]
        refusal: RefusalView<'a>,
    },
    Joined {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        project: ProjectId,
        title: &'a str,
        #[ts(as = "Role")]
        role: &'static str,
        epoch: EpochText,
        seq: Seq,
        recovered: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        more: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        events: Option<Vec<EventView<'a>>>,
    },
    Snapshot {
        project: ProjectId,
    },
    Reset {
        project: ProjectId,
        epoch: EpochText,
        seq: Seq,
        #[ts(as = "ResetReason")]
        reason: &'static str,
    },
    Left {
        #[serde(flatten)]
        #[ts(skip)]
        receipt: Option<ReceiptView<'a>>,
        project: ProjectId,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(as = "Option<LeftReason>", optional)]
        reason: Option<&'static str>,
    },
    Project {
        project: ProjectId,
        title: &'a str,
        #[ts(as = "Access")]
        access: &'static str,
    },
    Role {
        project: ProjectId,
        #[ts(as = "Role")]
        role: &'static str,
    },
    Ack {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        #[serde(flatten)]
        ack: AckView,
    },
    Conflict {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        #[serde(flatten)]
        report: ConflictView<'a>,
    },
    Events {
        project: ProjectId,
        epoch: EpochText,
    },
    Conflicted {
        project: ProjectId,
        edit_id: EditId,
        actor: ActorView<'a>,
        blocks: &'a [BlockId],
    },
    Presence {
        project: ProjectId,
        updates: Vec<MemberView<'a>>,
    },
    Signal {
        project: ProjectId,
        event: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(type = "Json", optional)]
        data: Option<&'a RawValue>,
        from: MemberView<'a>,
    },
    History {
        #[serde(flatten)]
        receipt: ReceiptView<'a>,
        project: ProjectId,
        events: Vec<EventView<'a>>,
        more: bool,
    },
    Draining {
        reconnect_in_ms: u64,
    },
    #[serde(rename = "error")]
    #[ts(skip)] // Clients of the native socket never hear it.
    Farewell {
        code: &'static str,
        message: &'a str,
        close_code: u16,
    },
}

impl<'a> Body<'a> {
    /// All of the message but `blocks` and `members`.
    pub(super) fn joined(receipt: &'a Receipt, joined: &Joined<'a>) -> Self {
        let (events, more) = match &joined.state {
            State::Blocks { more, .. } => (None, Some(*more)),
            State::Events(events) => (Some(events.iter().map(|event| EventView::from(&**event)).collect()), None),
        };
        Self::Joined {
            receipt: receipt.into(),
            project: joined.project,
            title: joined.title,
            role: joined.role.word(),
            epoch: EpochText(joined.epoch),
            seq: joined.seq,
            recovered: events.is_some(),
            more,
            events,
        }
    }
}

impl<'a> From<&'a ServerMessage<'a>> for Body<'a> {
    #[allow(clippy::too_many_lines)] // One arm per message of the contract; none does more than name its fields.
    fn from(message: &'a ServerMessage<'a>) -> Self {
        match message {
            ServerMessage::Welcome { receipt, connection, session, hub, principal, limits } => Self::Welcome {
                receipt: receipt.into(),
                connection: *connection,
                session: *session,
                hub,
                user: (*principal).into(),
                limits: (*limits).into(),
            },
            ServerMessage::Refreshed { receipt, expires } => {
                Self::Refreshed { receipt: receipt.into(), expires_at: expires.map(Moment) }
            }
            ServerMessage::TokenExpiring { expires } => Self::TokenExpiring { expires_at: Moment(*expires) },
            ServerMessage::Pong { receipt, now } => Self::Pong { receipt: receipt.into(), now: Moment(*now) },
            ServerMessage::Error { receipt, refusal } => {
                Self::Error { receipt: receipt.into(), refusal: (*refusal).into() }
            }
            ServerMessage::Joined { receipt, joined } => Self::joined(receipt, joined),
            ServerMessage::Snapshot { project, .. } => Self::Snapshot { project: *project },
            ServerMessage::Reset { project, epoch, seq, reason, .. } => {
                Self::Reset { project: *project, epoch: EpochText(*epoch), seq: *seq, reason: reason.as_str() }
            }
            ServerMessage::Left { receipt, project } => {
                Self::Left { receipt: Some(receipt.into()), project: *project, reason: None }
            }
            ServerMessage::Removed { project, reason } => {
                Self::Left { receipt: None, project: *project, reason: Some(reason.as_str()) }
            }
            ServerMessage::Project { project, title, access: it } => {
                Self::Project { project: *project, title, access: it.word() }
            }
            ServerMessage::Role { project, role: it } => Self::Role { project: *project, role: it.word() },
            ServerMessage::Ack { receipt, ack } => Self::Ack { receipt: receipt.into(), ack: (*ack).into() },
            ServerMessage::Conflict { receipt, report } => {
                Self::Conflict { receipt: receipt.into(), report: ConflictView::fitting(report) }
            }
            ServerMessage::Events { project, epoch, .. } => {
                Self::Events { project: *project, epoch: EpochText(*epoch) }
            }
            ServerMessage::Conflicted { project, edit, actor, blocks } => {
                Self::Conflicted { project: *project, edit_id: *edit, actor: (*actor).into(), blocks }
            }
            ServerMessage::Presence { project, updates } => {
                Self::Presence { project: *project, updates: updates.iter().map(MemberView::from).collect() }
            }
            ServerMessage::Signal { project, event, data, from, actor } => Self::Signal {
                project: *project,
                event,
                data: *data,
                from: MemberView { connection: *from, user: Some((*actor).into()), state: None, left: None },
            },
            ServerMessage::History { receipt, project, events, more } => Self::History {
                receipt: receipt.into(),
                project: *project,
                events: events.iter().map(|event| EventView::of_history(event)).collect(),
                more: *more,
            },
            ServerMessage::Draining { reconnect_in_ms } => Self::Draining { reconnect_in_ms: *reconnect_in_ms },
            ServerMessage::Farewell { close, code, reason } => {
                Self::Farewell { code: code.as_str(), message: reason, close_code: close.number() }
            }
        }
    }
}

#[derive(Serialize, TS)]
pub(in crate::protocol) struct SnapshotTail {
    pub(super) last: bool,
}

#[derive(Serialize, TS)]
pub(in crate::protocol) struct MoreTail {
    pub(super) more: bool,
}

#[derive(Serialize, TS)]
pub(in crate::protocol) struct MembersTail<'a> {
    members: Vec<MemberView<'a>>,
}

impl<'a> MembersTail<'a> {
    pub(super) fn of(members: impl Iterator<Item = (ConnectionId, &'a Present)>) -> Self {
        Self { members: members.map(|(connection, present)| MemberView::here(connection, present)).collect() }
    }
}

#[derive(Serialize, TS)]
#[ts(rename = "Receipt")]
#[serde(rename_all = "camelCase")]
pub(in crate::protocol) struct ReceiptView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    id: Option<&'a str>,
    request_id: RequestId,
}

impl<'a> From<&'a Receipt> for ReceiptView<'a> {
    fn from(receipt: &'a Receipt) -> Self {
        Self { id: receipt.id.as_deref(), request_id: receipt.request }
    }
}

#[derive(Serialize, TS)]
#[ts(rename = "Refusal")]
#[serde(rename_all = "camelCase")]
pub(in crate::protocol) struct RefusalView<'a> {
    #[ts(as = "ErrorCode")]
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    op: Option<usize>,
}

impl<'a> From<&'a Refusal> for RefusalView<'a> {
    fn from(refusal: &'a Refusal) -> Self {
        Self {
            code: refusal.code.as_str(),
            message: &refusal.message,
            retry_after_ms: refusal.retry_after_ms,
            limit: refusal.limit,
            op: refusal.op,
        }
    }
}

/// One connection in a room, or one that left it.
#[derive(Serialize, TS)]
pub(in crate::protocol) struct MemberView<'a> {
    connection: ConnectionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    user: Option<UserView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "Json", optional)]
    state: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    left: Option<bool>,
}

impl<'a> MemberView<'a> {
    fn here(connection: ConnectionId, present: &'a Present) -> Self {
        Self { connection, user: Some((&*present.actor).into()), state: present.state.as_deref(), left: None }
    }
}

impl<'a> From<&'a Update> for MemberView<'a> {
    fn from(update: &'a Update) -> Self {
        match update {
            Update::Here(connection, present) => Self::here(*connection, present),
            Update::Left(connection) => Self { connection: *connection, user: None, state: None, left: Some(true) },
        }
    }
}

/// The client itself.
#[derive(Serialize, TS)]
#[ts(rename = "SelfUser")]
pub(in crate::protocol) struct SelfView<'a> {
    id: &'a UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    name: Option<&'a str>,
    #[ts(as = "Tier")]
    tier: &'static str,
    #[ts(as = "ActorKind")]
    kind: &'static str,
}

impl<'a> From<&'a Principal> for SelfView<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            id: principal.user(),
            name: principal.actor.name.as_deref(),
            tier: principal.tier.word(),
            kind: principal.actor.kind.word(),
        }
    }
}

#[derive(Serialize, TS)]
#[ts(rename = "Limits")]
#[serde(rename_all = "camelCase")]
pub(in crate::protocol) struct LimitsView {
    max_message_bytes: usize,
    max_edit_bytes: usize,
    max_block_bytes: usize,
    max_ops: usize,
    max_text_window: u64,
    max_presence_bytes: usize,
    max_projects_per_connection: usize,
    ping_interval_ms: u64,
    pong_timeout_ms: u64,
    compress_min_bytes: usize,
}

impl From<&WireLimits> for LimitsView {
    fn from(limits: &WireLimits) -> Self {
        Self {
            max_message_bytes: limits.message_bytes_max,
            max_edit_bytes: limits.edit_bytes_max,
            max_block_bytes: limits.block_bytes_max,
            max_ops: limits.ops_max,
            max_text_window: limits.text_window_max,
            max_presence_bytes: limits.presence_bytes_max,
            max_projects_per_connection: limits.projects_per_connection_max,
            ping_interval_ms: limits.ping_interval_ms,
            pong_timeout_ms: limits.pong_timeout_ms,
            compress_min_bytes: limits.compress_bytes_min,
        }
    }
}

impl ResetReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Lagged => "lagged",
            Self::Epoch => "epoch",
            Self::Large => "large",
        }
    }
}

impl LeftReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Deleted => "deleted",
        }
    }
}
