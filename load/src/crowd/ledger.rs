//! What a crowd counts while it works.
//!
//! Promises: latencies are counted from when something was due, not from when it was sent; adding is cheap.
//! Must never: count what was not checked.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::report::{Line, Sheet};
use crate::times::Times;

/// One point of a line over time.
const BUCKET_MICROS: u64 = 250_000;

/// Microseconds since a run's beginning: the time that edits carry.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// Begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub fn micros(self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// As an instant to sleep until.
    pub fn instant(self, micros: u64) -> tokio::time::Instant {
        (self.0 + Duration::from_micros(micros)).into()
    }
}

/// What was counted.
#[derive(Clone, Default)]
pub struct Tally {
    /// From when an edit was due to its ack.
    pub acks: Times,
    /// From when an edit was due to its delivery, for each member.
    pub deliveries: Times,
    /// The same for signals.
    pub signals: Times,
    /// From when an edit was due to when it was sent.
    pub late: Times,
    /// Events, for each member.
    pub delivered: u64,
    /// Messages about presence, for each member.
    pub presence: u64,
    /// What was delivered anew because a member was behind.
    pub resets: u64,
    /// Signals that were sent.
    pub signals_sent: u64,
    /// Cursors that were sent.
    pub cursors_sent: u64,
    acks_over_time: Vec<u64>,
    deliveries_over_time: Vec<u64>,
}

/// A tally that many write to.
pub struct Ledger {
    /// The time that edits carry.
    pub clock: Clock,
    /// When it began.
    begun: u64,
    tally: Mutex<Tally>,
}

impl Ledger {
    /// An empty one that begins now.
    pub fn new(clock: Clock) -> Self {
        Self { clock, begun: clock.micros(), tally: Mutex::default() }
    }

    /// Notes something.
    pub fn note(&self, what: impl FnOnce(&mut Tally)) {
        what(&mut self.tally.lock());
    }

    /// An edit that was due then is acked now.
    pub fn acked(&self, due: u64) {
        let now = self.clock.micros();
        self.note(|tally| {
            tally.acks.add_micros(now.saturating_sub(due));
            count(&mut tally.acks_over_time, now.saturating_sub(self.begun), 1);
        });
    }

    /// Events are delivered now, which were due then.
    pub fn delivered(&self, events: u64, dues: impl Iterator<Item = u64>) {
        let now = self.clock.micros();
        self.note(|tally| {
            dues.for_each(|due| tally.deliveries.add_micros(now.saturating_sub(due)));
            tally.delivered += events;
            count(&mut tally.deliveries_over_time, now.saturating_sub(self.begun), events);
        });
    }

    /// A signal that was due then is delivered now.
    pub fn signalled(&self, due: Option<u64>) {
        let now = self.clock.micros();
        self.note(|tally| tally.signals.add_micros(due.map_or(0, |due| now.saturating_sub(due))));
    }

    /// What was counted so far.
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *self.tally.lock())
    }
}

fn count(over_time: &mut Vec<u64>, since: u64, by: u64) {
    let bucket = usize::try_from(since / BUCKET_MICROS).unwrap_or(0);
    if bucket >= over_time.len() {
        over_time.resize(bucket + 1, 0);
    }
    over_time[bucket] += by;
}

impl Tally {
    /// Edits that were acked.
    pub fn acked(&self) -> u64 {
        self.acks.count()
    }

    /// Adds rates and latencies.
    pub fn tell(&self, sheet: &mut Sheet, group: &str, elapsed: f64) {
        sheet.figure(group, "acked edits", self.acked() as f64 / elapsed, "/s");
        sheet.figure(group, "events delivered", self.delivered as f64 / elapsed, "/s");
        let times = [("ack", &self.acks), ("delivery", &self.deliveries), ("signal", &self.signals)];
        for (name, times) in times.into_iter().filter(|(_, times)| times.count() > 0) {
            for (quantile, words) in [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")] {
                sheet.figure(group, &format!("{name} {words}"), times.quantile_ms(quantile), "ms");
            }
        }
        for (name, count) in [("presence messages delivered", self.presence), ("resets", self.resets)] {
            if count > 0 {
                sheet.figure(group, name, count as f64, "");
            }
        }
    }

    /// Acks a second, over time.
    pub fn acks_line(&self, name: &str) -> Line {
        line(name, &self.acks_over_time)
    }

    /// Events delivered a second, over time.
    pub fn deliveries_line(&self, name: &str) -> Line {
        line(name, &self.deliveries_over_time)
    }
}

/// The last bucket is not full.
fn line(name: &str, over_time: &[u64]) -> Line {
    let bucket = BUCKET_MICROS as f64 / 1e6;
    let full = over_time.len().saturating_sub(1);
    let points = over_time[..full].iter().enumerate();
    Line::new(name, points.map(|(at, count)| ((at + 1) as f64 * bucket, *count as f64 / bucket)).collect())
}
