//! What clients say, as TypeScript sees it.
//!
//! Promises: what has this shape is understood by `decode`, which reads by hand, to answer each mistake by its name; one
//! example of each message is read by both.
//! Must never: be read or written; `decode` and the client are.

// They are described, never built.
#![allow(dead_code)]

use ts_rs::TS;

use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId, SessionId};
use crate::domain::sequence::{Seq, Version};
use crate::protocol::view::UserView;
use crate::protocol::view::event::ChangeView;
use crate::protocol::view::spelling::EpochText;

#[derive(TS)]
#[ts(rename_all = "lowercase")]
pub(super) enum OnConflict {
    Merge,
    Reject,
    Overwrite,
}

#[derive(TS)]
#[ts(tag = "op", rename = "EditOp", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub(super) enum OpShape<'a> {
    Insert {
        block: BlockId,
        kind: &'a str,
        #[ts(optional = nullable)]
        parent: Option<BlockId>,
        #[ts(optional = nullable)]
        after: Option<BlockId>,
        #[ts(type = "JsonObject")]
        content: (),
    },
    Update {
        block: BlockId,
        base_version: Version,
        #[ts(type = "JsonObject")]
        patch: (),
    },
    Text {
        block: BlockId,
        base_version: Version,
        path: &'a str,
        changes: Vec<ChangeView<'a>>,
    },
    Move {
        block: BlockId,
        base_version: Version,
        #[ts(optional = nullable)]
        parent: Option<BlockId>,
        #[ts(optional = nullable)]
        after: Option<BlockId>,
    },
    Delete {
        block: BlockId,
        base_version: Version,
    },
}

#[derive(TS)]
#[ts(rename = "Since")]
pub(super) struct SinceShape {
    epoch: EpochText,
    seq: Seq,
}

#[derive(TS)]
#[ts(
    tag = "type",
    rename = "ClientMessage",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    optional_fields
)]
pub(super) enum MessageShape<'a> {
    Hello {
        id: Option<&'a str>,
        token: Option<&'a str>,
        session: Option<SessionId>,
        user: Option<UserView<'a>>,
    },
    Refresh {
        id: Option<&'a str>,
        token: &'a str,
    },
    Ping {
        id: Option<&'a str>,
    },
    Join {
        id: Option<&'a str>,
        project: ProjectId,
        since: Option<SinceShape>,
        #[ts(type = "Json", optional)]
        presence: Option<()>,
    },
    Leave {
        id: Option<&'a str>,
        project: ProjectId,
    },
    Edit {
        id: Option<&'a str>,
        project: ProjectId,
        edit_id: EditId,
        epoch: Option<EpochText>,
        group: Option<GroupId>,
        on_conflict: Option<OnConflict>,
        ops: Vec<OpShape<'a>>,
    },
    Presence {
        id: Option<&'a str>,
        project: ProjectId,
        #[ts(type = "Json")]
        state: (),
    },
    Signal {
        id: Option<&'a str>,
        project: ProjectId,
        event: &'a str,
        #[ts(type = "Json", optional)]
        data: Option<()>,
    },
    History {
        id: Option<&'a str>,
        project: ProjectId,
        before: Option<Seq>,
        limit: Option<u32>,
    },
    Undo {
        id: Option<&'a str>,
        project: ProjectId,
        #[ts(type = "string")]
        target: (),
        edit_id: EditId,
    },
    Restore {
        id: Option<&'a str>,
        project: ProjectId,
        seq: Seq,
        edit_id: EditId,
    },
}
