//! Sessions.
//!
//! Promises: a session's shape is the same wherever it is shown.
//! Must never: be shown to anybody but its user.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::ids::{SessionId, UserId};
use crate::protocol::view::spelling::Moment;
use crate::session::Session;

/// A session's metadata: all of it for a new one, a JSON merge patch (RFC 7396) for one that is there.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SessionMetadata {
    /// The application's own, 16 KiB at most.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
}

/// What outlives a user's connections.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView<'a> {
    /// Its name, for `hello.session`.
    id: SessionId,
    /// Whose it is.
    user: &'a UserId,
    /// When it began.
    created_at: Moment,
    /// When it was last used.
    last_seen_at: Moment,
    /// When it ends if it is not used.
    expires_at: Moment,
    /// How often it was used.
    request_count: u64,
    /// The application's own.
    #[schema(value_type = Object)]
    metadata: &'a Map<String, Value>,
}

impl<'a> From<&'a Session> for SessionView<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            id: session.id,
            user: &session.user,
            created_at: Moment(session.created),
            last_seen_at: Moment(session.seen),
            expires_at: Moment(session.expires()),
            request_count: session.requests,
            metadata: &session.metadata,
        }
    }
}
