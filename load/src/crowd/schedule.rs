//! When something is to be sent, whatever became of what was sent before.
//!
//! Promises: times depend on the plan alone: a slow server does not make the load smaller.
//! Must never: skip what is late; it is sent late, and counted so.

/// Evenly spread times, in microseconds of the run's clock.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    next: f64,
    every: f64,
    until: f64,
}

impl Schedule {
    /// One of `of` that share a rate a second from `begin` on: the one with this number.
    pub fn shared(rate: f64, number: usize, of: usize, begin: u64, until: u64) -> Self {
        let gap = 1e6 / rate;
        Self { next: begin as f64 + gap * number as f64, every: gap * of as f64, until: until as f64 }
    }

    /// When the next one is due; none when it is over.
    pub fn due(&self) -> Option<u64> {
        (self.next < self.until).then_some(self.next as u64)
    }

    /// The next one, if it is due by then; it counts as done.
    pub fn take_due(&mut self, now: u64) -> Option<u64> {
        let due = self.due().filter(|due| *due <= now)?;
        self.advance();
        Some(due)
    }

    /// Goes on to the one after.
    pub fn advance(&mut self) {
        self.next += self.every;
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn many_share_a_rate_evenly() {
        let mut all = Vec::new();
        for number in 0..4 {
            let mut schedule = Schedule::shared(100.0, number, 4, 1_000, 1_001_000);
            while let Some(due) = schedule.due() {
                all.push(due);
                schedule.advance();
            }
        }
        all.sort_unstable();
        assert_eq!(all.len(), 100);
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] == 10_000));
    }
}
