//! What is counted of each kind.
//!
//! Promises: every read is a hit, confirmed, or a miss; every load is counted, however it ends.
//! Must never: cost a read more than a few nanoseconds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Histogram};

use super::key::Kind;

/// The counters of one kind.
pub(super) struct Counters {
    hits: Count,
    confirmed: Count,
    misses: Count,
    refreshes: Count,
    loads: Count,
    failures: Count,
    shared: Count,
    dropped: Count,
    load_nanos: AtomicU64,
    load_seconds: Histogram,
}

/// The same number for the admin's figures and for Prometheus.
struct Count {
    own: AtomicU64,
    told: Counter,
}

impl Count {
    fn of(kind: Kind, what: &'static str) -> Self {
        let told = metrics::counter!("blockhub_cache_total", "kind" => kind.name(), "what" => what);
        Self { own: AtomicU64::new(0), told }
    }

    fn add(&self) {
        self.own.fetch_add(1, Ordering::Relaxed);
        self.told.increment(1);
    }

    fn get(&self) -> u64 {
        self.own.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn new(kind: Kind) -> Self {
        let count = |what| Count::of(kind, what);
        Self {
            hits: count("hit"),
            confirmed: count("confirmed"),
            misses: count("miss"),
            refreshes: count("refresh"),
            loads: count("load"),
            failures: count("failure"),
            shared: count("shared"),
            dropped: count("dropped"),
            load_nanos: AtomicU64::new(0),
            load_seconds: metrics::histogram!("blockhub_cache_load_seconds", "kind" => kind.name()),
        }
    }

    /// Answered in process.
    pub(super) fn hit(&self) {
        self.hits.add();
    }

    /// Answered in process, after the store was asked whether it is still so.
    pub(super) fn confirmed(&self) {
        self.confirmed.add();
    }

    /// Not answered in process.
    pub(super) fn miss(&self) {
        self.misses.add();
    }

    /// Loaded ahead of its end.
    pub(super) fn refresh(&self) {
        self.refreshes.add();
    }

    /// Found in Redis.
    pub(super) fn shared(&self) {
        self.shared.add();
    }

    /// Found in Redis, and not what was written.
    pub(super) fn dropped(&self) {
        self.dropped.add();
    }

    /// Loaded.
    pub(super) fn loaded<T, E>(&self, took: Duration, outcome: &Result<T, E>) {
        self.loads.add();
        if outcome.is_err() {
            self.failures.add();
        }
        self.load_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.load_seconds.record(took.as_secs_f64());
    }

    pub(super) fn read(&self) -> Figures {
        Figures {
            hits: self.hits.get(),
            confirmed: self.confirmed.get(),
            misses: self.misses.get(),
            refreshes: self.refreshes.get(),
            loads: self.loads.get(),
            failures: self.failures.get(),
            shared: self.shared.get(),
            dropped: self.dropped.get(),
            load_nanos: self.load_nanos.load(Ordering::Relaxed),
            ..Figures::default()
        }
    }
}

/// The figures of one kind, since the hub started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Reads answered in process, without asking anybody.
    pub hits: u64,
    /// Reads answered in process, after the store was asked whether it is still so.
    pub confirmed: u64,
    /// Reads that were not answered in process.
    pub misses: u64,
    /// Loads ahead of the end of an entry.
    pub refreshes: u64,
    /// Loads.
    pub loads: u64,
    /// Loads that failed.
    pub failures: u64,
    /// Misses answered by Redis.
    pub shared: u64,
    /// Values in Redis that were not what was written, and were dropped.
    pub dropped: u64,
    /// What all loads took, in nanoseconds.
    pub load_nanos: u64,
    /// Entries now.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The bound of those.
    pub bytes_max: u64,
    /// The age of the oldest entry, in milliseconds.
    pub oldest_ms: Option<u64>,
}

impl Figures {
    /// How much of all reads was answered in process without asking anybody; 1 if there were none.
    pub fn hit_ratio(&self) -> f64 {
        let all = self.hits + self.confirmed + self.misses;
        if all == 0 { 1.0 } else { self.hits as f64 / all as f64 }
    }
}
