//! The bus between processes: Redis' publish and subscribe, one channel a project.
//!
//! Promises: subscribed to just the projects that are followed; hints go out in the order they were published; after
//! each reconnect everybody hears of a gap.
//! Must never: make anybody wait for Redis, but `follow` for a quarter of a second; hold more than `QUEUE_BYTES_MAX`
//! that Redis does not take: what is over is dropped and counted, and the comparison of heads makes up for it.

mod line;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dashmap::DashMap;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::{Bus, BusState, Heard, Hint, packet};
use crate::domain::ids::{HubRun, ProjectId};
use crate::redis_link::RedisLink;

/// Hints heard that wait for the hub; older ones are lost, which costs it one comparison of heads.
const HEARD_MAX: usize = 1_024;
/// Hints that wait to be published.
const QUEUE_MAX: usize = 8_192;
/// The same in bytes.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// What a hint counts for beside its frames.
const HINT_BYTES: usize = 256;
/// Changes of what is followed that wait; what finds no place is found by the next look at all of them.
const WISHES_MAX: usize = 4_096;
/// How long a room that opens waits for its subscription.
const FOLLOW_WITHIN: Duration = Duration::from_millis(250);

/// A bus over Redis.
pub struct RedisBus {
    shared: Arc<Shared>,
    /// The line holds the other ends of both, and ends with this.
    queue: mpsc::Sender<Hint>,
    wishes: mpsc::Sender<Wish>,
    _line: AbortOnDropHandle<()>,
}

/// What the bus and its line both hold.
struct Shared {
    /// This hub, whose own hints come back from Redis and are passed over.
    run: HubRun,
    heard: broadcast::Sender<Heard>,
    /// How many rooms follow each project; an entry ends with the last of them.
    followed: DashMap<ProjectId, usize>,
    connected: AtomicBool,
    /// Of what waits to be published.
    queued_bytes: AtomicUsize,
}

/// A project that is followed now, or is not any more: `followed` tells.
struct Wish {
    project: ProjectId,
    /// Told how many others follow it, once it is subscribed to.
    others: Option<oneshot::Sender<usize>>,
}

impl RedisBus {
    /// A bus that begins to connect; inside a Tokio runtime.
    pub fn start(link: RedisLink, run: HubRun) -> Self {
        let (queue, hints) = mpsc::channel(QUEUE_MAX);
        let (wishes, wished) = mpsc::channel(WISHES_MAX);
        let shared = Arc::new(Shared {
            run,
            heard: broadcast::Sender::new(HEARD_MAX),
            followed: DashMap::new(),
            connected: AtomicBool::new(false),
            queued_bytes: AtomicUsize::new(0),
        });
        let inbox = line::Inbox { hints, wishes: wished };
        let line = tokio::spawn(line::run(link, shared.clone(), inbox));
        Self { shared, queue, wishes, _line: AbortOnDropHandle::new(line) }
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn publish(&self, hint: Hint) {
        if !self.is_heard() {
            return count_dropped(1);
        }
        let bytes = queue_bytes(&hint);
        let before = self.shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > QUEUE_BYTES_MAX || self.queue.try_send(hint).is_err() {
            self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            count_dropped(1);
        }
    }

    fn is_heard(&self) -> bool {
        self.shared.connected.load(Ordering::Acquire)
    }

    fn hints(&self) -> broadcast::Receiver<Heard> {
        self.shared.heard.subscribe()
    }

    async fn follow(&self, project: ProjectId) -> usize {
        *self.shared.followed.entry(project).or_insert(0) += 1;
        if !self.is_heard() {
            return 0;
        }
        let (others, known) = oneshot::channel();
        if self.wishes.try_send(Wish { project, others: Some(others) }).is_err() {
            return 0;
        }
        match tokio::time::timeout(FOLLOW_WITHIN, known).await {
            Ok(Ok(others)) => others,
            _ => 0,
        }
    }

    fn unfollow(&self, project: ProjectId) {
        if let Some(mut followers) = self.shared.followed.get_mut(&project) {
            *followers = followers.saturating_sub(1);
        }
        let last = self.shared.followed.remove_if(&project, |_, followers| *followers == 0).is_some();
        if last && self.is_heard() {
            // Without a place it is found by the next look at all of them.
            let _ = self.wishes.try_send(Wish { project, others: None });
        }
    }

    fn state(&self) -> BusState {
        if self.is_heard() { BusState::Connected } else { BusState::Away }
    }
}

impl Shared {
    /// Something that Redis pushes: a hint for us, most often.
    fn hear(&self, push: &PushInfo) {
        let (PushKind::Message, Some(Value::BulkString(bytes))) = (&push.kind, push.data.get(1)) else { return };
        if packet::writer(bytes) == Some(self.run) {
            return;
        }
        match packet::read(bytes) {
            // An error means that the hub has just gone.
            Some(hint) => drop(self.heard.send(Heard::Hint(hint))),
            None => metrics::counter!("blockhub_bus_malformed_total").increment(1),
        }
    }
}

/// What a hint counts for in the queue.
fn queue_bytes(hint: &Hint) -> usize {
    HINT_BYTES + packet::weight(&hint.news)
}

fn count_dropped(hints: u64) {
    metrics::counter!("blockhub_bus_dropped_total").increment(hints);
}
