//! One client's seat in one project: what it was shown, and what must come next.
//!
//! Promises: each disturbance of the order has one name, and does not drag others after it.
//! Must never: grow with the number of events; what is missing is kept as few spans, and they are settled.

use super::names::Name;
use crate::kind::Kind;

/// Spans of missing events that are waited for; beyond, the oldest is taken for a hole.
const MISSING_MAX: usize = 64;

/// A finding: what, at which seq, in words.
pub(super) type Finding = (Kind, u64, String);

/// What one client knows of one project.
#[derive(Debug)]
pub(super) struct Seat {
    joined: bool,
    epoch: Name,
    /// The last seq that was delivered, or was in the blocks.
    at: u64,
    /// The highest seq that the client was shown in this epoch, by whatever.
    top: u64,
    /// The highest seq that it was acked in this epoch.
    acked: u64,
    /// Left out so far: from, to.
    missing: Vec<(u64, u64)>,
    /// Epochs that it was in before.
    left: Vec<Name>,
}

impl Seat {
    /// Somebody who knows nothing yet comes into this epoch.
    pub(super) fn new(epoch: Name) -> Self {
        Self { joined: false, epoch, at: 0, top: 0, acked: 0, missing: Vec::new(), left: Vec::new() }
    }

    /// Which log it is in.
    pub(super) fn epoch(&self) -> Name {
        self.epoch
    }

    /// An ack of the project arrives.
    pub(super) fn acked(&mut self, seq: u64) {
        self.acked = self.acked.max(seq);
    }

    /// Whether the state at `seq` lacks something that the client was acked.
    pub(super) fn lacks_ack(&self, epoch: Name, seq: u64) -> bool {
        self.epoch == epoch && seq < self.acked
    }

    /// `joined`: the answer to what the client said it had.
    pub(super) fn join(&mut self, since: Option<(Name, u64)>, epoch: Name, seq: u64, found: &mut Vec<Finding>) {
        let known = since.filter(|(of, _)| *of == epoch && *of == self.epoch).map_or(0, |(_, seq)| seq.min(self.top));
        if seq < known {
            found.push((Kind::BackInTime, seq, format!("it had {known}")));
        }
        self.begin(epoch, seq, found);
    }

    /// `reset`.
    pub(super) fn reset(&mut self, epoch: Name, seq: u64, found: &mut Vec<Finding>) {
        if !self.joined {
            found.push((Kind::NotJoined, seq, "a reset".into()));
        } else if epoch == self.epoch && seq < self.at {
            found.push((Kind::BackInTime, seq, format!("a reset, from {}", self.at)));
        }
        self.begin(epoch, seq, found);
    }

    /// Recovered events: exactly those after `since`, up to `seq`.
    pub(super) fn recover(
        &mut self,
        since: Option<(Name, u64)>,
        epoch: Name,
        carried: &[u64],
        found: &mut Vec<Finding>,
    ) {
        let seq = self.at;
        let Some((_, since)) = since.filter(|(of, _)| *of == epoch) else {
            return found.push((Kind::RecoveredWrongly, seq, "nothing of this epoch was asked for".into()));
        };
        let whole = carried.iter().copied().eq(since + 1..=seq) && since <= seq;
        if !whole {
            let (first, last) = (carried.first(), carried.last());
            found.push((
                Kind::RecoveredWrongly,
                seq,
                format!("asked for all after {since}, got {first:?} to {last:?}"),
            ));
        }
    }

    /// One event arrives.
    pub(super) fn show(&mut self, epoch: Name, seq: u64, found: &mut Vec<Finding>) {
        if !self.joined {
            return found.push((Kind::NotJoined, seq, String::new()));
        }
        if epoch != self.epoch {
            found.push((Kind::EpochUntold, seq, String::new()));
            return self.begin(epoch, seq, found);
        }
        if seq == self.at + 1 {
            self.at = seq;
        } else if seq > self.at {
            self.miss((self.at + 1, seq - 1), found);
            self.at = seq;
        } else if self.fill(seq) {
            found.push((Kind::DeliveryDisorder, seq, format!("after {}", self.at)));
        } else {
            found.push((Kind::DeliveryRepeat, seq, format!("after {}", self.at)));
        }
        self.top = self.top.max(seq);
    }

    /// Nothing more is delivered: left, lost, or the history ends.
    pub(super) fn end(&mut self, found: &mut Vec<Finding>) {
        self.joined = false;
        found.extend(self.missing.drain(..).map(hole));
    }

    fn begin(&mut self, epoch: Name, seq: u64, found: &mut Vec<Finding>) {
        self.end(found);
        if epoch != self.epoch {
            if self.left.contains(&epoch) {
                found.push((Kind::BackInTime, seq, "to an epoch that it had left".into()));
            }
            self.left.retain(|left| *left != epoch);
            self.left.push(self.epoch);
            (self.epoch, self.top, self.acked) = (epoch, 0, 0);
        }
        (self.joined, self.at, self.top) = (true, seq, self.top.max(seq));
    }

    fn miss(&mut self, span: (u64, u64), found: &mut Vec<Finding>) {
        if self.missing.len() == MISSING_MAX {
            found.push(hole(self.missing.remove(0)));
        }
        self.missing.push(span);
    }

    /// Takes a seq out of what is missing, if it is.
    fn fill(&mut self, seq: u64) -> bool {
        let Some(place) = self.missing.iter().position(|(from, to)| (*from..=*to).contains(&seq)) else {
            return false;
        };
        let (from, to) = self.missing.remove(place);
        let rest = [(from, seq - 1), (seq + 1, to)];
        self.missing.extend(rest.into_iter().filter(|(from, to)| from <= to));
        true
    }
}

fn hole((from, to): (u64, u64)) -> Finding {
    (Kind::DeliveryHole, from, format!("{from} to {to} never came"))
}
