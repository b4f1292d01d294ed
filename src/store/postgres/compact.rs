//! Drops what is old, a bounded part per transaction, so that nobody waits for it.
//!
//! The log is cut first: `log_start` moves, and what is at or below it is no longer shown. Then bodies are erased
//! (`swept` follows `log_start`), and when their edit's record is old enough too, rows (`forgotten` follows `swept`).
//!
//! Promises: a cut never parts a text event that is kept from one that it leans on. Why this holds: an event that
//! gave a block version v by a text change with reach r needs the events of versions r+1 … v, the oldest of which made
//! r+1. `block_versions` remembers r where r+1 < v, so a cut is moved back before that event's seq, again and again,
//! until no kept event leans on what is dropped.
//! Must never: drop a grave, or the record of an edit whose event is kept.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, FromRow};
use uuid::Uuid;

use super::link::Link;
use crate::store::record::touched_by_body;
use crate::store::{Dropped, Retention, StoreError};

/// Rows per transaction.
const ROWS_MAX: i64 = 1_000;

/// Logs cut per call.
const CUTS_MAX: usize = 500;

pub(super) async fn compact(link: Link, retention: Retention) -> Result<Dropped, StoreError> {
    let mut connection = link.connection().await?;
    let result = compact_on(&mut connection, &retention).await;
    link.settle(connection, result)
}

async fn compact_on(connection: &mut PgConnection, retention: &Retention) -> Result<Dropped, StoreError> {
    if let Some(before) = retention.events_before {
        cut_logs(connection, before.0).await?;
    }
    Ok(Dropped {
        events: sweep(connection).await?,
        records: forget(connection, retention.records_before.0).await?,
        projects: bury(connection, retention.deleted_before.0).await?,
    })
}

async fn cut_logs(connection: &mut PgConnection, before: i64) -> Result<(), StoreError> {
    let old: Vec<Uuid> = sqlx::query_scalar(OLD_LOGS).bind(before).fetch_all(&mut *connection).await?;
    let mut cuts = 0;
    for project in old {
        cuts += usize::from(cut_log(connection, project, before).await?);
        if cuts == CUTS_MAX {
            break;
        }
    }
    Ok(())
}

/// Moves a log's start as far as it may; false if it may not move.
async fn cut_log(connection: &mut PgConnection, project: Uuid, before: i64) -> Result<bool, StoreError> {
    let mut transaction = connection.begin().await?;
    let log: Option<(i64, i64)> = sqlx::query_as("SELECT log_start, seq FROM projects WHERE id = $1 FOR UPDATE")
        .bind(project)
        .fetch_optional(&mut *transaction)
        .await?;
    let Some((start, head)) = log else { return Ok(false) };
    let first_young = sqlx::query_scalar(FIRST_YOUNG).bind(project).bind(start).bind(before);
    let first_young: Option<i64> = first_young.fetch_one(&mut *transaction).await?;
    let mut cut = first_young.map_or(head, |seq| seq - 1);
    while let Some(needed) = oldest_needed(&mut transaction, project, cut).await? {
        cut = needed - 1;
    }
    if cut <= start {
        return Ok(false);
    }
    let set = sqlx::query("UPDATE projects SET log_start = $2 WHERE id = $1").bind(project).bind(cut);
    set.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The oldest event at or below the cut that one above it leans on.
async fn oldest_needed(connection: &mut PgConnection, project: Uuid, cut: i64) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar(OLDEST_NEEDED).bind(project).bind(cut).fetch_one(connection).await?)
}

#[derive(FromRow)]
struct Run {
    project: Uuid,
    after: i64,
    upto: i64,
}

/// Erases the bodies of one run of dropped events, and what is known of the versions that they made. Another hub may
/// be at the same run: what it erased is empty.
async fn sweep(connection: &mut PgConnection) -> Result<u64, StoreError> {
    let run: Option<Run> = sqlx::query_as(TO_SWEEP).bind(ROWS_MAX).fetch_optional(&mut *connection).await?;
    let Some(run) = run else { return Ok(0) };
    let bodies = sqlx::query_scalar(BODIES).bind(run.project).bind(run.after).bind(run.upto);
    let bodies: Vec<String> = bodies.fetch_all(&mut *connection).await?;
    let (mut blocks, mut versions) = (Vec::new(), Vec::new());
    for body in &bodies {
        let touched = touched_by_body(body)?;
        blocks.extend(touched.iter().map(|(block, _)| block.0));
        versions.extend(touched.iter().map(|(_, version)| version.0.cast_signed()));
    }
    let mut transaction = connection.begin().await?;
    let unversion = sqlx::query(UNVERSION).bind(run.project).bind(blocks).bind(versions);
    unversion.execute(&mut *transaction).await?;
    for statement in [ERASE, "UPDATE projects SET swept = $3 WHERE id = $1 AND swept = $2"] {
        let query = sqlx::query(statement).bind(run.project).bind(run.after).bind(run.upto);
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(bodies.len() as u64)
}

/// Drops one run of old records whose events are gone.
async fn forget(connection: &mut PgConnection, before: i64) -> Result<u64, StoreError> {
    let run = sqlx::query_as(TO_FORGET).bind(ROWS_MAX).bind(before);
    let run: Option<Run> = run.fetch_optional(&mut *connection).await?;
    let Some(run) = run else { return Ok(0) };
    let mut transaction = connection.begin().await?;
    let forget = sqlx::query("DELETE FROM events WHERE project_id = $1 AND seq > $2 AND seq <= $3");
    let forget = forget.bind(run.project).bind(run.after).bind(run.upto);
    let records = forget.execute(&mut *transaction).await?.rows_affected();
    let mark = sqlx::query("UPDATE projects SET forgotten = $3 WHERE id = $1 AND forgotten = $2");
    mark.bind(run.project).bind(run.after).bind(run.upto).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(records)
}

/// Drops one project that was deleted long ago. Marked first, it cannot be recovered while it goes piece by piece.
async fn bury(connection: &mut PgConnection, before: i64) -> Result<u64, StoreError> {
    let mark = sqlx::query("UPDATE projects SET gone = true WHERE deleted_at < $1 AND NOT gone");
    mark.bind(before).execute(&mut *connection).await?;
    let next = sqlx::query_scalar("SELECT id FROM projects WHERE deleted_at IS NOT NULL AND gone LIMIT 1");
    let next: Option<Uuid> = next.fetch_optional(&mut *connection).await?;
    let Some(project) = next else { return Ok(0) };
    for statement in [BURY_EVENTS, BURY_VERSIONS, BURY_BLOCKS] {
        let rows = async |connection: &mut PgConnection| {
            sqlx::query(statement).bind(project).bind(ROWS_MAX).execute(connection).await
        };
        while rows(connection).await?.rows_affected() > 0 {}
    }
    sqlx::query("DELETE FROM members WHERE project_id = $1").bind(project).execute(&mut *connection).await?;
    sqlx::query("DELETE FROM projects WHERE id = $1").bind(project).execute(&mut *connection).await?;
    Ok(1)
}

const OLD_LOGS: &str = "
    SELECT p.id FROM projects p JOIN events e ON e.project_id = p.id AND e.seq = p.log_start + 1
    WHERE e.at < $1 AND p.deleted_at IS NULL";

const FIRST_YOUNG: &str = "SELECT min(seq) FROM events WHERE project_id = $1 AND seq > $2 AND at >= $3";

const OLDEST_NEEDED: &str = "
    SELECT min(first.seq)
    FROM (
        SELECT project_id, block_id, reach FROM block_versions
        WHERE project_id = $1 AND seq > $2 AND reach IS NOT NULL OFFSET 0
    ) v
    CROSS JOIN LATERAL (
        SELECT seq FROM block_versions f
        WHERE f.project_id = v.project_id AND f.block_id = v.block_id AND f.version = v.reach + 1 OFFSET 0
    ) first
    WHERE first.seq <= $2";

const TO_SWEEP: &str = "
    SELECT id AS project, swept AS after, least(log_start, swept + $1) AS upto
    FROM projects WHERE swept < log_start LIMIT 1";

const BODIES: &str = "
    SELECT body FROM events WHERE project_id = $1 AND seq > $2 AND seq <= $3 AND body <> ''";

const UNVERSION: &str = "
    DELETE FROM block_versions v USING unnest($2::uuid[], $3::bigint[]) AS line (block_id, version)
    WHERE v.project_id = $1 AND v.block_id = line.block_id AND v.version = line.version";

const ERASE: &str = "UPDATE events SET body = '' WHERE project_id = $1 AND seq > $2 AND seq <= $3";

const TO_FORGET: &str = "
    SELECT p.id AS project, p.forgotten AS after,
           least(p.swept, p.forgotten + $1, (
               SELECT min(young.seq) - 1 FROM events young
               WHERE young.project_id = p.id AND young.seq > p.forgotten AND young.seq <= p.forgotten + $1
                 AND young.at >= $2)) AS upto
    FROM projects p JOIN events e ON e.project_id = p.id AND e.seq = p.forgotten + 1
    WHERE p.forgotten < p.swept AND e.at < $2 LIMIT 1";

const BURY_EVENTS: &str = "
    DELETE FROM events WHERE ctid = ANY (ARRAY (SELECT ctid FROM events WHERE project_id = $1 LIMIT $2))";

const BURY_VERSIONS: &str = "
    DELETE FROM block_versions
    WHERE ctid = ANY (ARRAY (SELECT ctid FROM block_versions WHERE project_id = $1 LIMIT $2))";

const BURY_BLOCKS: &str = "
    DELETE FROM blocks WHERE ctid = ANY (ARRAY (SELECT ctid FROM blocks WHERE project_id = $1 LIMIT $2))";
