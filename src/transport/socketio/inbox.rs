//! What a client has said and the connection has not taken yet.
//!
//! Promises: order is kept; while it is full the client's socket is not read, and its next POST waits. So it holds
//! `BYTES_MAX` and one more message, or, since a POST is taken as a whole, that and one POST of `FLOOD` messages.
//! Must never: look into a message.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use socketioxide::handler::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::protocol::message::reply::Callback;

/// Messages from which on it is full.
const MESSAGES_MAX: usize = 32;
/// Bytes from which on it is full.
const BYTES_MAX: usize = 64 << 10;
/// Messages that are not even kept: a POST can hold so many that what they cost is not what they weigh.
const FLOOD: usize = 2048;

/// One event of a client: a JSON array of its name and its objects, as it came.
pub struct Said {
    /// The array.
    pub value: Value,
    /// Who waits for the reply.
    pub callback: Option<Callback>,
}

/// A client has said more than is kept.
pub struct Flooded;

/// What waits for one connection. Socket.IO puts in, the connection's task takes out.
pub struct Inbox {
    state: Mutex<State>,
    /// Wakes the connection's task.
    arrived: Notify,
    /// Wakes a POST that waits.
    emptied: Notify,
    /// Wakes the socket's reader.
    reader: AtomicWaker,
}

struct State {
    queue: VecDeque<Said>,
    bytes: usize,
    /// Since when the client is heard.
    heard_since: Instant,
}

impl State {
    fn is_full(&self) -> bool {
        self.queue.len() >= MESSAGES_MAX || self.bytes >= BYTES_MAX
    }
}

impl Inbox {
    /// An empty one.
    pub fn new() -> Self {
        let state = State { queue: VecDeque::new(), bytes: 0, heard_since: Instant::now() };
        let (arrived, emptied, reader) = (Notify::new(), Notify::new(), AtomicWaker::new());
        Self { state: Mutex::new(state), arrived, emptied, reader }
    }

    /// The client has said something. If that is too much, it is not kept.
    pub fn put(&self, said: Said) -> Result<(), Flooded> {
        let mut state = self.state.lock();
        if state.queue.len() >= FLOOD {
            return Err(Flooded);
        }
        state.bytes += said.value.len();
        state.queue.push_back(said);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for the next message. May be dropped and called again without loss.
    pub async fn next(&self) -> Said {
        loop {
            let arrived = self.arrived.notified();
            if let Some(said) = self.pop() {
                return said;
            }
            arrived.await;
        }
    }

    /// Since when the client is heard; none while it is not.
    pub fn heard_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        (!state.is_full()).then_some(state.heard_since)
    }

    /// Waits until it is not full.
    pub async fn has_room(&self) {
        loop {
            let emptied = self.emptied.notified();
            if !self.state.lock().is_full() {
                return;
            }
            emptied.await;
        }
    }

    /// The same, for the one who reads the socket.
    pub fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        // First: either it is seen that there is room, or the waker is there when room comes to be.
        self.reader.register(context.waker());
        if self.state.lock().is_full() { Poll::Pending } else { Poll::Ready(()) }
    }

    /// Whoever reads the socket shall look again.
    pub fn wake_reader(&self) {
        self.reader.wake();
    }

    /// The next message, if there is one.
    pub fn pop(&self) -> Option<Said> {
        let mut state = self.state.lock();
        let was_full = state.is_full();
        let said = state.queue.pop_front()?;
        state.bytes -= said.value.len();
        if state.queue.is_empty() {
            state.queue = VecDeque::new();
        }
        if was_full && !state.is_full() {
            state.heard_since = Instant::now();
            drop(state);
            self.reader.wake();
            self.emptied.notify_waiters();
        }
        Some(said)
    }
}
