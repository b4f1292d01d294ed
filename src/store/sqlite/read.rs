//! Reads blocks, heads, events and records.
//!
//! Promises: `open` is one snapshot; nothing at or below `log_start` is ever shown as an event.
//! Must never: write.

use std::sync::Arc;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use crate::domain::block::{Block, Grave, Project};
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId};
use crate::domain::sequence::Version;
use crate::store::record::{self, BlockRow, EventRow, GraveRow, HeadRow, MemberRow, ProjectRow, RecordRow, write_json};
use crate::store::{EditRecord, Head, Opened, Span, StoreError};

pub(super) async fn open(pool: SqlitePool, id: ProjectId) -> Result<Option<Opened>, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut snapshot = connection.begin().await?;
    let opened = open_in(&mut snapshot, id).await?;
    snapshot.commit().await?;
    Ok(opened)
}

async fn open_in(snapshot: &mut SqliteConnection, id: ProjectId) -> Result<Option<Opened>, StoreError> {
    let row: Option<ProjectRow> = sqlx::query_as(OPEN).bind(id.0).fetch_optional(&mut *snapshot).await?;
    let Some(row) = row else { return Ok(None) };
    let blocks: Vec<BlockRow> = sqlx::query_as(BLOCKS).bind(id.0).fetch_all(&mut *snapshot).await?;
    let members: Vec<MemberRow> = sqlx::query_as(MEMBERS).bind(id.0).fetch_all(&mut *snapshot).await?;
    let info = row.info()?;
    let blocks: Vec<Block> = blocks.into_iter().map(BlockRow::block).collect::<Result<_, _>>()?;
    Ok(Some(Opened {
        project: Project::new(info.seq, record::seq(row.tree_seq), blocks),
        info,
        members: members.into_iter().map(MemberRow::member).collect::<Result<_, _>>()?,
        revision: row.revision.cast_unsigned(),
        log_start: record::seq(row.log_start),
    }))
}

pub(super) async fn heads(pool: &SqlitePool, ids: &[ProjectId]) -> Result<Vec<Head>, StoreError> {
    let rows: Vec<HeadRow> = sqlx::query_as(HEADS).bind(write_json(&ids)?).fetch_all(pool).await?;
    Ok(rows.into_iter().map(Head::from).collect())
}

pub(super) async fn events(
    pool: &SqlitePool,
    id: ProjectId,
    span: Span,
    limit: u32,
) -> Result<Vec<Arc<Event>>, StoreError> {
    let (statement, from) = match span {
        Span::After(seq) => (EVENTS_AFTER, seq.0.cast_signed()),
        Span::Before(Some(seq)) => (EVENTS_BEFORE, seq.0.cast_signed()),
        Span::Before(None) => (EVENTS_BEFORE, i64::MAX),
    };
    decoded(sqlx::query_as(statement).bind(id.0).bind(from).bind(limit).fetch_all(pool).await?)
}

pub(super) async fn event_of_edit(
    pool: &SqlitePool,
    id: ProjectId,
    edit: EditId,
) -> Result<Option<Arc<Event>>, StoreError> {
    let row: Option<EventRow> = sqlx::query_as(EVENT_OF_EDIT).bind(id.0).bind(edit.0).fetch_optional(pool).await?;
    row.map(EventRow::event).transpose()
}

pub(super) async fn events_of_group(
    pool: &SqlitePool,
    id: ProjectId,
    group: GroupId,
) -> Result<Vec<Arc<Event>>, StoreError> {
    decoded(sqlx::query_as(EVENTS_OF_GROUP).bind(id.0).bind(group.0).fetch_all(pool).await?)
}

pub(super) async fn block_events(
    pool: &SqlitePool,
    id: ProjectId,
    block: BlockId,
    after: Version,
) -> Result<Vec<Arc<Event>>, StoreError> {
    let query = sqlx::query_as(BLOCK_EVENTS).bind(id.0).bind(block.0).bind(after.0.cast_signed());
    decoded(query.fetch_all(pool).await?)
}

pub(super) async fn graves(
    pool: &SqlitePool,
    id: ProjectId,
    blocks: &[BlockId],
) -> Result<Vec<(BlockId, Grave)>, StoreError> {
    let query = sqlx::query_as(GRAVES).bind(id.0).bind(write_json(&blocks)?);
    let rows: Vec<GraveRow> = query.fetch_all(pool).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn records(pool: &SqlitePool, id: ProjectId, edits: &[EditId]) -> Result<Vec<EditRecord>, StoreError> {
    let query = sqlx::query_as(RECORDS).bind(id.0).bind(write_json(&edits)?);
    let rows: Vec<RecordRow> = query.fetch_all(pool).await?;
    rows.into_iter().map(RecordRow::record).collect()
}

fn decoded(rows: Vec<EventRow>) -> Result<Vec<Arc<Event>>, StoreError> {
    rows.into_iter().map(EventRow::event).collect()
}

const OPEN: &str = "
    SELECT id, title, access, theme, log, 0 AS timeline, seq, tree_seq, revision, log_start,
           created_at, updated_at, deleted_at
    FROM projects WHERE id = ?1 AND deleted_at IS NULL";

const BLOCKS: &str = "
    SELECT id, version, parent, position, kind, content
    FROM blocks WHERE project_id = ?1 AND deleted = 0";

const MEMBERS: &str = "SELECT user_id, role FROM members WHERE project_id = ?1 ORDER BY user_id";

const HEADS: &str = "
    SELECT p.id, p.log, 0 AS timeline, p.seq, p.revision
    FROM json_each(?1) line CROSS JOIN projects p ON p.id = unhex(line.value, '-')
    WHERE p.deleted_at IS NULL";

const EVENTS_AFTER: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p CROSS JOIN events e ON e.project_id = p.id
    WHERE p.id = ?1 AND e.seq > ?2 AND ?2 >= p.log_start
    ORDER BY e.seq LIMIT ?3";

const EVENTS_BEFORE: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p CROSS JOIN events e ON e.project_id = p.id
    WHERE p.id = ?1 AND e.seq < ?2 AND e.seq > p.log_start
    ORDER BY e.seq DESC LIMIT ?3";

const EVENT_OF_EDIT: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p CROSS JOIN events e ON e.project_id = p.id
    WHERE p.id = ?1 AND e.edit_id = ?2 AND e.seq > p.log_start";

const EVENTS_OF_GROUP: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p CROSS JOIN events e ON e.project_id = p.id
    WHERE p.id = ?1 AND e.group_id = ?2 AND e.seq > p.log_start
    ORDER BY e.seq";

const BLOCK_EVENTS: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p
    CROSS JOIN block_versions v ON v.project_id = p.id
    CROSS JOIN events e ON e.project_id = v.project_id AND e.seq = v.seq
    WHERE p.id = ?1 AND v.block_id = ?2 AND v.version > ?3 AND v.seq > p.log_start
    ORDER BY v.version";

const GRAVES: &str = "
    SELECT b.id, b.version, b.parent, b.position
    FROM json_each(?2) line CROSS JOIN blocks b ON b.project_id = ?1 AND b.id = unhex(line.value, '-')
    WHERE b.deleted = 1";

const RECORDS: &str = "
    SELECT e.seq, e.edit_id, e.user_id, e.answer
    FROM json_each(?2) line CROSS JOIN events e ON e.project_id = ?1 AND e.edit_id = unhex(line.value, '-')";
