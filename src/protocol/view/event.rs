//! An event as the wire shows it.
//!
//! Promises: the ops are enough to bring the blocks before the event to those after it.
//! Must never: show what only going back needs.

use serde::{Serialize, Serializer};
use ts_rs::TS;
use utoipa::ToSchema;

use super::spelling::Moment;
use super::{ActorView, BlockView};
use crate::domain::block::Content;
use crate::domain::event::{Change, Event};
use crate::domain::ids::{BlockId, EditId, GroupId, RequestId};
use crate::domain::sequence::{Seq, Version};
use crate::domain::text::Splice;
use crate::protocol::pointer;

/// An event larger than this is not sent to rooms, and history shows it without its ops ([JN7]); bytes of JSON.
pub const EVENT_BYTES_MAX: usize = 256 << 10;

/// A committed edit.
#[derive(Clone, Debug, Serialize, ToSchema, TS)]
#[schema(as = Event)]
#[ts(rename = "Event")]
#[serde(rename_all = "camelCase")]
pub struct EventView<'a> {
    seq: Seq,
    edit_id: EditId,
    request_id: RequestId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    group: Option<GroupId>,
    actor: ActorView<'a>,
    at: Moment,
    #[serde(skip_serializing_if = "is_false")]
    #[ts(as = "Option<bool>", optional)]
    merged: bool,
    #[serde(skip_serializing_if = "is_false")]
    #[ts(as = "Option<bool>", optional)]
    overwrote: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<OpView>>)]
    #[ts(as = "Option<Vec<OpView<'_>>>", optional)]
    ops: Option<OpsView<'a>>,
}

impl<'a> From<&'a Event> for EventView<'a> {
    fn from(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            edit_id: event.edit,
            request_id: event.request,
            group: event.group,
            actor: ActorView::from(&*event.actor),
            at: Moment(event.at),
            merged: event.merged,
            overwrote: event.overwrote,
            ops: Some(OpsView(&event.changes)),
        }
    }
}

impl<'a> EventView<'a> {
    /// As history shows it: without ops if they make it larger than `EVENT_BYTES_MAX`.
    pub fn of_history(event: &'a Event) -> Self {
        let whole = Self::from(event);
        if crate::protocol::json::len(&whole) > EVENT_BYTES_MAX { Self { ops: None, ..whole } } else { whole }
    }
}

// Serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[derive(Clone, Copy, Debug)]
struct OpsView<'a>(&'a [Change]);

impl Serialize for OpsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(OpView::from))
    }
}

#[derive(Serialize, ToSchema, TS)]
#[schema(as = EventOp)]
#[ts(rename = "EventOp")]
#[serde(tag = "op", rename_all = "lowercase")]
pub(in crate::protocol) enum OpView<'a> {
    Insert {
        block: BlockView<'a>,
    },
    Update {
        block: BlockId,
        version: Version,
        #[schema(value_type = Object)]
        #[ts(type = "JsonObject")]
        patch: &'a Content,
    },
    Text {
        block: BlockId,
        version: Version,
        path: String,
        changes: Vec<ChangeView<'a>>,
    },
    Move {
        block: BlockId,
        version: Version,
        parent: Option<BlockId>,
        position: &'a str,
    },
    Delete {
        blocks: Vec<BlockId>,
    },
}

impl<'a> From<&'a Change> for OpView<'a> {
    fn from(change: &'a Change) -> Self {
        match change {
            Change::Insert { block } => Self::Insert { block: block.into() },
            Change::Update { block, version, patch, .. } => Self::Update { block: *block, version: *version, patch },
            Change::Text { block, version, path, splices, .. } => Self::Text {
                block: *block,
                version: *version,
                path: pointer::write(path),
                changes: splices.iter().map(ChangeView::from).collect(),
            },
            Change::Move { block, version, to, .. } => {
                Self::Move { block: *block, version: *version, parent: to.parent, position: &to.position.0 }
            }
            Change::Delete { blocks } => Self::Delete { blocks: blocks.iter().map(|block| block.id).collect() },
        }
    }
}

#[derive(Serialize, ToSchema, TS)]
#[schema(as = TextChange)]
#[ts(rename = "TextChange")]
pub(in crate::protocol) struct ChangeView<'a> {
    at: usize,
    delete: usize,
    insert: &'a str,
}

impl<'a> From<&'a Splice> for ChangeView<'a> {
    fn from(splice: &'a Splice) -> Self {
        Self { at: splice.at, delete: splice.deleted.encode_utf16().count(), insert: &splice.inserted }
    }
}
