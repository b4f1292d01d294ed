//! Reads blocks, heads, events and records.
//!
//! Promises: `open` is one snapshot; nothing at or below `log_start` is ever shown as an event.
//! Must never: write.

use std::sync::Arc;

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::link::{ANSWER_WITHIN_LONG, Link, answered};
use crate::domain::block::{Block, Grave, Project};
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId};
use crate::domain::sequence::Version;
use crate::store::record::{self, BlockRow, EventRow, GraveRow, HeadRow, MemberRow, ProjectRow, RecordRow};
use crate::store::{EditRecord, Head, Opened, Span, StoreError};

pub(super) async fn open(link: Link, id: ProjectId) -> Result<Option<Opened>, StoreError> {
    let mut connection = link.connection().await?;
    let result = answered(ANSWER_WITHIN_LONG, open_in_snapshot(&mut connection, id)).await;
    link.settle(connection, result)
}

async fn open_in_snapshot(connection: &mut PgConnection, id: ProjectId) -> Result<Option<Opened>, StoreError> {
    let mut snapshot = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let row: Option<ProjectRow> = sqlx::query_as(OPEN).bind(id.0).fetch_optional(&mut *snapshot).await?;
    let Some(row) = row else { return Ok(None) };
    let blocks: Vec<BlockRow> = sqlx::query_as(BLOCKS).bind(id.0).fetch_all(&mut *snapshot).await?;
    let members: Vec<MemberRow> = sqlx::query_as(MEMBERS).bind(id.0).fetch_all(&mut *snapshot).await?;
    snapshot.commit().await?;
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

pub(super) async fn heads(link: &Link, ids: &[ProjectId]) -> Result<Vec<Head>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<HeadRow> = link.rows(sqlx::query_as(HEADS).bind(ids)).await?;
    Ok(rows.into_iter().map(Head::from).collect())
}

pub(super) async fn events(link: &Link, id: ProjectId, span: Span, limit: u32) -> Result<Vec<Arc<Event>>, StoreError> {
    let (statement, from) = match span {
        Span::After(seq) => (EVENTS_AFTER, seq.0.cast_signed()),
        Span::Before(Some(seq)) => (EVENTS_BEFORE, seq.0.cast_signed()),
        Span::Before(None) => (EVENTS_BEFORE, i64::MAX),
    };
    decoded(link.rows(sqlx::query_as(statement).bind(id.0).bind(from).bind(i64::from(limit))).await?)
}

pub(super) async fn event_of_edit(link: &Link, id: ProjectId, edit: EditId) -> Result<Option<Arc<Event>>, StoreError> {
    let row: Option<EventRow> = link.row(sqlx::query_as(EVENT_OF_EDIT).bind(id.0).bind(edit.0)).await?;
    row.map(EventRow::event).transpose()
}

pub(super) async fn events_of_group(link: &Link, id: ProjectId, group: GroupId) -> Result<Vec<Arc<Event>>, StoreError> {
    decoded(link.rows(sqlx::query_as(EVENTS_OF_GROUP).bind(id.0).bind(group.0)).await?)
}

pub(super) async fn block_events(
    link: &Link,
    id: ProjectId,
    block: BlockId,
    after: Version,
) -> Result<Vec<Arc<Event>>, StoreError> {
    let query = sqlx::query_as(BLOCK_EVENTS).bind(id.0).bind(block.0).bind(after.0.cast_signed());
    decoded(link.rows(query).await?)
}

pub(super) async fn graves(
    link: &Link,
    id: ProjectId,
    blocks: &[BlockId],
) -> Result<Vec<(BlockId, Grave)>, StoreError> {
    let blocks: Vec<Uuid> = blocks.iter().map(|block| block.0).collect();
    let rows: Vec<GraveRow> = link.rows(sqlx::query_as(GRAVES).bind(id.0).bind(blocks)).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn records(link: &Link, id: ProjectId, edits: &[EditId]) -> Result<Vec<EditRecord>, StoreError> {
    let edits: Vec<Uuid> = edits.iter().map(|edit| edit.0).collect();
    let rows: Vec<RecordRow> = link.rows(sqlx::query_as(RECORDS).bind(id.0).bind(edits)).await?;
    rows.into_iter().map(RecordRow::record).collect()
}

fn decoded(rows: Vec<EventRow>) -> Result<Vec<Arc<Event>>, StoreError> {
    rows.into_iter().map(EventRow::event).collect()
}

const OPEN: &str = "
    SELECT id, title, access, theme, log, seq, tree_seq, revision, log_start, created_at, updated_at, deleted_at,
           ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline
    FROM projects WHERE id = $1 AND deleted_at IS NULL";

const BLOCKS: &str = "
    SELECT id, version, parent, position, kind, content
    FROM blocks WHERE project_id = $1 AND NOT deleted";

const MEMBERS: &str = r#"SELECT user_id, role FROM members WHERE project_id = $1 ORDER BY user_id COLLATE "C""#;

const HEADS: &str = "
    SELECT id, log, seq, revision,
           (SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int) AS timeline
    FROM projects WHERE id = ANY ($1) AND deleted_at IS NULL";

const EVENTS_AFTER: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p JOIN events e ON e.project_id = p.id
    WHERE p.id = $1 AND e.project_id = $1 AND e.seq > $2 AND p.log_start <= $2
    ORDER BY e.seq LIMIT $3";

const EVENTS_BEFORE: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p JOIN events e ON e.project_id = p.id
    WHERE p.id = $1 AND e.project_id = $1 AND e.seq < $2 AND e.seq > p.log_start
    ORDER BY e.seq DESC LIMIT $3";

const EVENT_OF_EDIT: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p JOIN events e ON e.project_id = p.id
    WHERE p.id = $1 AND e.edit_id = $2 AND e.seq > p.log_start";

const EVENTS_OF_GROUP: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p JOIN events e ON e.project_id = p.id
    WHERE p.id = $1 AND e.group_id = $2 AND e.seq > p.log_start
    ORDER BY e.seq";

// `OFFSET 0`: each event is looked up by its seq; where most projects are small, the planner would take it for cheap to
// read the whole log.
const BLOCK_EVENTS: &str = "
    SELECT e.seq, e.edit_id, e.group_id, e.user_id, e.at, e.body
    FROM projects p
    JOIN block_versions v ON v.project_id = p.id
    CROSS JOIN LATERAL (
        SELECT * FROM events WHERE events.project_id = v.project_id AND events.seq = v.seq OFFSET 0
    ) e
    WHERE p.id = $1 AND v.block_id = $2 AND v.version > $3 AND v.seq > p.log_start
    ORDER BY v.version";

const GRAVES: &str = "
    SELECT id, version, parent, position FROM blocks WHERE project_id = $1 AND id = ANY ($2) AND deleted";

const RECORDS: &str = "
    SELECT seq, edit_id, user_id, answer FROM events WHERE project_id = $1 AND edit_id = ANY ($2)";
