//! What one connection has seen of each numbered stream: a project's log, a document's versions, an author's clock.
//!
//! Promises: a number that is missing, comes twice, or comes after a higher one is counted as such; the first is forgiven
//! when it comes after all.
//! Must never: need memory for what came in order.

use std::collections::HashSet;

/// What went wrong on a connection, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flaws {
    /// Never came, though a higher one did.
    pub missing: u64,
    /// Came twice.
    pub repeated: u64,
    /// Came after a higher one.
    pub late: u64,
}

/// What has been seen.
#[derive(Debug, Default)]
pub struct Ledger {
    /// By stream: the next number, if all goes well.
    next: Vec<u64>,
    missing: HashSet<(usize, u64)>,
    seen: u64,
    repeated: u64,
    late: u64,
}

impl Ledger {
    /// Says where a stream goes on; without it, at 0.
    pub fn begin(&mut self, stream: usize, next: u64) {
        *self.next_of(stream) = next;
    }

    /// Notes a number.
    pub fn note(&mut self, stream: usize, number: u64) {
        let next = *self.next_of(stream);
        if number < next && !self.missing.remove(&(stream, number)) {
            self.repeated += 1;
            return;
        }
        self.seen += 1;
        if number < next {
            self.late += 1;
            return;
        }
        self.missing.extend((next..number).map(|missed| (stream, missed)));
        self.next[stream] = number + 1;
    }

    /// How many different numbers were noted.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// What went wrong so far.
    pub fn flaws(&self) -> Flaws {
        Flaws { missing: self.missing.len() as u64, repeated: self.repeated, late: self.late }
    }

    fn next_of(&mut self, stream: usize) -> &mut u64 {
        if self.next.len() <= stream {
            self.next.resize(stream + 1, 0);
        }
        &mut self.next[stream]
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaws, Ledger};

    #[test]
    fn what_is_missing_twice_or_late_is_counted() {
        let mut ledger = Ledger::default();
        ledger.begin(1, 5);
        for number in [5, 6, 9, 7, 7, 10] {
            ledger.note(1, number);
        }
        ledger.note(0, 0);
        assert_eq!(ledger.seen(), 6);
        assert_eq!(ledger.flaws(), Flaws { missing: 1, repeated: 1, late: 1 });
    }

    #[test]
    fn what_comes_in_order_leaves_nothing_behind() {
        let mut ledger = Ledger::default();
        (0..1_000).for_each(|number| ledger.note(0, number));
        assert_eq!((ledger.seen(), ledger.flaws()), (1_000, Flaws::default()));
        assert!(ledger.missing.is_empty());
    }
}
