//! Sessions: what outlives a user's connections.
//!
//! Promises: a session belongs to one user and is shown to nobody else; it ends 24 hours after it was last seen.
//! Must never: be what access depends on; that is the token.

pub mod local;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::domain::ids::{SessionId, UserId};
use crate::domain::sequence::Timestamp;

/// How long a session lives after it was last seen.
pub const TTL_MS: i64 = 24 * 60 * 60 * 1_000;
/// The most that a session's metadata may be, in bytes of JSON text.
pub const METADATA_BYTES_MAX: usize = 16 << 10;

/// What outlives a user's connections.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
    /// How often it was used: calls that name it, and connections that say `hello` with it.
    pub requests: u64,
    /// What the application keeps in it.
    pub metadata: Map<String, Value>,
}

impl Session {
    /// A session that begins now.
    pub fn new(id: SessionId, user: UserId, metadata: Map<String, Value>, now: Timestamp) -> Self {
        Self { id, user, created: now, seen: now, requests: 1, metadata }
    }

    /// When it ends if nobody uses it.
    pub fn expires(&self) -> Timestamp {
        self.seen.plus_ms(TTL_MS)
    }
}

/// Why a session cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// What holds the sessions cannot be reached: try again later.
    #[error("sessions are not available just now")]
    Unavailable,
    /// The metadata would be more than `METADATA_BYTES_MAX`.
    #[error("a session's metadata is 16 KiB of JSON at most")]
    TooLarge,
}

/// Where sessions are kept. Every method but `create` answers `None` (or false) alike for a session that never was, has
/// ended, or is another user's.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a new session.
    async fn create(&self, session: Session) -> Result<(), SessionError>;

    /// A use of the session: it lives on for `TTL_MS`.
    async fn touch(&self, id: SessionId, user: &UserId, now: Timestamp) -> Result<Option<Session>, SessionError>;

    /// A use that also merges a patch (RFC 7396) into the metadata.
    async fn patch(
        &self,
        id: SessionId,
        user: &UserId,
        patch: Map<String, Value>,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError>;

    /// Ends it.
    async fn end(&self, id: SessionId, user: &UserId, now: Timestamp) -> Result<bool, SessionError>;

    /// How many there are, ended ones perhaps included.
    async fn count(&self) -> Result<usize, SessionError>;
}

/// Writes a patch into metadata (RFC 7396): an error where the result would be too large.
pub(crate) fn merged(
    target: &Map<String, Value>,
    patch: Map<String, Value>,
) -> Result<Map<String, Value>, SessionError> {
    let mut result = target.clone();
    merge(&mut result, patch);
    check(&result)?;
    Ok(result)
}

/// Whether metadata is small enough.
pub fn check(metadata: &Map<String, Value>) -> Result<(), SessionError> {
    let bytes = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    if bytes > METADATA_BYTES_MAX { Err(SessionError::TooLarge) } else { Ok(()) }
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (key, value) in patch {
        match (value, target.get_mut(&key)) {
            (Value::Null, _) => {
                target.remove(&key);
            }
            (Value::Object(inner), Some(Value::Object(held))) => merge(held, inner),
            (Value::Object(inner), _) => {
                let mut made = Map::new();
                merge(&mut made, inner);
                target.insert(key, Value::Object(made));
            }
            (value, _) => {
                target.insert(key, value);
            }
        }
    }
}
