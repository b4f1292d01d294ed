//! A session as a line of text, for stores outside of this process.
//!
//! Promises: what is read equals what was written; a line that was cut, changed or written by another version is told
//! from a good one.
//! Must never: read a session under another session's name.

use serde::{Deserialize, Serialize};

use super::Session;
use crate::domain::block::Content;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::sequence::Timestamp;
use crate::redis_link::seal::{self, SealError};

/// The first word of every line: how the rest is to be read.
const VERSION: &str = "1";

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not as it was written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It is what was written, but not for this session.
    #[error("it is another session's, or cannot be understood")]
    Content,
}

/// The fields, in the order in which they stand: id, user, created, seen, requests, metadata.
#[derive(Serialize, Deserialize)]
struct Fields(SessionId, UserId, i64, i64, u64, Content);

/// The fields (a JSON array), sealed.
pub fn written(session: &Session) -> String {
    let Session { id, user, created, seen, requests, metadata } = session;
    let fields = Fields(*id, user.clone(), created.0, seen.0, *requests, metadata.clone());
    // Ids, numbers and JSON that was JSON before are JSON; and an empty text would not be read as a session.
    let text = serde_json::to_string(&fields).unwrap_or_default();
    // JSON is UTF-8, and so is a seal.
    String::from_utf8_lossy(&seal::seal(VERSION, text.as_bytes())).into_owned()
}

/// The session that was written in this line under this name.
pub fn read(id: SessionId, line: &[u8]) -> Result<Session, RecordError> {
    let text = seal::open(VERSION, line)?;
    let Fields(named, user, created, seen, requests, metadata) =
        serde_json::from_slice(text).map_err(|_| RecordError::Content)?;
    if named != id {
        return Err(RecordError::Content);
    }
    Ok(Session { id, user, created: Timestamp(created), seen: Timestamp(seen), requests, metadata })
}
