//! Sessions: what outlives a user's connections.
//!
//! Promises: a session belongs to one user and is shown to nobody else; it ends 24 hours after it was last seen; it is
//! changed by one at a time.
//! Must never: be what access depends on; that is the token.

pub mod local;
pub mod lock;
pub mod record;
pub mod redis;

use async_trait::async_trait;

use crate::domain::block::Content;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::merge;
use crate::domain::sequence::Timestamp;
use lock::LockError;

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
    pub metadata: Content,
}

impl Session {
    /// A session that begins now.
    pub fn new(id: SessionId, user: UserId, metadata: Content, now: Timestamp) -> Self {
        Self { id, user, created: now, seen: now, requests: 1, metadata }
    }

    /// When it ends if nobody uses it.
    pub fn expires(&self) -> Timestamp {
        self.seen.plus_ms(TTL_MS)
    }

    /// Whether it is this user's and has not ended.
    pub fn lives_for(&self, user: &UserId, now: Timestamp) -> bool {
        self.user == *user && self.expires() > now
    }

    /// After one more use. A clock that was set back does not make it older.
    pub fn used(self, now: Timestamp) -> Self {
        Self { seen: self.seen.max(now), requests: self.requests + 1, ..self }
    }

    /// With a patch (RFC 7396) merged into its metadata; an error where that would be too large.
    pub fn patched(self, patch: &Content) -> Result<Self, SessionError> {
        let mut metadata = self.metadata;
        merge::apply(&mut metadata, patch);
        check(&metadata)?;
        Ok(Self { metadata, ..self })
    }

    /// What the change leaves; `None`: nothing, it ends.
    fn after(self, change: Change, now: Timestamp) -> Result<Option<Self>, SessionError> {
        Ok(match change {
            Change::Touch => Some(self.used(now)),
            Change::Patch(patch) => Some(self.patched(&patch)?.used(now)),
            Change::End => None,
        })
    }
}

/// Why a session cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// What holds the sessions cannot be reached: try again later.
    #[error("sessions are not available just now")]
    Unavailable,
    /// Somebody else holds the session's lock, or took it while this change was under way: try again later.
    #[error("somebody else is changing this session")]
    Busy,
    /// The metadata would be more than `METADATA_BYTES_MAX`.
    #[error("a session's metadata is 16 KiB of JSON at most")]
    TooLarge,
}

impl From<LockError> for SessionError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Busy => Self::Busy,
            LockError::Unavailable => Self::Unavailable,
        }
    }
}

/// What can be done to a session that is there.
#[derive(Clone, Debug)]
pub enum Change {
    /// A use: it lives on for `TTL_MS`.
    Touch,
    /// A use that also merges a patch (RFC 7396) into the metadata.
    Patch(Content),
    /// It ends.
    End,
}

/// Where sessions are kept.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a new session.
    async fn create(&self, session: Session) -> Result<(), SessionError>;

    /// The session after the change (before its end, if it ends); `None` alike for one that never was, has ended, or is
    /// another user's. Takes the session's lock, for which it waits for `lock::PATIENCE`.
    async fn change(
        &self,
        id: SessionId,
        user: &UserId,
        change: Change,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError>;

    /// A use of the session.
    async fn touch(&self, id: SessionId, user: &UserId, now: Timestamp) -> Result<Option<Session>, SessionError> {
        self.change(id, user, Change::Touch, now).await
    }

    /// A use that also changes the metadata.
    async fn patch(
        &self,
        id: SessionId,
        user: &UserId,
        patch: Content,
        now: Timestamp,
    ) -> Result<Option<Session>, SessionError> {
        self.change(id, user, Change::Patch(patch), now).await
    }

    /// Ends it; whether it was there.
    async fn end(&self, id: SessionId, user: &UserId, now: Timestamp) -> Result<bool, SessionError> {
        Ok(self.change(id, user, Change::End, now).await?.is_some())
    }

    /// How many there are, ended ones perhaps included.
    async fn count(&self) -> Result<usize, SessionError>;
}

/// What is locked while this session is changed, or worked on for longer.
pub fn lock_name(id: SessionId) -> String {
    format!("session:{id}")
}

/// Whether metadata is small enough.
pub fn check(metadata: &Content) -> Result<(), SessionError> {
    if merge::exceeds(metadata, METADATA_BYTES_MAX) { Err(SessionError::TooLarge) } else { Ok(()) }
}
