//! Chance that a seed decides.
//!
//! Promises: the same seed gives the same draws, on every machine; a fork's draws do not depend on how many its parent
//! makes later.
//! Must never: be used where an adversary is.

/// A generator: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Another generator, for somebody else.
    pub fn fork(&mut self) -> Self {
        Self(self.bits())
    }

    /// From 0 to below `end`; 0 if that is empty.
    pub fn below(&mut self, end: usize) -> usize {
        // The bias is far below what anybody here could see.
        usize::try_from(self.bits() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// Whether one of `out_of` equal cases happens.
    pub fn one_in(&mut self, out_of: usize) -> bool {
        self.below(out_of) == 0
    }

    /// One of them, if there is any.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> uuid::Uuid {
        let bytes = (u128::from(self.bits()) << 64 | u128::from(self.bits())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
