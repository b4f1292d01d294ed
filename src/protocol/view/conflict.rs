//! A conflict as the wire shows it ([ED6]).
//!
//! Promises: all it takes to settle the conflict, as far as `REPORT_BYTES_MAX` allows; paths and versions always.
//! Must never: leave out an op that conflicts.

use serde::Serialize;
use ts_rs::TS;

use super::spelling::Moment;
use super::{BlockView, UserView};
use crate::domain::block::Content;
use crate::domain::decide::Conflict;
use crate::domain::ids::{BlockId, EditId, ProjectId};
use crate::domain::sequence::{Seq, Version};
use crate::protocol::message::reply::ConflictReport;
use crate::protocol::{json, pointer};

/// A report larger than this leaves out the bases, then the current blocks; bytes of JSON.
pub const REPORT_BYTES_MAX: usize = 1 << 20;

/// An edit that was not applied.
#[derive(Clone, Debug, Serialize, TS)]
#[ts(rename = "ConflictFields")]
#[serde(rename_all = "camelCase")]
pub struct ConflictView<'a> {
    project: ProjectId,
    edit_id: EditId,
    seq: Seq,
    conflicts: Vec<OpConflictView<'a>>,
}

impl<'a> ConflictView<'a> {
    /// As much of the report as fits.
    pub fn fitting(report: &'a ConflictReport) -> Self {
        let mut view = Self {
            project: report.project,
            edit_id: report.edit,
            seq: report.seq,
            conflicts: report.conflicts.iter().map(OpConflictView::from).collect(),
        };
        for leave_out in [OpConflictView::without_base, OpConflictView::without_current] {
            if json::len(&view) > REPORT_BYTES_MAX {
                view.conflicts.iter_mut().for_each(leave_out);
            }
        }
        view
    }
}

/// One op that conflicts. `current` is null where the block was deleted, and left out where it would be too much.
#[derive(Clone, Debug, Serialize, TS)]
#[ts(rename = "OpConflict")]
#[serde(rename_all = "camelCase")]
pub(in crate::protocol) struct OpConflictView<'a> {
    op: usize,
    block: BlockId,
    base_version: Version,
    current_version: Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(as = "Option<BlockView<'_>>", optional = nullable)]
    current: Option<Option<BlockView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "JsonObject", optional)]
    base: Option<&'a Content>,
    paths: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    changed_by: Option<UserView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    changed_at: Option<Moment>,
}

impl<'a> From<&'a Conflict> for OpConflictView<'a> {
    fn from(conflict: &'a Conflict) -> Self {
        let (by, at) = conflict.changed.as_ref().map(|(by, at)| (UserView::from(&**by), Moment(*at))).unzip();
        Self {
            op: conflict.op,
            block: conflict.block,
            base_version: conflict.base_version,
            current_version: conflict.current_version,
            current: Some(conflict.current.as_deref().map(BlockView::from)),
            base: conflict.base.as_ref(),
            paths: conflict.paths.iter().map(pointer::write).collect(),
            changed_by: by,
            changed_at: at,
        }
    }
}

impl OpConflictView<'_> {
    fn without_base(&mut self) {
        self.base = None;
    }

    /// A block that was deleted is still said to be so: that costs four bytes.
    fn without_current(&mut self) {
        self.current = self.current.filter(Option::is_none);
    }
}
