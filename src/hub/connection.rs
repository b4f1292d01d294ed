//! One connection's context, for any transport: Greeting, Open, Draining.
//!
//! Promises: every message gets its reply, in order per project; what a client does wrong concerns that message alone.
//! Must never: know what kind of socket it is.

use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use super::outbox::Outbox;
use crate::domain::ids::ConnectionId;

/// What the transport knows of the request that opened the connection.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// The token of an `Authorization: Bearer` header.
    pub token: Option<String>,
}

/// One connection.
pub struct Connection {
    /// Its name.
    pub id: ConnectionId,
    /// What waits for it: the transport takes out.
    pub outbox: Arc<Outbox>,
}

impl Connection {
    /// A connection that has yet to say `hello`.
    pub fn new(_hub: Arc<Hub>, _arrival: Arrival) -> Self {
        unimplemented!()
    }
    /// Takes a text message; what is answered goes into the outbox, also an order to close. May wait while a room is
    /// full: the transport then reads no further.
    pub async fn text(&mut self, _text: &str) {
        unimplemented!()
    }
    /// Takes a binary message: `unsupported`.
    pub async fn binary(&mut self) {
        unimplemented!()
    }
    /// How long until `on_time` wants to be called: the `hello` deadline, a token's end, its warning, the drain.
    pub fn next_time(&self) -> Option<Duration> {
        unimplemented!()
    }
    /// A time that `next_time` named has come.
    pub async fn on_time(&mut self) {
        unimplemented!()
    }
    /// The client has taken frames from the outbox: whatever it lagged behind with is asked for again.
    pub async fn on_progress(&mut self) {
        unimplemented!()
    }
    /// The socket is gone: leaves all rooms.
    pub async fn gone(self) {
        unimplemented!()
    }
}
