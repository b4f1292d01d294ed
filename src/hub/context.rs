//! One request: who asks, from where, under which name, and until when an answer is worth something.
//!
//! Made where a message or an HTTP call comes in, and passed down; nothing of it is shared with another request, or
//! changes.
//!
//! Promises: whatever is logged, answered or recorded about a request can be found by its id.
//! Must never: be kept longer than the request.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Span;
use tracing::field::{debug, display};

use crate::domain::access::Principal;
use crate::domain::ids::{ConnectionId, RequestId, SessionId};
use crate::protocol::message::reply::Refusal;

use super::room::command::busy;

/// How long a request may take. What waits for longer than that is not begun.
pub const WITHIN: Duration = Duration::from_secs(30);

/// Who asks, and under which request.
#[derive(Clone, Debug)]
pub struct Context {
    /// In the reply, the logs and the event.
    pub request: RequestId,
    /// Whom the request speaks for, and what they pay for.
    pub principal: Principal,
    /// By which way it came.
    pub via: Via,
    /// When it came in.
    pub began: Instant,
}

/// By which way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A connection, in which a session goes on.
    Socket {
        /// Which.
        connection: ConnectionId,
        /// Which.
        session: SessionId,
        /// The client's, if it is known.
        address: Option<IpAddr>,
    },
    /// A call over HTTP.
    Call {
        /// The client's, if it is known.
        address: Option<IpAddr>,
    },
}

impl Via {
    /// The connection, if it is one.
    pub fn connection(self) -> Option<ConnectionId> {
        match self {
            Self::Socket { connection, .. } => Some(connection),
            Self::Call { .. } => None,
        }
    }

    /// The client's address, if it is known.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Socket { address, .. } | Self::Call { address } => address,
        }
    }
}

impl Context {
    /// When its time is over.
    pub fn deadline(&self) -> Instant {
        self.began + WITHIN
    }

    /// Whether there is time left; the refusal for one that comes too late.
    pub fn in_time(&self) -> Result<(), Refusal> {
        if Instant::now() < self.deadline() { Ok(()) } else { Err(too_late()) }
    }

    /// What every line that is logged about it says. A call has a span from when it came in: it is told whose it is.
    pub fn span(&self) -> Span {
        let Via::Socket { connection, session, address } = self.via else { return Span::current() };
        let (request, user, tier) = (self.request, self.principal.user(), self.principal.tier);
        let address = address.map(display);
        tracing::info_span!("message", %request, %connection, %session, %user, ?tier, address)
    }

    /// Tells the span of a call whose it is.
    pub fn tell(&self, span: &Span) {
        span.record("user", display(self.principal.user())).record("tier", debug(self.principal.tier));
    }
}

/// Nothing was done: whoever waits for so long may send the same again.
pub fn too_late() -> Refusal {
    busy("This took too long; wait and send the same again.")
}
