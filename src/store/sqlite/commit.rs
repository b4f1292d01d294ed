//! Commits a batch in one transaction: look, judge, write.
//!
//! Promises: while it looks and judges it holds the file's lock, so nothing that it saw can change; one fsync for all.
//! Must never: write a line of a project that it did not judge to be fresh.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection, FromRow};
use tokio::time::timeout;
use uuid::Uuid;

use super::{BEGIN, wait_for_others, writer};
use crate::domain::sequence::Seq;
use crate::store::batch::Lines;
use crate::store::failure::Refused;
use crate::store::hold::Door;
use crate::store::record::{self, write_json};
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
        let projects = lines_of(batch, |commit| [commit.project.0])?;
        let blocks = pairs_of(batch, |commit| commit.blocks.iter().map(|write| write.id.0))?;
        let edits = pairs_of(batch, |commit| commit.events.iter().map(|event| event.edit.0))?;
        let heads: Vec<HeadRow> = sqlx::query_as(HEADS).bind(projects).fetch_all(&mut *connection).await?;
        let versions: Vec<(Uuid, Uuid, i64)> =
            sqlx::query_as(VERSIONS).bind(blocks).fetch_all(&mut *connection).await?;
        let taken: Vec<Uuid> = sqlx::query_scalar(TAKEN).bind(edits).fetch_all(&mut *connection).await?;
        Ok(Self {
            heads: heads.into_iter().map(|head| (head.id, head)).collect(),
            versions: versions.into_iter().map(|(project, block, version)| ((project, block), version)).collect(),
            taken: taken.into_iter().collect(),
        })
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

fn lines_of<T: Serialize, I: IntoIterator<Item = T>>(
    batch: &[Commit],
    of: impl Fn(&Commit) -> I,
) -> Result<String, StoreError> {
    write_json(&batch.iter().flat_map(of).collect::<Vec<T>>())
}

fn pairs_of<'a, I: IntoIterator<Item = Uuid>>(
    batch: &'a [Commit],
    of: impl Fn(&'a Commit) -> I,
) -> Result<String, StoreError> {
    let pairs = batch.iter().flat_map(|commit| of(commit).into_iter().map(move |id| (commit.project.0, id)));
    write_json(&pairs.collect::<Vec<_>>())
}

async fn write(connection: &mut SqliteConnection, lines: &Lines) -> Result<(), Refused> {
    for (statement, lines) in [
        (WRITE_PROJECTS, write_json(&lines.projects)?),
        (WRITE_BLOCKS, write_json(&lines.blocks)?),
        (WRITE_EVENTS, write_json(&lines.events)?),
        (WRITE_VERSIONS, write_json(&lines.versions)?),
    ] {
        sqlx::query(statement).bind(lines).execute(&mut *connection).await?;
    }
    Ok(())
}

// CROSS JOIN fixes the order: the lines outside, the table's index inside.

const HEADS: &str = "
    SELECT p.id, p.log, p.seq, p.tree_seq, p.deleted_at
    FROM jsonb_each(?1) line CROSS JOIN projects p ON p.id = unhex(line.value, '-')";

const VERSIONS: &str = "
    SELECT b.project_id, b.id, b.version
    FROM jsonb_each(?1) line
    CROSS JOIN blocks b ON b.project_id = unhex(line.value->>0, '-') AND b.id = unhex(line.value->>1, '-')";

const TAKEN: &str = "
    SELECT DISTINCT e.project_id
    FROM jsonb_each(?1) line
    CROSS JOIN events e ON e.project_id = unhex(line.value->>0, '-') AND e.edit_id = unhex(line.value->>1, '-')";

const WRITE_PROJECTS: &str = "
    INSERT INTO projects (id, title, access, log, created_at, seq, tree_seq, updated_at)
    SELECT p.id, p.title, p.access, p.log, p.created_at, line.value->>'seq',
           coalesce(line.value->>'tree_left', p.tree_seq), max(p.updated_at, line.value->>'at')
    FROM jsonb_each(?1) line CROSS JOIN projects p ON p.id = unhex(line.value->>'project', '-')
    WHERE true
    ON CONFLICT (id) DO UPDATE
    SET seq = excluded.seq, tree_seq = excluded.tree_seq, updated_at = excluded.updated_at";

const WRITE_BLOCKS: &str = "
    INSERT INTO blocks (project_id, id, version, deleted, parent, position, kind, content)
    SELECT unhex(value->>'project', '-'), unhex(value->>'id', '-'), value->>'version', value->>'deleted',
           unhex(value->>'parent', '-'), value->>'position', value->>'kind', value->>'content'
    FROM jsonb_each(?1)
    WHERE true
    ON CONFLICT (project_id, id) DO UPDATE
    SET version = excluded.version, deleted = excluded.deleted, parent = excluded.parent,
        position = excluded.position, kind = excluded.kind, content = excluded.content";

const WRITE_EVENTS: &str = "
    INSERT INTO events (project_id, seq, edit_id, group_id, user_id, at, answer, body)
    SELECT unhex(value->>'project', '-'), value->>'seq', unhex(value->>'edit', '-'), unhex(value->>'group', '-'),
           value->>'user', value->>'at', value->>'answer', value->>'body'
    FROM jsonb_each(?1)";

const WRITE_VERSIONS: &str = "
    INSERT INTO block_versions (project_id, block_id, version, seq, reach)
    SELECT unhex(value->>'project', '-'), unhex(value->>'block', '-'), value->>'version', value->>'seq',
           value->>'reach'
    FROM jsonb_each(?1)";
