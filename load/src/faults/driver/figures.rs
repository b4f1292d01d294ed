//! What is measured while clients work.
//!
//! Promises: nothing that a user would see is left out.
//! Must never: decide what is good enough; rows do.

use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;

/// Errors that are kept in words.
const ERRORS_MAX: usize = 50;

/// Figures of one stretch of a run.
#[derive(Clone, Default)]
pub struct Stretch {
    /// From the first sending of an edit to its ack.
    pub ack: Times,
    /// From the ack to the event at another hub's client.
    pub lag: Times,
    /// From the loss of a connection until all its projects were joined again.
    pub resume: Times,
    /// Joins after a loss that brought just the events since.
    pub recovered: u64,
    /// Joins after a loss that brought all blocks.
    pub snapshots: u64,
    /// Edits that were acked.
    pub acks: u64,
    /// Edits that conflicted.
    pub conflicts: u64,
    /// Times that a hub said it was busy.
    pub busy: u64,
    /// Connections that were lost.
    pub losses: u64,
    /// Events that were shown.
    pub events: u64,
    /// `reset` messages.
    pub resets: u64,
    /// What a user would see as an error.
    pub errors: u64,
    /// The first of them in words.
    pub error_words: Vec<String>,
}

/// How long something took, each time.
#[derive(Clone)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        // Proven: three significant digits are within what the library takes.
        Self(Histogram::new(3).expect("three digits are allowed"))
    }
}

impl Times {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        // It grows by itself: nothing is out of its range.
        let _ = self.0.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// In milliseconds; 0 if there is none.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// In milliseconds; 0 if there is none.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1_000.0
    }

    fn join(&mut self, other: &Self) {
        // Both grow by themselves.
        let _ = self.0.add(&other.0);
    }
}

/// The figures of a run, stretch by stretch.
#[derive(Default)]
pub struct Figures {
    now: Mutex<Stretch>,
    before: Mutex<Stretch>,
}

impl Figures {
    /// Notes something.
    pub fn note(&self, what: impl FnOnce(&mut Stretch)) {
        what(&mut self.now.lock());
    }

    /// Notes what a user would see as an error.
    pub fn error(&self, words: String) {
        self.note(|stretch| {
            stretch.errors += 1;
            if stretch.error_words.len() < ERRORS_MAX {
                stretch.error_words.push(words);
            }
        });
    }

    /// Ends a stretch and begins the next.
    pub fn turn(&self) -> Stretch {
        let ended = std::mem::take(&mut *self.now.lock());
        self.before.lock().join(&ended);
        ended
    }

    /// Of the whole run so far.
    pub fn total(&self) -> Stretch {
        let mut total = self.before.lock().clone();
        total.join(&self.now.lock());
        total
    }
}

impl Stretch {
    /// Adds another stretch.
    pub fn join(&mut self, other: &Self) {
        self.ack.join(&other.ack);
        self.lag.join(&other.lag);
        self.resume.join(&other.resume);
        self.recovered += other.recovered;
        self.snapshots += other.snapshots;
        self.acks += other.acks;
        self.conflicts += other.conflicts;
        self.busy += other.busy;
        self.losses += other.losses;
        self.events += other.events;
        self.resets += other.resets;
        self.errors += other.errors;
        let room = ERRORS_MAX.saturating_sub(self.error_words.len());
        self.error_words.extend(other.error_words.iter().take(room).cloned());
    }

    /// Of the joins after a loss, how many of a hundred brought just the events since.
    pub fn recovered_percent(&self) -> f64 {
        let all = self.recovered + self.snapshots;
        if all == 0 { 100.0 } else { self.recovered as f64 * 100.0 / all as f64 }
    }
}
