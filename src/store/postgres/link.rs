//! A pool of connections to one server, set up as the statements here need them.
//!
//! Promises: a connection on which the database was not available is closed, not used again; one that idled is asked
//! whether it still answers before it is used.
//! Must never: begin a transaction in a future that may be dropped: sqlx 0.9 would hand that transaction to the next
//! user of the connection. Transactions run inside `uncancelled`.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{Connection, Executor, FromRow, Postgres};

use super::PostgresOptions;
use crate::store::StoreError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that was idle for less is not asked whether it still answers.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The checks of a commit are right at `read committed` only. Its statement is planned once, for any number of lines;
/// every lookup in it has an index, and a plan made while the tables were small must not remember that they were.
const SETUP: &str = "
    SET default_transaction_isolation = 'read committed';
    SET statement_timeout = '60s';
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET jit = off";

/// A server.
#[derive(Clone)]
pub(super) struct Link {
    pool: PgPool,
}

impl Link {
    /// A pool of its own.
    pub(super) async fn to(url: &str, sizes: &PostgresOptions) -> Result<Self, StoreError> {
        let mut options: PgConnectOptions = url.parse()?;
        if options.get_application_name().is_none() {
            options = options.application_name("blockhub");
        }
        let pool = PgPoolOptions::new()
            .min_connections(sizes.pool_min)
            .max_connections(sizes.pool_max)
            .acquire_timeout(CONNECT_TIMEOUT)
            .idle_timeout(IDLE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                async move {
                    if meta.idle_for > TRUSTED_IDLE {
                        connection.ping().await?;
                    }
                    Ok(true)
                }
                .boxed()
            })
            .after_connect(|connection, _| async move { connection.execute(SETUP).await.map(drop) }.boxed())
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    /// Brings the tables up to date; hubs that start together take turns.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        Ok(sqlx::migrate!("./migrations/postgres").run(&self.pool).await?)
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Which server and database, without secrets.
    pub(super) fn place(&self) -> String {
        let options = self.pool.connect_options();
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        format!("{}:{}/{database}", options.get_host(), options.get_port())
    }

    /// A connection, to be given back with `settle`.
    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        Ok(self.pool.acquire().await?)
    }

    /// Runs a statement; how many rows it changed.
    pub(super) async fn execute(&self, query: Query<'_, Postgres, PgArguments>) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let result = query.execute(&mut *connection).await;
        settle(connection, result.map(|done| done.rows_affected()).map_err(Into::into))
    }

    /// All rows of a query.
    pub(super) async fn rows<T>(&self, query: QueryAs<'_, Postgres, T, PgArguments>) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.connection().await?;
        let result = query.fetch_all(&mut *connection).await;
        settle(connection, result.map_err(Into::into))
    }

    /// The row of a query, if it has one.
    pub(super) async fn row<T>(&self, query: QueryAs<'_, Postgres, T, PgArguments>) -> Result<Option<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.connection().await?;
        let result = query.fetch_optional(&mut *connection).await;
        settle(connection, result.map_err(Into::into))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.place())
    }
}

/// Gives a connection back, or closes it if the database was not available on it.
pub(super) fn settle<T>(
    mut connection: PoolConnection<Postgres>,
    result: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if matches!(result, Err(StoreError::Unavailable(_))) {
        connection.close_on_drop();
    }
    result
}

/// The server's timeline: it rises when a standby is promoted. A standby cannot say it.
pub(super) async fn timeline(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar(TIMELINE).fetch_one(connection).await
}

const TIMELINE: &str = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";
