//! What was used within a sliding window: a ring of slots.
//!
//! Promises: within any time of the window's length no more was used than `used` says for its end, whatever the slots'
//! borders; a slot that is only partly within the window counts whole.
//! Must never: read a clock.

/// A window is so many slots long; one more is counted, because the oldest and the newest may each be there in part.
pub const SLOTS: u64 = 30;
const KEPT: usize = SLOTS as usize + 1;

/// One subject's use of one resource.
#[derive(Clone, Debug)]
pub struct Window {
    slot_ms: u64,
    /// By the slot's number, modulo `KEPT`.
    used: [u32; KEPT],
    /// The number of the newest slot.
    newest: u64,
}

impl Window {
    /// Nothing was used yet. A window shorter than its slots in milliseconds is as long as they are.
    pub fn new(window_ms: u64) -> Self {
        Self { slot_ms: (window_ms / SLOTS).max(1), used: [0; KEPT], newest: 0 }
    }

    /// So much was used at this time.
    pub fn add(&mut self, now_ms: u64, amount: u32) {
        self.advance(now_ms);
        let slot = &mut self.used[index(self.newest)];
        *slot = slot.saturating_add(amount);
    }

    /// What was used within the window that ends now.
    pub fn used(&mut self, now_ms: u64) -> u32 {
        self.advance(now_ms);
        self.used.iter().fold(0, |sum, used| sum.saturating_add(*used))
    }

    /// How long until some of it is no longer within the window; 0 if nothing was used.
    pub fn eases_in_ms(&mut self, now_ms: u64) -> u64 {
        self.advance(now_ms);
        let oldest = (self.newest.saturating_sub(SLOTS)..=self.newest).find(|slot| self.used[index(*slot)] > 0);
        oldest.map_or(0, |slot| ((slot + SLOTS + 1) * self.slot_ms).saturating_sub(now_ms))
    }

    /// Forgets all use.
    pub fn clear(&mut self) {
        self.used = [0; KEPT];
    }

    /// Time that goes backwards stands still.
    fn advance(&mut self, now_ms: u64) {
        let slot = (now_ms / self.slot_ms).max(self.newest);
        let passed = (slot - self.newest).min(KEPT as u64);
        for ahead in 0..passed {
            self.used[index(slot - ahead)] = 0;
        }
        self.newest = slot;
    }
}

fn index(slot: u64) -> usize {
    // The remainder is below KEPT.
    (slot % KEPT as u64) as usize
}
