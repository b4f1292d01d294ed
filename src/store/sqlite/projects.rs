//! Projects, members and themes: all but blocks and the log.
//!
//! Promises: whatever changes title, access, theme, membership or existence raises `revision` in the same transaction.
//! Must never: change `seq`; that is `commit`'s.

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

use super::commit::commit_first;
use super::{BEGIN, BUSY_TIMEOUT_MS, writer};
use crate::domain::access::Role;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::sequence::{Epoch, Timestamp};
use crate::store::batch::first_commit;
use crate::store::record::{self, MemberRow, ProjectRow, write_json};
use crate::store::{ListQuery, Membership, NewProject, ProjectChange, SharedProjects, StoreError};

pub(super) async fn create(pool: SqlitePool, project: NewProject) -> Result<bool, StoreError> {
    let mut connection = writer(&pool, BUSY_TIMEOUT_MS).await?;
    let mut transaction = connection.begin_with(BEGIN).await?;
    if !insert(&mut transaction, &project).await? {
        return Ok(false);
    }
    if let Some(commit) = first_commit(&project, Epoch { log: project.log, timeline: 0 }) {
        commit_first(&mut transaction, commit).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

async fn insert(connection: &mut SqliteConnection, project: &NewProject) -> Result<bool, StoreError> {
    let insert = sqlx::query(INSERT)
        .bind(project.id.0)
        .bind(&project.title)
        .bind(record::access(project.access))
        .bind(project.log.cast_signed())
        .bind(project.at.0);
    if insert.execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let owner = sqlx::query(PUT_MEMBER).bind(project.id.0).bind(project.owner.as_str()).bind(record::role(Role::Owner));
    owner.execute(connection).await?;
    Ok(true)
}

pub(super) async fn one(pool: &SqlitePool, id: ProjectId, user: &UserId) -> Result<Option<Membership>, StoreError> {
    let row: Option<ProjectRow> = sqlx::query_as(ONE).bind(id.0).bind(user.as_str()).fetch_optional(pool).await?;
    row.as_ref().map(ProjectRow::membership).transpose()
}

pub(super) async fn list(pool: &SqlitePool, query: &ListQuery) -> Result<Vec<Membership>, StoreError> {
    let after = query.after.map_or((i64::MAX, uuid::Uuid::max()), |(updated, id)| (updated.0, id.0));
    let rows: Vec<ProjectRow> = sqlx::query_as(LIST)
        .bind(query.user.as_str())
        .bind(write_json(&query.also)?)
        .bind(query.shared == SharedProjects::Listed)
        .bind(after.0)
        .bind(after.1)
        .bind(query.limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(ProjectRow::membership).collect()
}

pub(super) async fn change(
    pool: SqlitePool,
    id: ProjectId,
    change: ProjectChange,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (theme_given, theme) = (change.theme.is_some(), change.theme.flatten());
    let query = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(change.title)
        .bind(change.access.map(record::access))
        .bind(theme_given)
        .bind(theme)
        .bind(at.0);
    Ok(query.execute(&mut *writer(&pool, BUSY_TIMEOUT_MS).await?).await?.rows_affected() > 0)
}

pub(super) async fn set_deleted(
    pool: SqlitePool,
    id: ProjectId,
    deleted: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let query = sqlx::query(SET_DELETED).bind(id.0).bind(deleted.map(|at| at.0));
    Ok(query.execute(&mut *writer(&pool, BUSY_TIMEOUT_MS).await?).await?.rows_affected() > 0)
}

pub(super) async fn bump_epoch(pool: SqlitePool, id: ProjectId, log: u64) -> Result<bool, StoreError> {
    let query =
        sqlx::query("UPDATE projects SET log = ?2 WHERE id = ?1 AND gone = 0").bind(id.0).bind(log.cast_signed());
    Ok(query.execute(&mut *writer(&pool, BUSY_TIMEOUT_MS).await?).await?.rows_affected() > 0)
}

pub(super) async fn bump_all_epochs(pool: SqlitePool, log: u64) -> Result<u64, StoreError> {
    let query = sqlx::query("UPDATE projects SET log = ?1 WHERE NOT gone").bind(log.cast_signed());
    Ok(query.execute(&mut *writer(&pool, BUSY_TIMEOUT_MS).await?).await?.rows_affected())
}

pub(super) async fn members(pool: &SqlitePool, id: ProjectId) -> Result<Vec<(UserId, Role)>, StoreError> {
    let rows: Vec<MemberRow> = sqlx::query_as(MEMBERS).bind(id.0).fetch_all(pool).await?;
    rows.into_iter().map(MemberRow::member).collect()
}

pub(super) async fn set_member(
    pool: SqlitePool,
    id: ProjectId,
    user: UserId,
    role: Option<Role>,
) -> Result<bool, StoreError> {
    let mut connection = writer(&pool, BUSY_TIMEOUT_MS).await?;
    let mut transaction = connection.begin_with(BEGIN).await?;
    let write = match role {
        Some(role) => sqlx::query(PUT_MEMBER).bind(id.0).bind(user.as_str()).bind(record::role(role)),
        None => sqlx::query(DROP_MEMBER).bind(id.0).bind(user.as_str()),
    };
    if write.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(REVISE).bind(id.0).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn theme(pool: &SqlitePool, id: &str) -> Result<Option<(UserId, String)>, StoreError> {
    let row: Option<(String, String)> = sqlx::query_as(THEME).bind(id).fetch_optional(pool).await?;
    Ok(row.map(|(owner, body)| (UserId(owner.into()), body)))
}

pub(super) async fn put_theme(
    pool: SqlitePool,
    id: String,
    owner: UserId,
    json: String,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let query = sqlx::query(PUT_THEME).bind(id).bind(owner.as_str()).bind(json).bind(at.0);
    Ok(query.execute(&mut *writer(&pool, BUSY_TIMEOUT_MS).await?).await?.rows_affected() > 0)
}

const INSERT: &str = "
    INSERT INTO projects (id, title, access, log, created_at, updated_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5)
    ON CONFLICT DO NOTHING";

const ONE: &str = "
    SELECT p.id, p.title, p.access, p.theme, p.log, 0 AS timeline, p.seq, p.revision, p.created_at, p.updated_at, p.deleted_at,
           m.role
    FROM projects p LEFT JOIN members m ON m.project_id = p.id AND m.user_id = ?2
    WHERE p.id = ?1 AND p.gone = 0";

const LIST: &str = "
    WITH named (id) AS (
        SELECT project_id FROM members WHERE user_id = ?1
        UNION SELECT unhex(value, '-') FROM json_each(?2)
        UNION SELECT id FROM projects WHERE ?3 AND access <> 'none' AND deleted_at IS NULL
    )
    SELECT p.id, p.title, p.access, p.theme, p.log, 0 AS timeline, p.seq, p.revision, p.created_at, p.updated_at, p.deleted_at,
           m.role
    FROM named
    CROSS JOIN projects p ON p.id = named.id
    LEFT JOIN members m ON m.project_id = p.id AND m.user_id = ?1
    WHERE p.deleted_at IS NULL AND (p.updated_at, p.id) < (?4, ?5)
    ORDER BY p.updated_at DESC, p.id DESC
    LIMIT ?6";

const CHANGE: &str = "
    UPDATE projects
    SET title = coalesce(?2, title), access = coalesce(?3, access), theme = iif(?4, ?5, theme),
        revision = revision + 1, updated_at = max(updated_at, ?6)
    WHERE id = ?1 AND deleted_at IS NULL";

const SET_DELETED: &str = "
    UPDATE projects SET deleted_at = ?2, revision = revision + 1
    WHERE id = ?1 AND gone = 0 AND (deleted_at IS NULL) <> (?2 IS NULL)";

const REVISE: &str = "UPDATE projects SET revision = revision + 1 WHERE id = ?1";

const MEMBERS: &str = "SELECT user_id, role FROM members WHERE project_id = ?1 ORDER BY user_id";

const PUT_MEMBER: &str = "
    INSERT INTO members (project_id, user_id, role)
    SELECT id, ?2, ?3 FROM projects WHERE id = ?1 AND deleted_at IS NULL
    ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role WHERE role <> excluded.role";

const DROP_MEMBER: &str = "DELETE FROM members WHERE project_id = ?1 AND user_id = ?2";

const THEME: &str = "SELECT owner, body FROM themes WHERE id = ?1";

const PUT_THEME: &str = "
    INSERT INTO themes (id, owner, body, updated_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at
    WHERE owner = excluded.owner";
