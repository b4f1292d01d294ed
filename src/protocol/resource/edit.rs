//! What changes blocks over HTTP, for the description: the bodies themselves are read as messages are.
//!
//! Promises: the fields are those of the messages `edit`, `undo` and `restore`.
//! Must never: be read or written; `message::decode_edit` and its like are stricter than a derived reader.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::ids::{BlockId, EditId, GroupId};
use crate::domain::sequence::{Seq, Version};

/// An edit: applied in whole or not at all.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EditBody {
    /// The client's name for it: sent again, it is not applied again.
    pub edit_id: EditId,
    /// What happens to ops whose base is stale: `merge` unless given.
    pub on_conflict: Option<OnConflictWord>,
    /// The log that the bases belong to; the current one unless given.
    pub epoch: Option<String>,
    /// Edits that are undone together.
    pub group: Option<GroupId>,
    /// 1 to 100, applied in order.
    pub ops: Vec<OpBody>,
}

/// What happens to an op whose base is not the block's current version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = OnConflict)]
pub enum OnConflictWord {
    /// Three-way; what cannot be merged is a conflict.
    Merge,
    /// Always a conflict.
    Reject,
    /// Last write wins.
    Overwrite,
}

/// One step of an edit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "op", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[schema(as = Op)]
pub enum OpBody {
    /// A new block.
    Insert {
        /// Never used before in the project.
        block: BlockId,
        /// 1 to 64 characters.
        kind: String,
        /// Under which block.
        parent: Option<BlockId>,
        /// Behind which sibling; null is first.
        after: Option<BlockId>,
        /// A JSON object.
        #[schema(value_type = Object)]
        content: Value,
    },
    /// A JSON merge patch (RFC 7396).
    Update {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base_version: Version,
        /// The patch.
        #[schema(value_type = Object)]
        patch: Value,
    },
    /// A string changed in place.
    Text {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base_version: Version,
        /// A JSON Pointer.
        path: String,
        /// Ascending, in UTF-16 code units of the string at the base.
        changes: Vec<TextChangeBody>,
    },
    /// Another place.
    Move {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base_version: Version,
        /// Under which block.
        parent: Option<BlockId>,
        /// Behind which sibling; null is first.
        after: Option<BlockId>,
    },
    /// The block goes, and everything under it.
    Delete {
        /// Which block.
        block: BlockId,
        /// The version the author saw.
        base_version: Version,
    },
}

/// One span of a string.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextChange)]
pub struct TextChangeBody {
    /// Where.
    pub at: u64,
    /// How many code units go.
    pub delete: u64,
    /// What comes.
    pub insert: String,
}

/// An edit, or a group of edits, to be reversed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndoBody {
    /// An `editId` or a group.
    #[schema(value_type = uuid::Uuid)]
    pub target: EditId,
    /// The new edit's name.
    pub edit_id: EditId,
}

/// A project to be made what it was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreBody {
    /// After which event.
    pub seq: Seq,
    /// The new edit's name.
    pub edit_id: EditId,
}
