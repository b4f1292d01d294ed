//! What a call to Socket.IO asks for: by its query, as Engine.IO 4 has it.
//!
//! Promises: a session that is named, but not in a way that can be one, is none that begins.
//! Must never: take for a call what Engine.IO would read otherwise.

use axum::extract::Request;
use socketioxide::socket::Sid;

/// By which transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Calls that wait for something to be said.
    Polling,
    /// A socket.
    WebSocket,
}

/// What a call asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Ask {
    /// None if it is nothing that can be granted.
    pub transport: Option<Transport>,
    /// Of a session that has begun.
    pub sid: Option<Sid>,
}

impl Ask {
    /// Reads a call's query.
    pub fn of(request: &Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let transport = match value("transport") {
            Some("polling") => Some(Transport::Polling),
            Some("websocket") => Some(Transport::WebSocket),
            _ => None,
        };
        let sid = value("sid").map(str::parse);
        let is_known = value("EIO") == Some("4") && !matches!(sid, Some(Err(_)));
        Self { transport: transport.filter(|_| is_known), sid: sid.and_then(Result::ok) }
    }
}

/// The session of the packet that opens it.
pub fn opened(body: &[u8]) -> Option<Sid> {
    #[derive(serde::Deserialize)]
    struct Open {
        sid: Sid,
    }
    serde_json::from_slice(body.strip_prefix(b"0")?).ok().map(|Open { sid }| sid)
}
