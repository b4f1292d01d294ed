//! SQLite: one file on this machine, for one hub.
//!
//! Promises: those of `Store`. What is acknowledged survives a power cut (`synchronous = FULL`). One connection
//! writes, one transaction at a time; readers never wait for it. `Epoch::timeline` is always 0.
//! Must never: be served by two hubs (`lock_hub`). Other programs may open the file beside one; a file has one lock,
//! so to a commit every project is `Locked` while they write.

mod commit;
mod compact;
mod projects;
mod read;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use super::failure::uncancelled;
use super::{
    Commit, Committed, Dropped, EditRecord, Head, Hold, ListQuery, Membership, NewProject, Opened, Patience,
    ProjectChange, Retention, Span, Store, StoreError, hold,
};
use crate::domain::access::Role;
use crate::domain::block::Grave;
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId, UserId};
use crate::domain::sequence::{Timestamp, Version};

/// `jsonb_each` came with 3.51; earlier ones than this may corrupt a file in WAL mode when two connections checkpoint at once.
const VERSION_MIN: (u32, u32, u32) = (3, 51, 3);

/// How a write begins: it takes the file's one lock at once, so that what it reads stays so.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// How long a write, other than a commit, waits for another program's.
const BUSY_TIMEOUT_MS: u32 = 5_000;

const READERS: u32 = 4;

/// Of the one connection that writes; negative: in KiB. Names are random, so what is written next can be anywhere.
const WRITER_CACHE: &str = "-65536";
/// Pages of 4 KiB in the write-ahead log before they are brought to their places: a page that changes often is then
/// brought there once.
const CHECKPOINT_PAGES: &str = "8192";

/// A store in one file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

/// Held by the one hub that serves a file, until it is dropped or its process ends.
#[derive(Debug)]
pub struct HubLock {
    _held: File,
}

impl SqliteStore {
    /// Opens the file that `url` (`sqlite:path`) names, after making it, its folder and its tables if need be.
    ///
    /// # Errors
    /// `Unavailable` if the file cannot be had, `Broken` if it is not ours or SQLite is too old.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        let path = path_of(url)?;
        make_folder(&path)?;
        let writer = options(&path).pragma("cache_size", WRITER_CACHE).pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        let writer = pool(writer, 1).await?;
        assert_version(&writer).await?;
        sqlx::migrate!("./migrations/sqlite").run(&writer).await?;
        let readers = pool(options(&path).pragma("query_only", "on"), READERS).await?;
        Ok(Self { path, writer, readers })
    }

    /// Brings the tables up to date and closes the file.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn migrate(url: &str) -> Result<(), StoreError> {
        Self::connect(url).await?.close().await;
        Ok(())
    }

    /// Takes the file for this hub.
    ///
    /// # Errors
    /// `Unavailable` if another hub serves it or the lock file, which stands beside it, cannot be made.
    pub fn lock_hub(url: &str) -> Result<HubLock, StoreError> {
        let path = path_of(url)?;
        make_folder(&path)?;
        let beside = path.with_added_extension("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&beside).map_err(unavailable)?;
        match file.try_lock() {
            Ok(()) => Ok(HubLock { _held: file }),
            Err(_) => Err(StoreError::Unavailable(format!("another hub serves {}", path.display()))),
        }
    }

    /// Ends all connections, and with them the write-ahead log beside the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The path in `sqlite:path` or `sqlite:///path`.
fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let rest = url.strip_prefix("sqlite:").ok_or_else(|| StoreError::Broken("no URL of SQLite's".into()))?;
    match rest.strip_prefix("//").unwrap_or(rest) {
        "" => Err(StoreError::Broken("the URL names no file".into())),
        path => Ok(path.into()),
    }
}

fn make_folder(file: &Path) -> Result<(), StoreError> {
    file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(unavailable)
}

fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS.into()))
}

async fn pool(options: SqliteConnectOptions, connections: u32) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
}

/// The connection that writes, which will wait this long for another program's write to end.
async fn writer(pool: &SqlitePool, patience_ms: u32) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    wait_for_others(&mut connection, patience_ms).await?;
    Ok(connection)
}

async fn wait_for_others(connection: &mut SqliteConnection, patience_ms: u32) -> Result<(), sqlx::Error> {
    // A pragma takes no arguments; a number is safe in a statement.
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA busy_timeout = {patience_ms}"));
    sqlx::raw_sql(pragma).execute(connection).await.map(drop)
}

async fn assert_version(pool: &SqlitePool) -> Result<(), StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(pool).await?;
    let mut parts = version.split('.').map_while(|part| part.parse().ok());
    let mut next = || parts.next().unwrap_or(0);
    match (next(), next(), next()) >= VERSION_MIN {
        true => Ok(()),
        false => Err(StoreError::Broken(format!("SQLite {version} is too old"))),
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn describe(&self) -> String {
        format!("sqlite {}", self.path.display())
    }

    fn lanes(&self) -> usize {
        1
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(sqlx::query("SELECT 1").execute(&self.readers).await.map(drop)?)
    }

    async fn create(&self, project: &NewProject) -> Result<bool, StoreError> {
        uncancelled(projects::create(self.writer.clone(), project.clone())).await
    }

    async fn project(&self, id: ProjectId, user: &UserId) -> Result<Option<Membership>, StoreError> {
        projects::one(&self.readers, id, user).await
    }

    async fn projects(&self, query: &ListQuery) -> Result<Vec<Membership>, StoreError> {
        projects::list(&self.readers, query).await
    }

    async fn change(&self, id: ProjectId, change: &ProjectChange, at: Timestamp) -> Result<bool, StoreError> {
        uncancelled(projects::change(self.writer.clone(), id, change.clone(), at)).await
    }

    async fn set_deleted(&self, id: ProjectId, deleted: Option<Timestamp>) -> Result<bool, StoreError> {
        uncancelled(projects::set_deleted(self.writer.clone(), id, deleted)).await
    }

    async fn members(&self, id: ProjectId) -> Result<Vec<(UserId, Role)>, StoreError> {
        projects::members(&self.readers, id).await
    }

    async fn set_member(&self, id: ProjectId, user: &UserId, role: Option<Role>) -> Result<bool, StoreError> {
        uncancelled(projects::set_member(self.writer.clone(), id, user.clone(), role)).await
    }

    async fn open(&self, id: ProjectId) -> Result<Option<Opened>, StoreError> {
        uncancelled(read::open(self.readers.clone(), id)).await
    }

    async fn heads(&self, ids: &[ProjectId]) -> Result<Vec<Head>, StoreError> {
        read::heads(&self.readers, ids).await
    }

    async fn commit(&self, batch: &[Commit], patience: Patience) -> Result<Vec<Committed>, StoreError> {
        uncancelled(commit::commit(self.writer.clone(), batch.to_vec(), patience)).await
    }

    async fn hold(&self, _: ProjectId, patience: Patience) -> Result<Option<Box<dyn Hold>>, StoreError> {
        let writer = self.writer.clone();
        hold::hold(|door| commit::hold(writer, patience, door)).await
    }

    async fn events(&self, id: ProjectId, span: Span, limit: u32) -> Result<Vec<Arc<Event>>, StoreError> {
        read::events(&self.readers, id, span, limit).await
    }

    async fn event_of_edit(&self, id: ProjectId, edit: EditId) -> Result<Option<Arc<Event>>, StoreError> {
        read::event_of_edit(&self.readers, id, edit).await
    }

    async fn events_of_group(&self, id: ProjectId, group: GroupId) -> Result<Vec<Arc<Event>>, StoreError> {
        read::events_of_group(&self.readers, id, group).await
    }

    async fn block_events(&self, id: ProjectId, block: BlockId, after: Version) -> Result<Vec<Arc<Event>>, StoreError> {
        read::block_events(&self.readers, id, block, after).await
    }

    async fn graves(&self, id: ProjectId, blocks: &[BlockId]) -> Result<Vec<(BlockId, Grave)>, StoreError> {
        read::graves(&self.readers, id, blocks).await
    }

    async fn records(&self, id: ProjectId, edits: &[EditId]) -> Result<Vec<EditRecord>, StoreError> {
        read::records(&self.readers, id, edits).await
    }

    async fn bump_epoch(&self, id: ProjectId, log: u64) -> Result<bool, StoreError> {
        uncancelled(projects::bump_epoch(self.writer.clone(), id, log)).await
    }

    async fn bump_all_epochs(&self, log: u64) -> Result<u64, StoreError> {
        uncancelled(projects::bump_all_epochs(self.writer.clone(), log)).await
    }

    async fn theme(&self, id: &str) -> Result<Option<(UserId, String)>, StoreError> {
        projects::theme(&self.readers, id).await
    }

    async fn put_theme(&self, id: &str, owner: &UserId, json: &str, at: Timestamp) -> Result<bool, StoreError> {
        let (id, json) = (id.to_owned(), json.to_owned());
        uncancelled(projects::put_theme(self.writer.clone(), id, owner.clone(), json, at)).await
    }

    async fn compact(&self, retention: &Retention) -> Result<Dropped, StoreError> {
        uncancelled(compact::compact(self.writer.clone(), *retention)).await
    }
}
