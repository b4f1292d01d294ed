//! What is kept in this process, bounded in bytes.
//!
//! Promises: entries end with their kind's TTL, each a little earlier, by chance; over the bound those go that are used
//! least.
//! Must never: be asked for what is in no key of today; `key::Generations` sees to that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use uuid::Uuid;

use super::key::Key;

/// What an entry costs beside its key and its value.
const ENTRY_COST: usize = 256;

/// A value that can be weighed.
pub trait Weighed: Clone + Send + Sync + 'static {
    /// About how many bytes it holds.
    fn bytes(&self) -> usize;
}

/// One entry.
#[derive(Debug)]
pub(super) struct Held<V> {
    pub(super) value: V,
    pub(super) since: Instant,
    /// From then on, whoever finds it has it loaded again behind their back.
    refresh_at: Instant,
    lives: Duration,
    bytes: u32,
    refreshing: AtomicBool,
}

impl<V> Held<V> {
    /// Whether it is time to load it again, and nobody else does: true once.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.refresh_at && !self.refreshing.swap(true, Ordering::Relaxed)
    }
}

pub(super) struct Local<V> {
    entries: Cache<Key, Arc<Held<V>>>,
    ttl: Duration,
}

impl<V: Weighed> Local<V> {
    pub(super) fn new(bytes_max: usize, ttl: Duration) -> Self {
        let entries = Cache::builder()
            .max_capacity(bytes_max as u64)
            .weigher(|_, held: &Arc<Held<V>>| held.bytes)
            .expire_after(OwnTime)
            .build();
        Self { entries, ttl }
    }

    pub(super) async fn get(&self, key: &Key) -> Option<Arc<Held<V>>> {
        self.entries.get(key).await
    }

    pub(super) async fn put(&self, key: Key, value: V) {
        let chance = chance();
        let bytes = ENTRY_COST + key.bytes() + value.bytes();
        let (since, lives) = (Instant::now(), self.ttl.mul_f64(0.9 + 0.1 * chance));
        let held = Held {
            value,
            since,
            refresh_at: since + lives.mul_f64(0.75 + 0.15 * chance),
            lives,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            refreshing: AtomicBool::new(false),
        };
        self.entries.insert(key, Arc::new(held)).await;
    }

    /// Lets go of the memory; that nothing is found any more is the generation's doing.
    pub(super) fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// How many entries, and their bytes; a little behind what happens.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    /// The age of the oldest. Looks at all of them.
    pub(super) fn oldest(&self) -> Option<Duration> {
        self.entries.iter().map(|(_, held)| held.since.elapsed()).max()
    }

    /// Does now what is put off while others read and write.
    pub(super) async fn settle(&self) {
        self.entries.run_pending_tasks().await;
    }
}

/// From 0 to 1.
fn chance() -> f64 {
    f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0
}

/// Each entry brings its time.
struct OwnTime;

impl<V> Expiry<Key, Arc<Held<V>>> for OwnTime {
    fn expire_after_create(&self, _: &Key, held: &Arc<Held<V>>, _: Instant) -> Option<Duration> {
        Some(held.lives)
    }

    fn expire_after_update(&self, _: &Key, held: &Arc<Held<V>>, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(held.lives)
    }
}
