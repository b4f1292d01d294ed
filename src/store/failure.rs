//! What a database's error means to the caller, and writes that nobody cancels.
//!
//! Promises: `Unavailable` for what a later try may find mended, `Broken` for what somebody has to look at.
//! Must never: put a statement's arguments into an error.

use std::future::Future;

use super::StoreError;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error::{Database, Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
        match &error {
            Io(_) | PoolClosed | PoolTimedOut | Protocol(_) | Tls(_) | WorkerCrashed => {
                Self::Unavailable(error.to_string())
            }
            Database(answer) if answer.code().is_some_and(|code| passes(&code)) => Self::Unavailable(error.to_string()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            error => Self::Broken(error.to_string()),
        }
    }
}

/// Runs a write in a task of its own, so that it ends as it must even if the caller goes away.
pub(super) async fn uncancelled<T: Send + 'static>(
    write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(write).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Broken(format!("a write ended early: {error}"))),
    }
}

/// Why a commit was rolled back.
#[derive(Debug)]
pub(super) enum Refused {
    /// A name was taken by somebody else, or stands twice in the batch.
    Taken,
    /// A lock was not had in time.
    Late,
    /// Something else.
    Failed(StoreError),
}

impl Refused {
    /// For those who ruled the first two out.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Taken => StoreError::Broken("a name is taken that was free".into()),
            Self::Late => StoreError::Unavailable("a lock was not had in time".into()),
            Self::Failed(error) => error,
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        let answer = error.as_database_error();
        match answer.and_then(sqlx::error::DatabaseError::code).as_deref() {
            Some("5" | "55P03") => Self::Late,
            _ if answer.is_some_and(sqlx::error::DatabaseError::is_unique_violation) => Self::Taken,
            _ => Self::Failed(error.into()),
        }
    }
}

/// Whether an error of this code may pass by itself. A SQLSTATE has five characters, SQLite's numbers fewer.
fn passes(code: &str) -> bool {
    match code.len() {
        5 => postgres_passes(code),
        _ => code.parse().is_ok_and(sqlite_passes),
    }
}

/// Busy, locked, read-only, input or output, full, not to be opened: the low byte is the kind.
fn sqlite_passes(code: u32) -> bool {
    matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14)
}

/// Classes of SQLSTATE: connections (08), rollbacks by concurrency (40), resources (53), the operator (57);
/// 25006 and 55000 are what a standby answers, 25P03 ends a transaction that idled, 55P03 a lock not had in time.
fn postgres_passes(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "40" | "53" | "57")) || matches!(code, "25006" | "25P03" | "55000" | "55P03")
}
