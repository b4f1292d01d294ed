//! What the pieces of one connection share: its socket or its HTTP calls on one side, its task on the other.
//!
//! Promises: a place among all connections is held as long as the client has one, and no longer; bytes are counted when
//! the client's socket, or its poll, has taken them.
//! Must never: hold what waits to be sent; that is the outbox's.

use std::sync::{Arc, OnceLock, Weak};

use dashmap::DashMap;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use socketioxide::socket::Sid;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;

use super::inbox::Inbox;
use crate::hub::connection::Arrival;

/// Those whose further requests have to find them: they began with polling.
pub type Ways = DashMap<Sid, Weak<Way>>;

/// Shared by the Engine.IO session, which keeps it alive, by calls that belong to it, and by the connection's task.
pub struct Way {
    /// What the client has said.
    pub inbox: Inbox,
    /// Of the first request; taken when the client connects, which it does once.
    arrival: Mutex<Option<Arrival>>,
    /// Given back when the connection has ended.
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    /// One POST at a time.
    pub posting: tokio::sync::Mutex<()>,
    traffic: Mutex<Traffic>,
    /// Wakes the connection's writing half.
    stirred: Notify,
    /// Wakes calls that wait for something to be sent, when nothing will be.
    shut: Notify,
    /// The socket is gone.
    left: Notify,
    /// Wakes the socket's writer.
    writer: AtomicWaker,
    /// Where it is to be found, and to be taken away.
    listed: OnceLock<(Sid, Arc<Ways>)>,
}

struct Traffic {
    stage: Stage,
    /// Bytes that the client's side has taken so far.
    taken: u64,
    /// The writing half wants to know when so many are taken.
    awaited: Option<u64>,
    /// When bytes were taken last.
    progress: Instant,
    /// When a ping went out after which nothing was heard.
    pinged: Option<Instant>,
}

/// How far a connection is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It works.
    Open,
    /// The client, or Socket.IO, has ended it.
    Over,
    /// Nothing is read any more.
    Shut,
    /// Nothing is written any more, either.
    Cut,
}

impl Way {
    /// Of a connection that begins, in its place.
    pub fn new(arrival: Arrival, slot: OwnedSemaphorePermit) -> Arc<Self> {
        let now = Instant::now();
        let traffic = Traffic { stage: Stage::Open, taken: 0, awaited: None, progress: now, pinged: None };
        Arc::new(Self {
            inbox: Inbox::new(),
            arrival: Mutex::new(Some(arrival)),
            slot: Mutex::new(Some(slot)),
            posting: tokio::sync::Mutex::new(()),
            traffic: Mutex::new(traffic),
            stirred: Notify::new(),
            shut: Notify::new(),
            left: Notify::new(),
            writer: AtomicWaker::new(),
            listed: OnceLock::new(),
        })
    }

    /// From now on its further requests find it.
    pub fn list(self: &Arc<Self>, sid: Sid, ways: &Arc<Ways>) {
        if self.listed.set((sid, Arc::clone(ways))).is_ok() {
            ways.insert(sid, Arc::downgrade(self));
        }
    }

    /// Whether the client may connect: it has not yet.
    pub fn may_begin(&self) -> bool {
        self.arrival.lock().is_some()
    }

    /// The client connects. Nothing, if it has before.
    pub fn begin(&self) -> Option<Arrival> {
        self.arrival.lock().take()
    }

    /// The client's side has taken so many bytes more.
    pub fn took(&self, bytes: usize) {
        let mut traffic = self.traffic.lock();
        traffic.taken += bytes as u64;
        traffic.progress = Instant::now();
        if traffic.awaited.is_some_and(|awaited| awaited <= traffic.taken) {
            traffic.awaited = None;
            drop(traffic);
            self.stirred.notify_one();
        }
    }

    /// Bytes that the client's side has taken so far.
    pub fn taken(&self) -> u64 {
        self.traffic.lock().taken
    }

    /// Whether so many were taken; if not, the writing half is woken when they are.
    pub fn has_taken(&self, bytes: u64) -> bool {
        let mut traffic = self.traffic.lock();
        let has = traffic.taken >= bytes;
        traffic.awaited = (!has).then_some(bytes);
        has
    }

    /// When bytes were taken last.
    pub fn progress(&self) -> Instant {
        self.traffic.lock().progress
    }

    /// A ping went out, with nothing before it.
    pub fn ping_sent(&self) {
        let mut traffic = self.traffic.lock();
        traffic.pinged.get_or_insert(Instant::now());
        drop(traffic);
        self.stirred.notify_one();
    }

    /// The client has shown life.
    pub fn heard(&self) {
        self.traffic.lock().pinged = None;
    }

    /// When a ping went out after which nothing was heard.
    pub fn pinged(&self) -> Option<Instant> {
        self.traffic.lock().pinged
    }

    /// How far it is from its end.
    pub fn stage(&self) -> Stage {
        self.traffic.lock().stage
    }

    /// Comes nearer to its end.
    pub fn advance(&self, stage: Stage) {
        let mut traffic = self.traffic.lock();
        traffic.stage = traffic.stage.max(stage);
        drop(traffic);
        self.stirred.notify_one();
        self.shut.notify_waiters();
        self.inbox.wake_reader();
        self.writer.wake();
    }

    /// Its place is free for another.
    pub fn give_place(&self) {
        self.slot.lock().take();
    }

    /// The socket's writer is to be woken by this when the connection is cut.
    pub fn register_writer(&self, waker: &std::task::Waker) {
        self.writer.register(waker);
    }

    /// The socket is gone.
    pub fn leave(&self) {
        self.left.notify_one();
    }

    /// Waits until the socket is gone.
    pub async fn left(&self) {
        self.left.notified().await;
    }

    /// The writing half shall look again.
    pub fn stir(&self) {
        self.stirred.notify_one();
    }

    /// Waits until the writing half has something to look at.
    pub async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// Waits until nothing is to be expected any more.
    pub async fn shut(&self) {
        loop {
            let shut = self.shut.notified();
            if self.stage() >= Stage::Shut {
                return;
            }
            shut.await;
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Some((sid, ways)) = self.listed.get() {
            ways.remove(sid);
        }
    }
}
