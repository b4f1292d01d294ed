//! What the reading and the writing half of one connection tell each other: pings to answer, pongs that came, the
//! client's close, and whether anybody listens.
//!
//! Promises: a ping that was not answered yet gives way to a later one (RFC 6455, section 5.5.3).
//! Must never: grow with what a client sends.

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Shared by the two halves.
#[derive(Debug)]
pub struct Pulse {
    signs: Mutex<Signs>,
    /// Wakes the writing half: a ping is to be answered, a pong came, or a close; or the socket did not take all.
    stirred: Notify,
}

#[derive(Debug)]
struct Signs {
    ping: Option<Vec<u8>>,
    close: Option<Option<u16>>,
    pong: Pong,
    listening: Listening,
}

/// Whether a pong came since the last ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pong {
    /// It did.
    Came,
    /// It did not.
    Missing,
}

/// Whether the reading half would notice a pong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    /// It has been reading since then, or got a part of a message then, before whose end no pong can come.
    Since(Instant),
    /// A room or a full outbox holds it up.
    HeldUp,
}

impl Pulse {
    /// Of a connection that begins.
    pub fn new(now: Instant) -> Self {
        let signs = Signs { ping: None, close: None, pong: Pong::Missing, listening: Listening::Since(now) };
        Self { signs: Mutex::new(signs), stirred: Notify::new() }
    }

    /// The client pinged.
    pub fn pinged(&self, payload: Vec<u8>) {
        self.signs.lock().ping = Some(payload);
        self.stirred.notify_one();
    }

    /// The client closes.
    pub fn closed(&self, code: Option<u16>) {
        self.signs.lock().close = Some(code);
        self.stirred.notify_one();
    }

    /// The client answered a ping.
    pub fn ponged(&self) {
        self.signs.lock().pong = Pong::Came;
        self.stirred.notify_one();
    }

    /// Something is to be sent that the outbox does not hold.
    pub fn stir(&self) {
        self.stirred.notify_one();
    }

    /// The reading half does not read for a while; what it did before is returned.
    pub fn hold_up(&self) -> Listening {
        std::mem::replace(&mut self.signs.lock().listening, Listening::HeldUp)
    }

    /// The reading half changed what it does.
    pub fn listens(&self, listening: Listening) {
        self.signs.lock().listening = listening;
    }

    /// Whether the reading half would notice a pong.
    pub fn listening(&self) -> Listening {
        self.signs.lock().listening
    }

    /// The ping that is to be answered.
    pub fn take_ping(&self) -> Option<Vec<u8>> {
        self.signs.lock().ping.take()
    }

    /// The client's close.
    pub fn close(&self) -> Option<Option<u16>> {
        self.signs.lock().close
    }

    /// Whether a pong came since this was last asked.
    pub fn take_pong(&self) -> Pong {
        std::mem::replace(&mut self.signs.lock().pong, Pong::Missing)
    }

    /// Waits for a ping, a pong, a close, or something else to be sent.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }
}
