//! How values are written into columns, the same for every backend.
//!
//! Promises: an event read back equals the event written, but for its seq, which is its row's; a column that holds
//! what we did not write is `StoreError::Broken`, never a panic.
//! Must never: know SQL. What it writes is read by every later version: fields may be added, not renamed.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use uuid::Uuid;

use super::body::{Body, is_false};
use super::{EditRecord, Head, Membership, ProjectInfo, StoreError};
use crate::domain::access::{Access, Role};
use crate::domain::block::{Block, Content, Grave, Place};
use crate::domain::event::{Change, Event};
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId, UserId};
use crate::domain::position::Position;
use crate::domain::sequence::{Epoch, Seq, Timestamp, Version};

/// A project's row, and the role of the user who asks.
#[derive(Debug, FromRow)]
pub(super) struct ProjectRow {
    id: Uuid,
    title: String,
    access: String,
    theme: Option<String>,
    log: i64,
    timeline: i32,
    seq: i64,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    #[sqlx(default)]
    role: Option<String>,
    #[sqlx(default)]
    pub(super) tree_seq: i64,
    #[sqlx(default)]
    pub(super) revision: i64,
    #[sqlx(default)]
    pub(super) log_start: i64,
}

impl ProjectRow {
    /// Everything but the blocks.
    pub(super) fn info(&self) -> Result<ProjectInfo, StoreError> {
        Ok(ProjectInfo {
            id: ProjectId(self.id),
            title: self.title.clone(),
            access: read_access(&self.access)?,
            theme: self.theme.clone(),
            epoch: epoch(self.log, self.timeline),
            seq: seq(self.seq),
            created: Timestamp(self.created_at),
            updated: Timestamp(self.updated_at),
            deleted: self.deleted_at.map(Timestamp),
        })
    }

    /// The same, for the user who asked.
    pub(super) fn membership(&self) -> Result<Membership, StoreError> {
        let role = self.role.as_deref().map(read_role).transpose()?;
        Ok(Membership { info: self.info()?, role, revision: self.revision.cast_unsigned() })
    }
}

/// Where a project stands.
#[derive(Debug, FromRow)]
pub(super) struct HeadRow {
    id: Uuid,
    log: i64,
    timeline: i32,
    seq: i64,
    revision: i64,
}

impl From<HeadRow> for Head {
    fn from(row: HeadRow) -> Self {
        Self {
            project: ProjectId(row.id),
            epoch: epoch(row.log, row.timeline),
            seq: seq(row.seq),
            revision: row.revision.cast_unsigned(),
        }
    }
}

/// A living block's row.
#[derive(Debug, FromRow)]
pub(super) struct BlockRow {
    id: Uuid,
    version: i64,
    parent: Option<Uuid>,
    position: String,
    kind: String,
    content: String,
}

impl BlockRow {
    /// The block.
    pub(super) fn block(self) -> Result<Block, StoreError> {
        Ok(Block {
            id: BlockId(self.id),
            kind: self.kind.into(),
            place: place(self.parent, self.position),
            content: read_json(&self.content, "a block's content")?,
            version: version(self.version),
        })
    }
}

/// A dead block's row.
#[derive(Debug, FromRow)]
pub(super) struct GraveRow {
    id: Uuid,
    version: i64,
    parent: Option<Uuid>,
    position: String,
}

impl From<GraveRow> for (BlockId, Grave) {
    fn from(row: GraveRow) -> Self {
        let grave = Grave { version: version(row.version), place: place(row.parent, row.position) };
        (BlockId(row.id), grave)
    }
}

/// A member's row.
#[derive(Debug, FromRow)]
pub(super) struct MemberRow {
    user_id: String,
    role: String,
}

impl MemberRow {
    /// Who, and as what.
    pub(super) fn member(self) -> Result<(UserId, Role), StoreError> {
        Ok((UserId(self.user_id.into()), read_role(&self.role)?))
    }
}

/// An event's row as a record of the edit.
#[derive(Debug, FromRow)]
pub(super) struct RecordRow {
    seq: i64,
    edit_id: Uuid,
    user_id: String,
    answer: String,
}

impl RecordRow {
    /// What is kept of the edit.
    pub(super) fn record(self) -> Result<EditRecord, StoreError> {
        let answer: Answer = read_json(&self.answer, "an edit's answer")?;
        Ok(EditRecord {
            edit: EditId(self.edit_id),
            user: UserId(self.user_id.into()),
            seq: seq(self.seq),
            versions: answer.versions,
            merged: answer.merged,
            overwrote: answer.overwrote,
        })
    }
}

/// An event's row.
#[derive(Debug, FromRow)]
pub(super) struct EventRow {
    seq: i64,
    edit_id: Uuid,
    group_id: Option<Uuid>,
    user_id: String,
    at: i64,
    body: String,
}

impl EventRow {
    /// The event.
    pub(super) fn event(self) -> Result<Arc<Event>, StoreError> {
        let body: Body = read_json(&self.body, "an event's body")?;
        Ok(Arc::new(Event {
            seq: seq(self.seq),
            edit: EditId(self.edit_id),
            request: body.request,
            group: self.group_id.map(GroupId),
            actor: Arc::new(body.actor(UserId(self.user_id.into()))),
            at: Timestamp(self.at),
            merged: body.merged,
            overwrote: body.overwrote,
            changes: body.changes(),
        }))
    }
}

/// Writes what an event's other columns do not hold.
pub(super) fn event_body(event: &Event) -> Result<String, StoreError> {
    write_json(&Body::of(event))
}

/// Writes what a repeated edit is answered.
pub(super) fn answer(event: &Event, versions: Vec<(BlockId, Version)>) -> Result<String, StoreError> {
    write_json(&Answer { versions, merged: event.merged, overwrote: event.overwrote })
}

/// The blocks that an event touches, once each, with the version it gave them last.
pub(super) fn touched(event: &Event) -> Vec<(BlockId, Version)> {
    let mut touched: Vec<(BlockId, Version)> = Vec::with_capacity(event.changes.len());
    let mut at = HashMap::with_capacity(event.changes.len());
    for (block, version) in event.changes.iter().flat_map(Change::touched) {
        let index = *at.entry(block).or_insert(touched.len());
        match touched.get_mut(index) {
            Some(found) => found.1 = version,
            None => touched.push((block, version)),
        }
    }
    touched
}

/// The blocks that a stored event touches.
pub(super) fn touched_by_body(body: &str) -> Result<Vec<(BlockId, Version)>, StoreError> {
    let body: Body = read_json(body, "an event's body")?;
    Ok(body.changes().iter().flat_map(Change::touched).collect())
}

/// Writes a block's content.
pub(super) fn content(content: &Content) -> Result<String, StoreError> {
    write_json(content)
}

/// The word for what everybody has.
pub(super) fn access(access: Access) -> &'static str {
    match access {
        Access::None => "none",
        Access::Viewer => "viewer",
        Access::Editor => "editor",
    }
}

/// The word for what a member is.
pub(super) fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

/// A place in a log, from its column.
pub(super) fn seq(column: i64) -> Seq {
    Seq(column.cast_unsigned())
}

/// An epoch, from its columns.
pub(super) fn epoch(log: i64, timeline: i32) -> Epoch {
    Epoch { log: log.cast_unsigned(), timeline: timeline.cast_unsigned() }
}

fn version(column: i64) -> Version {
    Version(column.cast_unsigned())
}

fn place(parent: Option<Uuid>, position: String) -> Place {
    Place { parent: parent.map(BlockId), position: Position(position.into()) }
}

fn read_access(word: &str) -> Result<Access, StoreError> {
    match word {
        "none" => Ok(Access::None),
        "viewer" => Ok(Access::Viewer),
        "editor" => Ok(Access::Editor),
        _ => Err(StoreError::Broken("a project's access is no such word".into())),
    }
}

fn read_role(word: &str) -> Result<Role, StoreError> {
    match word {
        "viewer" => Ok(Role::Viewer),
        "editor" => Ok(Role::Editor),
        "owner" => Ok(Role::Owner),
        _ => Err(StoreError::Broken("a member's role is no such word".into())),
    }
}

/// Reads a column of JSON.
fn read_json<'a, T: Deserialize<'a>>(column: &'a str, what: &str) -> Result<T, StoreError> {
    serde_json::from_str(column).map_err(|error| StoreError::Broken(format!("{what}: {error}")))
}

/// Writes a column of JSON.
pub(super) fn write_json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Broken(error.to_string()))
}

/// An edit's answer, as stored.
#[derive(Serialize, Deserialize)]
struct Answer {
    versions: Vec<(BlockId, Version)>,
    #[serde(default, skip_serializing_if = "is_false")]
    merged: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    overwrote: bool,
}
