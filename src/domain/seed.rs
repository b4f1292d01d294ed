//! The blocks that a new project begins with, as its first event.
//!
//! Promises: what is planted is a tree in the order given, each block at version 1.
//! Must never: take a block that an insert would not be allowed to bring.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::block::{self, Block, Content, Place};
use super::event::Change;
use super::ids::BlockId;
use super::merge;
use super::position::Position;
use super::sequence::Version;

/// A block to begin with.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    /// Its name.
    pub id: BlockId,
    /// 1–64 characters.
    pub kind: Arc<str>,
    /// Under which block, one that was given before it.
    pub parent: Option<BlockId>,
    /// A merge patch to `{}`.
    pub content: Content,
}

/// What is wrong with a block to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedFault {
    /// The parent was not given before it.
    #[error("the parent is not among the blocks before it")]
    UnknownParent,
    /// The id was given before.
    #[error("a block of this id was given before")]
    DuplicateId,
    /// Empty, or too long.
    #[error("a kind has 1 to 64 characters")]
    BadKind,
    /// A null where no merge patch could remove it.
    #[error("an array may not hold a null")]
    HiddenNull,
    /// Over `block_bytes_max`.
    #[error("the content is too large")]
    TooLarge,
}

/// Which block is wrong, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {index}: {fault}")]
pub struct SeedError {
    /// Its place in the list, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub fault: SeedFault,
}

/// The inserts that bring these blocks, siblings in the order given; contents of at most `block_bytes_max` bytes.
pub fn plant(seeds: Vec<Seed>, block_bytes_max: usize) -> Result<Vec<Change>, SeedError> {
    let mut bed = Bed::default();
    let plant = |(index, seed)| bed.plant(seed, block_bytes_max).map_err(|fault| SeedError { index, fault });
    seeds.into_iter().enumerate().map(plant).collect()
}

/// What was planted so far: each block's last child.
#[derive(Default)]
struct Bed {
    last: HashMap<Option<BlockId>, Position>,
    planted: HashSet<BlockId>,
}

impl Bed {
    fn plant(&mut self, seed: Seed, block_bytes_max: usize) -> Result<Change, SeedFault> {
        let Seed { id, kind, parent, content } = seed;
        if !block::is_kind(&kind) {
            return Err(SeedFault::BadKind);
        }
        if parent.is_some_and(|parent| !self.planted.contains(&parent)) {
            return Err(SeedFault::UnknownParent);
        }
        if !self.planted.insert(id) {
            return Err(SeedFault::DuplicateId);
        }
        if merge::hides_null(&content) {
            return Err(SeedFault::HiddenNull);
        }
        let content = merge::applied(&content);
        if merge::exceeds(&content, block_bytes_max) {
            return Err(SeedFault::TooLarge);
        }
        let place = Place { parent, position: self.next_position(parent) };
        Ok(Change::Insert { block: Block { id, kind, place, content, version: Version(1) } })
    }

    fn next_position(&mut self, parent: Option<BlockId>) -> Position {
        let last = self.last.get(&parent);
        // Counting on from the first key ends beyond any number of blocks that there is memory for.
        let next = Position::between(last, None).unwrap_or_else(|_| Position("a0".into()));
        self.last.insert(parent, next.clone());
        next
    }
}
