//! Commits a batch in one transaction: look, judge, write.
//!
//! Promises: while it looks and judges it holds the file's lock, so nothing that it saw can change; one fsync for all.
//! Must never: write a line of a project that it did not judge to be fresh.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, Connection, FromRow, Sqlite};
use tokio::time::timeout;
use uuid::Uuid;

use super::{BEGIN, wait_for_others, writer};
use crate::domain::sequence::Seq;
use crate::store::batch::{BlockLine, EventLine, Lines, ProjectLine, VersionLine};
use crate::store::failure::Refused;
use crate::store::hold::Door;
use crate::store::record;
use crate::store::{Commit, Committed, Patience, StoreError};

/// Commits the batch; if one project's lines clash with themselves, project by project.
pub(super) async fn commit(
    pool: SqlitePool,
    batch: Vec<Commit>,
    patience: Patience,
) -> Result<Vec<Committed>, StoreError> {
    match together(&pool, &batch, patience).await {
        Err(Refused::Taken) => {}
        answered => return answered.map_err(Refused::into_error),
    }
    let mut answers = Vec::with_capacity(batch.len());
    for commit in &batch {
        match together(&pool, std::slice::from_ref(commit), patience).await {
            Ok(answer) => answers.extend(answer),
            Err(Refused::Taken) => answers.push(Committed::Stale),
            Err(refused) => return Err(refused.into_error()),
        }
    }
    Ok(answers)
}

async fn together(pool: &SqlitePool, batch: &[Commit], patience: Patience) -> Result<Vec<Committed>, Refused> {
    let mut connection = writer(pool, patience.ms()).await?;
    let mut transaction = match connection.begin_with(BEGIN).await {
        Ok(transaction) => transaction,
        Err(error) => return locked(error.into(), batch.len()),
    };
    let answers = commit_in(&mut transaction, batch).await?;
    transaction.commit().await?;
    Ok(answers)
}

/// Holds the file, and with it the project, until its commit has come.
pub(super) async fn hold(pool: SqlitePool, patience: Patience, mut door: Door) {
    let ended = hold_in(&pool, patience, &mut door).await;
    door.close(ended);
}

async fn hold_in(pool: &SqlitePool, patience: Patience, door: &mut Door) -> Result<Committed, Refused> {
    // The one writer may be with another hold.
    let free = timeout(Duration::from_millis(patience.ms().max(1).into()), pool.acquire()).await;
    let mut connection = free.map_err(|_| Refused::Late)??;
    wait_for_others(&mut connection, patience.ms()).await?;
    let mut transaction = connection.begin_with(BEGIN).await?;
    let Some(commit) = door.held().await else {
        transaction.rollback().await?;
        return Ok(Committed::Locked);
    };
    let answers = commit_in(&mut transaction, &[commit]).await?;
    transaction.commit().await?;
    Ok(answers.first().copied().unwrap_or(Committed::Gone))
}

/// Commits the batch in a transaction that is already under way.
async fn commit_in(connection: &mut SqliteConnection, batch: &[Commit]) -> Result<Vec<Committed>, Refused> {
    let seen = Seen::look(connection, batch).await?;
    let answers: Vec<Committed> = batch.iter().map(|commit| seen.judge(commit)).collect();
    let mut lines = Lines::default();
    for (n, (commit, answer)) in batch.iter().zip(&answers).enumerate() {
        if let Committed::Done { first } = answer {
            lines.add(n, commit, Seq(first.0 - 1))?;
        }
    }
    if !lines.projects.is_empty() {
        write(connection, &lines).await?;
    }
    Ok(answers)
}

/// Commits a new project's first event in the transaction that creates it.
pub(super) async fn commit_first(connection: &mut SqliteConnection, commit: Commit) -> Result<(), StoreError> {
    match commit_in(connection, &[commit]).await.map_err(Refused::into_error)?.first() {
        Some(Committed::Done { .. }) => Ok(()),
        _ => Err(StoreError::Broken("a new project refused its first event".into())),
    }
}

/// Who did not get the file's lock in time did not get any project.
fn locked(refused: Refused, projects: usize) -> Result<Vec<Committed>, Refused> {
    match refused {
        Refused::Late => Ok(vec![Committed::Locked; projects]),
        refused => Err(refused),
    }
}

#[derive(FromRow)]
struct HeadRow {
    id: Uuid,
    log: i64,
    seq: i64,
    tree_seq: i64,
    deleted_at: Option<i64>,
}

/// All that a batch names, as it is.
struct Seen {
    heads: HashMap<Uuid, HeadRow>,
    versions: HashMap<(Uuid, Uuid), i64>,
    taken: HashSet<Uuid>,
}

impl Seen {
    async fn look(connection: &mut SqliteConnection, batch: &[Commit]) -> Result<Self, StoreError> {
        let mut seen = Self { heads: HashMap::new(), versions: HashMap::new(), taken: HashSet::new() };
        for some in chunks(&batch.iter().map(|commit| commit.project.0).collect::<Vec<_>>()) {
            let sql = with_rows(HEADS, some.len(), 1);
            let query = some.iter().fold(sqlx::query_as(AssertSqlSafe(sql)), |query, project| query.bind(*project));
            let heads: Vec<HeadRow> = query.fetch_all(&mut *connection).await?;
            seen.heads.extend(heads.into_iter().map(|head| (head.id, head)));
        }
        for some in chunks(&pairs_of(batch, |commit| commit.blocks.iter().map(|write| write.id.0))) {
            let sql = with_rows(VERSIONS, some.len(), 2);
            let query = some
                .iter()
                .fold(sqlx::query_as(AssertSqlSafe(sql)), |query, (project, block)| query.bind(*project).bind(*block));
            let versions: Vec<(Uuid, Uuid, i64)> = query.fetch_all(&mut *connection).await?;
            let found = versions.into_iter().map(|(project, block, version)| ((project, block), version));
            seen.versions.extend(found);
        }
        for some in chunks(&pairs_of(batch, |commit| commit.events.iter().map(|event| event.edit.0))) {
            let sql = with_rows(TAKEN, some.len(), 2);
            let query = some.iter().fold(sqlx::query_scalar(AssertSqlSafe(sql)), |query, (project, edit)| {
                query.bind(*project).bind(*edit)
            });
            let taken: Vec<Uuid> = query.fetch_all(&mut *connection).await?;
            seen.taken.extend(taken);
        }
        Ok(seen)
    }

    fn judge(&self, commit: &Commit) -> Committed {
        let Some(head) = self.heads.get(&commit.project.0).filter(|head| head.deleted_at.is_none()) else {
            return Committed::Gone;
        };
        let seq = record::seq(head.seq);
        let fresh = commit.epoch == record::epoch(head.log, 0)
            && commit.tree_seq.is_none_or(|found| found == record::seq(head.tree_seq))
            && !self.taken.contains(&commit.project.0)
            && commit.blocks.iter().all(|write| self.version(commit, write.id.0) == write.found.0.cast_signed());
        if fresh { Committed::Done { first: seq.next() } } else { Committed::Stale }
    }

    fn version(&self, commit: &Commit, block: Uuid) -> i64 {
        self.versions.get(&(commit.project.0, block)).copied().unwrap_or(0)
    }
}

/// Each of a commit's things with its project.
fn pairs_of<'a, I: IntoIterator<Item = Uuid>>(batch: &'a [Commit], of: impl Fn(&'a Commit) -> I) -> Vec<(Uuid, Uuid)> {
    batch.iter().flat_map(|commit| of(commit).into_iter().map(move |id| (commit.project.0, id))).collect()
}

/// The lines, a chunk for a statement.
fn chunks<L>(mut lines: &[L]) -> impl Iterator<Item = &[L]> {
    std::iter::from_fn(move || {
        let len = CHUNKS.into_iter().find(|len| *len <= lines.len())?;
        let (chunk, rest) = lines.split_at(len);
        lines = rest;
        Some(chunk)
    })
}

/// The statement for so many rows of so many values.
fn with_rows(statement: &str, rows: usize, values: usize) -> String {
    let row = format!("({})", vec!["?"; values].join(","));
    statement.replace("{rows}", &vec![row; rows].join(","))
}

type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

async fn write(connection: &mut SqliteConnection, lines: &Lines) -> Result<(), Refused> {
    write_all(connection, WRITE_PROJECTS, &lines.projects, 4, bind_project).await?;
    write_all(connection, WRITE_BLOCKS, &lines.blocks, 8, bind_block).await?;
    write_all(connection, WRITE_EVENTS, &lines.events, 8, bind_event).await?;
    write_all(connection, WRITE_VERSIONS, &lines.versions, 5, bind_version).await
}

async fn write_all<L>(
    connection: &mut SqliteConnection,
    statement: &str,
    lines: &[L],
    values: usize,
    bind: impl for<'q> Fn(Bound<'q>, &'q L) -> Bound<'q>,
) -> Result<(), Refused> {
    for some in chunks(lines) {
        let query = sqlx::query(AssertSqlSafe(with_rows(statement, some.len(), values)));
        some.iter().fold(query, &bind).execute(&mut *connection).await?;
    }
    Ok(())
}

fn bind_project<'q>(query: Bound<'q>, line: &'q ProjectLine) -> Bound<'q> {
    query.bind(line.project).bind(line.seq).bind(line.tree_left).bind(line.at)
}

fn bind_block<'q>(query: Bound<'q>, line: &'q BlockLine) -> Bound<'q> {
    let query = query.bind(line.project).bind(line.id).bind(line.version).bind(line.deleted).bind(line.parent);
    query.bind(line.position.as_str()).bind(line.kind.as_str()).bind(line.content.as_str())
}

fn bind_event<'q>(query: Bound<'q>, line: &'q EventLine) -> Bound<'q> {
    let query = query.bind(line.project).bind(line.seq).bind(line.edit).bind(line.group).bind(line.user.as_str());
    query.bind(line.at).bind(line.answer.as_str()).bind(line.body.as_str())
}

fn bind_version<'q>(query: Bound<'q>, line: &'q VersionLine) -> Bound<'q> {
    query.bind(line.project).bind(line.block).bind(line.version).bind(line.seq).bind(line.reach)
}

/// Rows in one statement: few statements to prepare, and few trips to the thread that writes.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

// CROSS JOIN fixes the order: the lines outside, the table's index inside. OR FAIL saves a journal for each statement:
// when one fails, the whole transaction is taken back anyway.

const HEADS: &str = "
    WITH line (id) AS (VALUES {rows})
    SELECT p.id, p.log, p.seq, p.tree_seq, p.deleted_at FROM line CROSS JOIN projects p ON p.id = line.id";

const VERSIONS: &str = "
    WITH line (project_id, id) AS (VALUES {rows})
    SELECT b.project_id, b.id, b.version
    FROM line CROSS JOIN blocks b ON b.project_id = line.project_id AND b.id = line.id";

const TAKEN: &str = "
    WITH line (project_id, edit_id) AS (VALUES {rows})
    SELECT e.project_id
    FROM line CROSS JOIN events e ON e.project_id = line.project_id AND e.edit_id = line.edit_id";

const WRITE_PROJECTS: &str = "
    WITH line (id, seq, tree_left, at) AS (VALUES {rows})
    INSERT OR FAIL INTO projects (id, title, access, log, created_at, seq, tree_seq, updated_at)
    SELECT p.id, p.title, p.access, p.log, p.created_at, line.seq, coalesce(line.tree_left, p.tree_seq),
           max(p.updated_at, line.at)
    FROM line CROSS JOIN projects p ON p.id = line.id
    WHERE true
    ON CONFLICT (id) DO UPDATE
    SET seq = excluded.seq, tree_seq = excluded.tree_seq, updated_at = excluded.updated_at";

const WRITE_BLOCKS: &str = "
    INSERT OR FAIL INTO blocks (project_id, id, version, deleted, parent, position, kind, content)
    VALUES {rows}
    ON CONFLICT (project_id, id) DO UPDATE
    SET version = excluded.version, deleted = excluded.deleted, parent = excluded.parent,
        position = excluded.position, kind = excluded.kind, content = excluded.content";

const WRITE_EVENTS: &str = "
    INSERT OR FAIL INTO events (project_id, seq, edit_id, group_id, user_id, at, answer, body) VALUES {rows}";

const WRITE_VERSIONS: &str = "
    INSERT OR FAIL INTO block_versions (project_id, block_id, version, seq, reach) VALUES {rows}";
