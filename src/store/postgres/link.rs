//! A pool of connections to one server, set up as the statements here need them.
//!
//! Promises: a connection on which the database was not available is closed, not used again, and after it all others
//! are asked before they are used. Where we write, no connection leads to a server that only reads: it may be a standby
//! by now, or what was the primary before another was promoted, and what it says may be over.
//! Must never: begin a transaction in a future that may be dropped: sqlx 0.9 would hand that transaction to the next
//! user of the connection. Transactions run inside `uncancelled`; one that is not answered goes with its connection.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::query::{Query, QueryAs};
use sqlx::{Connection, Executor, FromRow, Postgres, Row};
use tokio::time::timeout;

use super::PostgresOptions;
use crate::store::StoreError;

/// How long a call waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the pool tries for by itself. Its pauses between two tries grow to a fifth of that, and nobody should wait
/// for long when the server is back.
const TRY_FOR: Duration = Duration::from_secs(5);
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection may take for what a room waits for, such as a page of events or a commit. Over that it is taken
/// for dead: no word comes from a server whose machine, or the way to it, is gone.
pub(super) const ANSWER_WITHIN_SOON: Duration = Duration::from_secs(20);
/// The same for what may take longer. The server itself ends each statement after 60 s.
pub(super) const ANSWER_WITHIN_LONG: Duration = Duration::from_secs(65);

/// How long a server may take to say what it is.
const SAY_WITHIN: Duration = Duration::from_secs(2);

/// A connection that was used this long ago is not asked whether it still answers, unless there are doubts.
const TRUSTED: Duration = Duration::from_secs(1);

/// The checks of a commit are right at `read committed` only. Its statement is planned once, for any number of lines;
/// every lookup in it has an index, and a plan made while the tables were small must not remember that they were.
const SETUP: &str = "
    SET default_transaction_isolation = 'read committed';
    SET statement_timeout = '60s';
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET jit = off";

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The truth: the server must be one that takes writes.
    Truth,
    /// History: a standby will do.
    History,
}

/// A server.
#[derive(Clone)]
pub(super) struct Link {
    pool: PgPool,
    doubts: Arc<Doubts>,
}

/// When connections have to be asked before they are used.
struct Doubts {
    purpose: Purpose,
    times: Mutex<Times>,
}

struct Times {
    /// The database was not available on some connection: what was used before that is asked.
    doubted: Instant,
    /// Some connection was asked; at least every `TRUSTED` one is, however busy they are.
    asked: Instant,
}

impl Link {
    /// A pool of its own.
    pub(super) async fn to(url: &str, sizes: &PostgresOptions, purpose: Purpose) -> Result<Self, StoreError> {
        let mut options: PgConnectOptions = url.parse()?;
        if options.get_application_name().is_none() {
            options = options.application_name("blockhub");
        }
        let doubts = Arc::new(Doubts::new(purpose));
        // The pool would try again until its patience ends; that this is the wrong server is better said at once.
        if let Ok(Ok(false)) = timeout(TRY_FOR, doubts.fits_at(&options)).await {
            return Err(takes_no_writes().into());
        }
        let (made, used) = (doubts.clone(), doubts.clone());
        let pool = PgPoolOptions::new()
            .min_connections(sizes.pool_min)
            .max_connections(sizes.pool_max)
            .acquire_timeout(TRY_FOR)
            .idle_timeout(IDLE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(move |connection, meta| {
                let doubts = used.clone();
                async move {
                    if doubts.must_ask(meta.idle_for) {
                        doubts.ask(connection).await?;
                    }
                    Ok(true)
                }
                .boxed()
            })
            .after_connect(move |connection, _| {
                let doubts = made.clone();
                async move {
                    doubts.ask(&mut *connection).await?;
                    connection.execute(SETUP).await.map(drop)
                }
                .boxed()
            })
            .connect_lazy_with(options);
        let link = Self { pool, doubts };
        // Whether there is a server is to be known now.
        drop(link.connection().await?);
        Ok(link)
    }

    /// Brings the tables up to date; hubs that start together take turns.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        Ok(sqlx::migrate!("./migrations/postgres").run(&self.pool).await?)
    }

    /// Ends all connections.
    pub(super) async fn end(&self) {
        self.pool.close().await;
    }

    /// Which server and database, without secrets.
    pub(super) fn place(&self) -> String {
        let options = self.pool.connect_options();
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        format!("{}:{}/{database}", options.get_host(), options.get_port())
    }

    /// Answers if the server is there and good for what the link is for.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        let result = self.doubts.ask(&mut connection).await;
        self.settle(connection, result.map_err(Into::into))
    }

    /// A connection, to be given back with `settle`.
    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let end = Instant::now() + CONNECT_TIMEOUT;
        loop {
            match self.pool.acquire().await {
                Err(sqlx::Error::PoolTimedOut) if Instant::now() < end => {}
                acquired => return Ok(acquired?),
            }
        }
    }

    /// Gives a connection back, or closes it if the database was not available on it.
    pub(super) fn settle<T>(
        &self,
        mut connection: PoolConnection<Postgres>,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if matches!(result, Err(StoreError::Unavailable(_))) {
            self.close(&mut connection);
        }
        result
    }

    /// Closes a connection on which the database was not available.
    pub(super) fn close(&self, connection: &mut PoolConnection<Postgres>) {
        connection.close_on_drop();
        self.doubts.raise();
    }

    /// Runs a statement; how many rows it changed.
    pub(super) async fn execute(&self, query: Query<'_, Postgres, PgArguments>) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let result = answered(ANSWER_WITHIN_LONG, query.execute(&mut *connection)).await;
        self.settle(connection, result.map(|done| done.rows_affected()))
    }

    /// All rows of a query.
    pub(super) async fn rows<T>(&self, query: QueryAs<'_, Postgres, T, PgArguments>) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.connection().await?;
        let result = answered(ANSWER_WITHIN_SOON, query.fetch_all(&mut *connection)).await;
        self.settle(connection, result)
    }

    /// The row of a query, if it has one.
    pub(super) async fn row<T>(&self, query: QueryAs<'_, Postgres, T, PgArguments>) -> Result<Option<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut connection = self.connection().await?;
        let result = answered(ANSWER_WITHIN_SOON, query.fetch_optional(&mut *connection)).await;
        self.settle(connection, result)
    }
}

impl Doubts {
    fn new(purpose: Purpose) -> Self {
        let now = Instant::now();
        Self { purpose, times: Mutex::new(Times { doubted: now, asked: now }) }
    }

    /// Some connection turned out to lead nowhere, or to the wrong server.
    fn raise(&self) {
        self.times.lock().doubted = Instant::now();
    }

    fn must_ask(&self, idle_for: Duration) -> bool {
        let now = Instant::now();
        let mut times = self.times.lock();
        let used_before = now.checked_sub(idle_for).is_none_or(|used| used <= times.doubted);
        let must = idle_for > TRUSTED || used_before || now.duration_since(times.asked) > TRUSTED;
        if must {
            times.asked = now;
        }
        must
    }

    /// Does it answer, and is the server good for our purpose?
    async fn ask(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let asked = match timeout(SAY_WITHIN, self.fits(connection)).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => takes_no_writes(),
            Ok(Err(error)) => error,
            Err(_) => sqlx::Error::Io(io::ErrorKind::TimedOut.into()),
        };
        self.raise();
        Err(asked)
    }

    async fn fits(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        let row = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(connection).await?;
        Ok(row.try_get::<String, _>(0)? == "off" || self.purpose == Purpose::History)
    }

    /// The same of a server, on a connection of its own.
    async fn fits_at(&self, server: &PgConnectOptions) -> Result<bool, sqlx::Error> {
        let mut connection = PgConnection::connect_with(server).await?;
        let fits = self.fits(&mut connection).await?;
        connection.close().await?;
        Ok(fits)
    }
}

/// What a connection answers, or that it does not: then `settle` closes it, with whatever was begun on it.
pub(super) async fn answered<T, E: Into<StoreError>>(
    within: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    let silent = |_| Err(StoreError::Unavailable("the database did not answer in time".into()));
    timeout(within, asked).await.map_or_else(silent, |answer| answer.map_err(Into::into))
}

fn takes_no_writes() -> sqlx::Error {
    sqlx::Error::Io(io::Error::other("the server takes no writes: a standby, or a primary no more"))
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.place())
    }
}

/// The server's timeline: it rises when a standby is promoted. A standby cannot say it.
pub(super) async fn timeline(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar(TIMELINE).fetch_one(connection).await
}

const TIMELINE: &str = "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";
