//! All connections of this hub, and how they are asked to go ([DR1]).
//!
//! Promises: a drain gives every client a moment of its own, spread evenly over the window.
//! Must never: close anybody itself; each connection says farewell to its rooms first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::outbox::Outbox;
use crate::domain::ids::ConnectionId;
use crate::protocol::message::encode::encode;
use crate::protocol::message::server::ServerMessage;

/// What the roll knows of one connection.
#[derive(Debug)]
pub struct Entry {
    outbox: Arc<Outbox>,
    /// Set once, by the drain.
    leaves_at: OnceLock<Instant>,
    /// The drain wakes the connection by it, or it wakes at once when it comes to wait.
    told: Notify,
}

impl Entry {
    /// When the connection is to close, if the hub drains.
    pub fn leaves_at(&self) -> Option<Instant> {
        self.leaves_at.get().copied()
    }

    /// Waits until the drain names that moment; returns once.
    pub async fn told(&self) {
        self.told.notified().await;
    }

    fn send_away(&self, reconnect_in_ms: u64) {
        let moment = Instant::now() + Duration::from_millis(reconnect_in_ms);
        if self.leaves_at.set(moment).is_ok() {
            self.outbox.reply(encode(&ServerMessage::Draining { reconnect_in_ms }));
            self.told.notify_one();
        }
    }
}

/// All connections of this hub.
#[derive(Debug, Default)]
pub struct Roll {
    /// A connection's entry ends with the connection.
    entries: DashMap<ConnectionId, Arc<Entry>>,
    /// Milliseconds that clients are asked to wait; 0: the hub does not drain.
    drain_ms: AtomicU64,
}

impl Roll {
    /// A connection begins. One whose handshake was under way when the drain began has to go at once.
    pub fn enter(&self, id: ConnectionId, outbox: Arc<Outbox>) -> Arc<Entry> {
        let entry = Arc::new(Entry { outbox, leaves_at: OnceLock::new(), told: Notify::new() });
        self.entries.insert(id, entry.clone());
        // On the roll first: either the drain finds it there, or the drain is found here.
        if self.draining().is_some() {
            entry.send_away(0);
        }
        entry
    }

    /// A connection ended.
    pub fn leave(&self, id: ConnectionId) {
        self.entries.remove(&id);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// While the hub drains: how long to wait before trying again, in milliseconds.
    pub fn draining(&self) -> Option<u64> {
        Some(self.drain_ms.load(Ordering::Acquire)).filter(|ms| *ms > 0)
    }

    /// Asks everybody to go within `window`.
    pub fn drain(&self, window: Duration) {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self.drain_ms.store(window_ms.max(1), Ordering::Release);
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.value().clone()).collect();
        let count = entries.len().max(1) as u64;
        for (at, entry) in entries.into_iter().enumerate() {
            let reconnect_in_ms = window_ms.saturating_mul(at as u64) / count;
            entry.send_away(reconnect_in_ms);
        }
    }
}
