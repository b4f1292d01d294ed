//! Projects, members and themes: all but blocks and the log.
//!
//! Promises: whatever changes title, access, theme, membership or existence raises `revision` in the same statement.
//! Must never: change `seq`; that is `commit`'s.

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::commit::commit_first;
use super::link::{ANSWER_WITHIN_LONG, Link, answered, timeline};
use crate::domain::access::Role;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::sequence::{Epoch, Timestamp};
use crate::store::batch::first_commit;
use crate::store::record::{self, MemberRow, ProjectRow};
use crate::store::{ListQuery, Membership, NewProject, ProjectChange, SharedProjects, StoreError};

pub(super) async fn create(link: Link, project: NewProject) -> Result<bool, StoreError> {
    let mut connection = link.connection().await?;
    let result = answered(ANSWER_WITHIN_LONG, create_on(&mut connection, &project)).await;
    link.settle(connection, result)
}

async fn create_on(connection: &mut PgConnection, project: &NewProject) -> Result<bool, StoreError> {
    let mut transaction = connection.begin().await?;
    let insert = sqlx::query(INSERT)
        .bind(project.id.0)
        .bind(&project.title)
        .bind(record::access(project.access))
        .bind(project.log.cast_signed())
        .bind(project.at.0)
        .bind(project.owner.as_str());
    if insert.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let timeline = timeline(&mut transaction).await?.cast_unsigned();
    if let Some(commit) = first_commit(project, Epoch { log: project.log, timeline }) {
        commit_first(&mut transaction, commit).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

pub(super) async fn one(link: &Link, id: ProjectId, user: &UserId) -> Result<Option<Membership>, StoreError> {
    let row: Option<ProjectRow> = link.row(sqlx::query_as(ONE).bind(id.0).bind(user.as_str())).await?;
    row.as_ref().map(ProjectRow::membership).transpose()
}

pub(super) async fn list(link: &Link, query: &ListQuery) -> Result<Vec<Membership>, StoreError> {
    let after = query.after.map_or((i64::MAX, Uuid::max()), |(updated, id)| (updated.0, id.0));
    let also: Vec<Uuid> = query.also.iter().map(|id| id.0).collect();
    let statement = match query.shared {
        SharedProjects::Listed => LIST_SHARED,
        SharedProjects::Unlisted => LIST,
    };
    let statement = sqlx::query_as(statement)
        .bind(query.user.as_str())
        .bind(also)
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(query.limit));
    link.rows(statement).await?.iter().map(ProjectRow::membership).collect()
}

pub(super) async fn change(
    link: &Link,
    id: ProjectId,
    change: &ProjectChange,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let statement = sqlx::query(CHANGE)
        .bind(id.0)
        .bind(&change.title)
        .bind(change.access.map(record::access))
        .bind(change.theme.is_some())
        .bind(change.theme.as_ref().and_then(Option::as_ref))
        .bind(at.0);
    Ok(link.execute(statement).await? > 0)
}

pub(super) async fn set_deleted(link: &Link, id: ProjectId, deleted: Option<Timestamp>) -> Result<bool, StoreError> {
    let statement = sqlx::query(SET_DELETED).bind(id.0).bind(deleted.map(|at| at.0));
    Ok(link.execute(statement).await? > 0)
}

pub(super) async fn bump_epoch(link: &Link, id: ProjectId, log: u64) -> Result<bool, StoreError> {
    let statement = sqlx::query("UPDATE projects SET log = $2 WHERE id = $1 AND NOT gone");
    Ok(link.execute(statement.bind(id.0).bind(log.cast_signed())).await? > 0)
}

pub(super) async fn bump_all_epochs(link: &Link, log: u64) -> Result<u64, StoreError> {
    link.execute(sqlx::query(BUMP_ALL).bind(log.cast_signed())).await
}

pub(super) async fn members(link: &Link, id: ProjectId) -> Result<Vec<(UserId, Role)>, StoreError> {
    let rows: Vec<MemberRow> = link.rows(sqlx::query_as(MEMBERS).bind(id.0)).await?;
    rows.into_iter().map(MemberRow::member).collect()
}

pub(super) async fn set_member(
    link: &Link,
    id: ProjectId,
    user: &UserId,
    role: Option<Role>,
) -> Result<bool, StoreError> {
    let statement = match role {
        Some(role) => sqlx::query(PUT_MEMBER).bind(id.0).bind(user.as_str()).bind(record::role(role)),
        None => sqlx::query(DROP_MEMBER).bind(id.0).bind(user.as_str()),
    };
    Ok(link.execute(statement).await? > 0)
}

pub(super) async fn theme(link: &Link, id: &str) -> Result<Option<(UserId, String)>, StoreError> {
    let query = sqlx::query_as("SELECT owner, body FROM themes WHERE id = $1").bind(id);
    let row: Option<(String, String)> = link.row(query).await?;
    Ok(row.map(|(owner, body)| (UserId(owner.into()), body)))
}

pub(super) async fn put_theme(
    link: &Link,
    id: &str,
    owner: &UserId,
    json: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let statement = sqlx::query(PUT_THEME).bind(id).bind(owner.as_str()).bind(json).bind(at.0);
    Ok(link.execute(statement).await? > 0)
}

const INSERT: &str = "
    WITH project AS (
        INSERT INTO projects (id, title, access, log, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT DO NOTHING
        RETURNING id
    )
    INSERT INTO members (project_id, user_id, role) SELECT id, $6, 'owner' FROM project";

const ONE: &str = "
    SELECT p.id, p.title, p.access, p.theme, p.log, p.seq, p.revision, p.created_at, p.updated_at, p.deleted_at, m.role,
           ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline
    FROM projects p LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $2
    WHERE p.id = $1 AND NOT p.gone";

/// A list of what a user is a member of, what the token names, and this.
macro_rules! list {
    ($and:literal) => {
        concat!(
            "WITH named (id) AS (
                SELECT project_id FROM members WHERE user_id = $1
                UNION SELECT unnest($2::uuid[])",
            $and,
            ")
            SELECT p.id, p.title, p.access, p.theme, p.log, p.seq, p.revision, p.created_at, p.updated_at, p.deleted_at, m.role,
                   (SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int) AS timeline
            FROM named
            JOIN projects p ON p.id = named.id
            LEFT JOIN members m ON m.project_id = p.id AND m.user_id = $1
            WHERE p.deleted_at IS NULL AND (p.updated_at, p.id) < ($3, $4)
            ORDER BY p.updated_at DESC, p.id DESC
            LIMIT $5"
        )
    };
}

// Two statements, as one plan for both would read all projects for either.
const LIST: &str = list!("");
const LIST_SHARED: &str = list!(" UNION SELECT id FROM projects WHERE access <> 'none' AND deleted_at IS NULL");

const CHANGE: &str = "
    UPDATE projects
    SET title = coalesce($2, title), access = coalesce($3, access), theme = CASE WHEN $4 THEN $5 ELSE theme END,
        revision = revision + 1, updated_at = greatest(updated_at, $6)
    WHERE id = $1 AND deleted_at IS NULL";

const SET_DELETED: &str = "
    UPDATE projects SET deleted_at = $2, revision = revision + 1
    WHERE id = $1 AND NOT gone AND (deleted_at IS NULL) <> ($2 IS NULL)";

// In the order in which commits lock them.
const BUMP_ALL: &str = "
    WITH project AS (SELECT id FROM projects WHERE NOT gone ORDER BY id FOR UPDATE)
    UPDATE projects SET log = $1 FROM project WHERE projects.id = project.id";

const MEMBERS: &str = r#"SELECT user_id, role FROM members WHERE project_id = $1 ORDER BY user_id COLLATE "C""#;

const PUT_MEMBER: &str = "
    WITH put AS (
        INSERT INTO members (project_id, user_id, role)
        SELECT id, $2, $3 FROM projects WHERE id = $1 AND deleted_at IS NULL
        ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role WHERE members.role <> excluded.role
        RETURNING project_id
    )
    UPDATE projects SET revision = revision + 1 FROM put WHERE projects.id = put.project_id";

const DROP_MEMBER: &str = "
    WITH dropped AS (
        DELETE FROM members WHERE project_id = $1 AND user_id = $2 RETURNING project_id
    )
    UPDATE projects SET revision = revision + 1 FROM dropped WHERE projects.id = dropped.project_id";

const PUT_THEME: &str = "
    INSERT INTO themes (id, owner, body, updated_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at
    WHERE themes.owner = excluded.owner";
