//! What is measured while clients work.
//!
//! Promises: nothing that a user would see is left out.
//! Must never: decide what is good enough; rows do.

use parking_lot::Mutex;

use crate::times::Times;

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
