//! Commits a batch of many projects in one statement.
//!
//! Promises: every check is on a row that the statement locks, and so reads anew, or is guarded by a unique index:
//! a statement that waited for a lock, or was late to it, sees the old snapshot elsewhere. Projects are locked in the
//! order of their ids, their blocks after them; locked projects are skipped. All or nothing per project.
//! Must never: wait for one project in a statement that carries others.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::QueryAs;
use sqlx::{Connection, FromRow, Postgres};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::link::{ANSWER_WITHIN_SOON, Link, answered};
use crate::domain::ids::ProjectId;
use crate::domain::sequence::Seq;
use crate::store::batch::{BlockLine, EventLine, Lines, ProjectLine, VersionLine};
use crate::store::failure::Refused;
use crate::store::hold::{Door, HOLD_MAX};
use crate::store::{Commit, Committed, Patience, StoreError};

/// Commits the batch at once. If a name was taken meanwhile (an edit raced on another hub), or if locks are waited
/// for, project by project, on the same connection: a server answers an error before it lets go of its locks.
pub(super) async fn commit(link: Link, batch: Vec<Commit>, patience: Patience) -> Result<Vec<Committed>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut connection = link.connection().await?;
    let result = answered(ANSWER_WITHIN_SOON, commit_on(&mut connection, &batch, patience)).await;
    link.settle(connection, result)
}

async fn commit_on(
    connection: &mut PgConnection,
    batch: &[Commit],
    patience: Patience,
) -> Result<Vec<Committed>, StoreError> {
    if patience == Patience::None {
        match commit_lines(connection, &Lines::of(batch)?).await {
            Err(Refused::Taken) => {}
            answered => return answered.map_err(Refused::into_error),
        }
    }
    let mut answers = Vec::with_capacity(batch.len());
    for commit in batch {
        answers.push(alone(connection, commit, patience).await?);
    }
    Ok(answers)
}

/// One project, whose name clashes are its own, and for whose lock may be waited.
async fn alone(connection: &mut PgConnection, commit: &Commit, patience: Patience) -> Result<Committed, StoreError> {
    let lines = Lines::of(std::slice::from_ref(commit))?;
    let result = match patience {
        Patience::None => commit_lines(connection, &lines).await,
        Patience::Ms(ms) => wait_and_commit(connection, commit, &lines, ms).await,
    };
    match result {
        Ok(answers) => Ok(answers.first().copied().unwrap_or(Committed::Gone)),
        Err(Refused::Taken) => Ok(Committed::Stale),
        Err(Refused::Late) => Ok(Committed::Locked),
        Err(Refused::Failed(error)) => Err(error),
    }
}

async fn wait_and_commit(
    connection: &mut PgConnection,
    commit: &Commit,
    lines: &Lines,
    ms: u32,
) -> Result<Vec<Committed>, Refused> {
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, commit.project, ms).await?;
    let answers = commit_lines(&mut transaction, lines).await?;
    transaction.commit().await?;
    Ok(answers)
}

/// The lock in a statement of its own: those after it see all that was committed before the lock was had.
async fn lock(connection: &mut PgConnection, project: ProjectId, ms: u32) -> Result<(), Refused> {
    // 0 would wait for ever.
    sqlx::query("SELECT set_config('lock_timeout', $1, true)")
        .bind(ms.max(1).to_string())
        .execute(&mut *connection)
        .await?;
    sqlx::query("SELECT 1 FROM projects WHERE id = $1 FOR UPDATE").bind(project.0).execute(connection).await?;
    Ok(())
}

/// Holds a project until its commit has come. A server that loses sight of us lets go by itself, a little later.
pub(super) async fn hold(link: Link, holds: Arc<Semaphore>, project: ProjectId, patience: Patience, mut door: Door) {
    let ended = match timeout(Duration::from_millis(patience.ms().max(1).into()), holds.acquire()).await {
        Ok(Ok(_one_of_few)) => hold_by(&link, project, patience, &mut door).await,
        Ok(Err(_)) | Err(_) => Err(Refused::Late),
    };
    door.close(ended);
}

async fn hold_by(link: &Link, project: ProjectId, patience: Patience, door: &mut Door) -> Result<Committed, Refused> {
    let mut connection = link.connection().await?;
    let silent = |_| Err(StoreError::Unavailable("the database did not answer in time".into()).into());
    let ended = timeout(ANSWER_WITHIN_SOON, hold_on(&mut connection, project, patience, door)).await;
    let ended = ended.unwrap_or_else(silent);
    if matches!(ended, Err(Refused::Failed(StoreError::Unavailable(_)))) {
        link.close(&mut connection);
    }
    ended
}

async fn hold_on(
    connection: &mut PgConnection,
    project: ProjectId,
    patience: Patience,
    door: &mut Door,
) -> Result<Committed, Refused> {
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT set_config('idle_in_transaction_session_timeout', $1, true)")
        .bind((2 * HOLD_MAX.as_millis()).to_string())
        .execute(&mut *transaction)
        .await?;
    lock(&mut transaction, project, patience.ms()).await?;
    let Some(commit) = door.held().await else {
        transaction.rollback().await?;
        return Ok(Committed::Locked);
    };
    let answers = commit_lines(&mut transaction, &Lines::of(&[commit])?).await?;
    transaction.commit().await?;
    Ok(answers.first().copied().unwrap_or(Committed::Gone))
}

/// Commits a new project's first event in the transaction that creates it.
pub(super) async fn commit_first(connection: &mut PgConnection, commit: Commit) -> Result<(), StoreError> {
    let lines = Lines::of(&[commit])?;
    match commit_lines(connection, &lines).await.map_err(Refused::into_error)?.first() {
        Some(Committed::Done { .. }) => Ok(()),
        _ => Err(StoreError::Broken("a new project refused its first event".into())),
    }
}

async fn commit_lines(connection: &mut PgConnection, lines: &Lines) -> Result<Vec<Committed>, Refused> {
    let answers = bind(lines).fetch_all(connection).await?;
    Ok(answers.into_iter().map(Into::into).collect())
}

#[derive(FromRow)]
struct AnswerRow {
    first: Option<i64>,
    held: bool,
    gone: bool,
}

impl From<AnswerRow> for Committed {
    fn from(row: AnswerRow) -> Self {
        match row {
            AnswerRow { first: Some(first), .. } => Self::Done { first: Seq(first.cast_unsigned()) },
            AnswerRow { gone: true, .. } => Self::Gone,
            AnswerRow { held: false, .. } => Self::Locked,
            AnswerRow { .. } => Self::Stale,
        }
    }
}

/// The statement with the lines turned into columns.
fn bind(lines: &Lines) -> QueryAs<'_, Postgres, AnswerRow, PgArguments> {
    let query = bind_projects(sqlx::query_as(COMMIT), &lines.projects);
    let query = bind_blocks(query, &lines.blocks);
    let query = bind_events(query, &lines.events);
    bind_versions(query, &lines.versions)
}

type Bound<'q> = QueryAs<'q, Postgres, AnswerRow, PgArguments>;

fn bind_projects<'q>(query: Bound<'q>, lines: &'q [ProjectLine]) -> Bound<'q> {
    query
        .bind(column(lines, |line| line.n))
        .bind(column(lines, |line| line.project))
        .bind(column(lines, |line| line.log))
        .bind(column(lines, |line| line.timeline))
        .bind(column(lines, |line| line.tree_found))
        .bind(column(lines, |line| line.seq))
        .bind(column(lines, |line| line.tree_left))
        .bind(column(lines, |line| line.at))
}

fn bind_blocks<'q>(query: Bound<'q>, lines: &'q [BlockLine]) -> Bound<'q> {
    query
        .bind(column(lines, |line| line.n))
        .bind(column(lines, |line| line.id))
        .bind(column(lines, |line| line.found))
        .bind(column(lines, |line| line.version))
        .bind(column(lines, |line| line.deleted))
        .bind(column(lines, |line| line.parent))
        .bind(column(lines, |line| line.position.as_str()))
        .bind(column(lines, |line| line.kind.as_str()))
        .bind(column(lines, |line| line.content.as_str()))
}

fn bind_events<'q>(query: Bound<'q>, lines: &'q [EventLine]) -> Bound<'q> {
    query
        .bind(column(lines, |line| line.n))
        .bind(column(lines, |line| line.seq))
        .bind(column(lines, |line| line.edit))
        .bind(column(lines, |line| line.group))
        .bind(column(lines, |line| line.user.as_str()))
        .bind(column(lines, |line| line.at))
        .bind(column(lines, |line| line.answer.as_str()))
        .bind(column(lines, |line| line.body.as_str()))
}

fn bind_versions<'q>(query: Bound<'q>, lines: &'q [VersionLine]) -> Bound<'q> {
    query
        .bind(column(lines, |line| line.n))
        .bind(column(lines, |line| line.block))
        .bind(column(lines, |line| line.version))
        .bind(column(lines, |line| line.seq))
        .bind(column(lines, |line| line.reach))
}

fn column<'q, L, T>(lines: &'q [L], of: impl Fn(&'q L) -> T) -> Vec<T> {
    lines.iter().map(of).collect()
}

/// Lines name their commit by `n`, which counts from 0 in the order of the projects, and count seqs from the head, which
/// is known when the project is held. `heads` says it for each `n`; -1: not this one. So a line finds its project by
/// position: a join would be planned for the few lines that an array is taken for, and cost their product.
/// `held` and `stale` lock, and so read anew; `taken` and what is added rest on unique indexes. `OFFSET 0` and `LATERAL`
/// make each line a lookup of its own: where most projects are small, the planner would take it for cheap to read a
/// whole project.
const COMMIT: &str = "
WITH
moment AS MATERIALIZED (
    SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline
),
held AS MATERIALIZED (
    SELECT id, log, seq, tree_seq, deleted_at IS NOT NULL AS gone
    FROM projects WHERE id = ANY ($2) ORDER BY id FOR UPDATE SKIP LOCKED
),
project AS MATERIALIZED (
    SELECT line.*, held.seq AS head, held.gone,
           NOT held.gone AND held.log = line.log AND moment.timeline = line.timeline
           AND (line.tree_found IS NULL OR line.tree_found = held.tree_seq) AS current
    FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
                $8::bigint[])
        AS line (n, id, log, timeline, tree_found, seq, tree_left, at)
    LEFT JOIN held USING (id) CROSS JOIN moment
),
taken AS MATERIALIZED (
    SELECT line.n
    FROM unnest($18::int[], $20::uuid[]) AS line (n, edit_id)
    WHERE EXISTS (
        SELECT FROM events e WHERE e.project_id = ($2::uuid[])[line.n + 1] AND e.edit_id = line.edit_id OFFSET 0
    )
),
current AS MATERIALIZED (
    SELECT array_agg(CASE WHEN current AND n <> ALL (ARRAY(SELECT n FROM taken)) THEN head ELSE -1 END ORDER BY n)
        AS heads
    FROM project
),
stale AS MATERIALIZED (
    SELECT line.n
    FROM unnest($9::int[], $10::uuid[], $11::bigint[]) AS line (n, id, found)
    LEFT JOIN LATERAL (
        SELECT version FROM blocks
        WHERE blocks.project_id = ($2::uuid[])[line.n + 1] AND blocks.id = line.id FOR UPDATE
    ) was ON true
    WHERE (SELECT heads FROM current)[line.n + 1] >= 0 AND coalesce(was.version, 0) <> line.found
),
fresh AS MATERIALIZED (
    SELECT array_agg(CASE WHEN n <> ALL (ARRAY(SELECT n FROM stale)) THEN (SELECT heads FROM current)[n + 1] ELSE -1 END
                     ORDER BY n) AS heads
    FROM project
),
numbered AS (
    UPDATE projects
    SET seq = line.head + line.seq, tree_seq = coalesce(line.head + line.tree_left, projects.tree_seq),
        updated_at = greatest(projects.updated_at, line.at)
    FROM project line
    WHERE projects.id = line.id AND (SELECT heads FROM fresh)[line.n + 1] >= 0
),
changed AS (
    UPDATE blocks
    SET version = line.version, deleted = line.deleted, parent = line.parent, position = line.position,
        kind = line.kind, content = line.content
    FROM unnest($9::int[], $10::uuid[], $11::bigint[], $12::bigint[], $13::boolean[], $14::uuid[], $15::text[],
                $16::text[], $17::text[])
        AS line (n, id, found, version, deleted, parent, position, kind, content)
    WHERE line.found > 0 AND (SELECT heads FROM fresh)[line.n + 1] >= 0
      AND blocks.project_id = ($2::uuid[])[line.n + 1] AND blocks.id = line.id
),
added AS (
    INSERT INTO blocks (project_id, id, version, deleted, parent, position, kind, content)
    SELECT ($2::uuid[])[n + 1], id, version, deleted, parent, position, kind, content
    FROM unnest($9::int[], $10::uuid[], $11::bigint[], $12::bigint[], $13::boolean[], $14::uuid[], $15::text[],
                $16::text[], $17::text[])
        AS line (n, id, found, version, deleted, parent, position, kind, content)
    WHERE 0 = ANY ($11) AND found = 0 AND (SELECT heads FROM fresh)[n + 1] >= 0
),
logged AS (
    INSERT INTO events (project_id, seq, edit_id, group_id, user_id, at, answer, body)
    SELECT ($2::uuid[])[n + 1], (SELECT heads FROM fresh)[n + 1] + seq, edit_id, group_id, user_id, at, answer, body
    FROM unnest($18::int[], $19::bigint[], $20::uuid[], $21::uuid[], $22::text[], $23::bigint[], $24::text[],
                $25::text[])
        AS line (n, seq, edit_id, group_id, user_id, at, answer, body)
    WHERE (SELECT heads FROM fresh)[n + 1] >= 0
),
versioned AS (
    INSERT INTO block_versions (project_id, block_id, version, seq, reach)
    SELECT ($2::uuid[])[n + 1], block_id, version, (SELECT heads FROM fresh)[n + 1] + seq, reach
    FROM unnest($26::int[], $27::uuid[], $28::bigint[], $29::bigint[], $30::bigint[])
        AS line (n, block_id, version, seq, reach)
    WHERE (SELECT heads FROM fresh)[n + 1] >= 0
)
SELECT nullif((SELECT heads FROM fresh)[n + 1], -1) + 1 AS first, gone IS NOT NULL AS held,
       CASE WHEN gone IS NULL
            THEN NOT EXISTS (SELECT FROM projects p WHERE p.id = project.id AND p.deleted_at IS NULL)
            ELSE gone END AS gone
FROM project
ORDER BY n";
