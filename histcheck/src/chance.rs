//! Seeded chance, for histories that are made up.
//!
//! Promises: the same seed, the same numbers, everywhere.
//! Must never: guard anything; it is splitmix64 (Steele, Lea and Flood, 2014).

use crate::id::Id;

/// A row of numbers without pattern.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The row that a seed begins.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % (end.max(1) as u64)) as usize
    }

    /// Whether something happens that does so once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A new id.
    pub fn id(&mut self) -> Id {
        Id(u128::from(self.number()) << 64 | u128::from(self.number()))
    }
}
