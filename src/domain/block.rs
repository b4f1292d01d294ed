//! Blocks, and a project's blocks at one seq.
//!
//! Promises: a project's blocks form a tree without cycles or orphans; siblings have distinct positions.
//! Must never: hold a null in a block's content.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::event::{Change, Event, Misfit};
use super::ids::BlockId;
use super::merge;
use super::position::Position;
use super::sequence::{Seq, Version};

/// A JSON object without nulls.
pub type Content = Map<String, Value>;

/// The most characters that a block's kind has.
const KIND_CHARS_MAX: usize = 64;

/// Whether a kind is 1–64 characters long.
pub fn is_kind(kind: &str) -> bool {
    (1..=KIND_CHARS_MAX).contains(&kind.chars().count())
}

/// Where a block stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Under which block; `None` is the top.
    pub parent: Option<BlockId>,
    /// Its order key among the siblings.
    pub position: Position,
}

/// The smallest unit with a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its name; never used twice in a project.
    pub id: BlockId,
    /// The application's word for what it is, 1–64 characters.
    pub kind: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// What it holds.
    pub content: Content,
    /// How often it was touched.
    pub version: Version,
}

impl Block {
    /// About how much memory it holds, in bytes.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.kind.len() + self.place.position.as_str().len() + merge::weight(&self.content)
    }
}

/// What is left of a deleted block: enough to answer who names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grave {
    /// The version that its deletion made.
    pub version: Version,
    /// Where it stood last.
    pub place: Place,
}

/// The blocks of one project after one seq.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The last event that is in here.
    pub seq: Seq,
    /// The seq of the last edit that inserted, moved or deleted.
    pub tree_seq: Seq,
    blocks: HashMap<BlockId, Arc<Block>>,
    children: HashMap<Option<BlockId>, BTreeMap<Position, BlockId>>,
}

impl Project {
    /// A project with these blocks, in any order.
    pub fn new(seq: Seq, tree_seq: Seq, blocks: impl IntoIterator<Item = Block>) -> Self {
        let mut project = Self { seq, tree_seq, ..Self::default() };
        for block in blocks {
            project.put(Arc::new(block));
        }
        project
    }

    /// The living block of this name.
    pub fn get(&self, id: BlockId) -> Option<&Arc<Block>> {
        self.blocks.get(&id)
    }

    /// How many blocks live.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether no block lives.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The blocks directly under `parent`, in order.
    pub fn children(&self, parent: Option<BlockId>) -> impl DoubleEndedIterator<Item = (&Position, BlockId)> {
        self.children.get(&parent).into_iter().flatten().map(|(position, id)| (position, *id))
    }

    /// Order keys under `parent`, for finding a place between two.
    pub fn siblings(&self, parent: Option<BlockId>) -> Option<&BTreeMap<Position, BlockId>> {
        self.children.get(&parent)
    }

    /// All blocks, parents before children, siblings in order: the order of snapshots.
    pub fn in_order(&self) -> Vec<&Arc<Block>> {
        let mut found = Vec::with_capacity(self.blocks.len());
        let mut open: Vec<BlockId> = self.children(None).map(|(_, id)| id).rev().collect();
        while let Some(id) = open.pop() {
            found.extend(self.blocks.get(&id));
            open.extend(self.children(Some(id)).map(|(_, id)| id).rev());
        }
        found
    }

    /// `id` and everything under it, parents before children.
    pub fn subtree(&self, id: BlockId) -> Vec<&Arc<Block>> {
        let mut found = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            found.extend(self.blocks.get(&id));
            open.extend(self.children(Some(id)).map(|(_, id)| id).rev());
        }
        found
    }

    /// Whether `id` is `root` or stands under it.
    pub fn is_under(&self, id: BlockId, root: BlockId) -> bool {
        let mut at = Some(id);
        while let Some(here) = at {
            if here == root {
                return true;
            }
            at = self.blocks.get(&here).and_then(|block| block.place.parent);
        }
        false
    }

    /// Puts a block in, in the stead of the one of its name if there is one, which is returned.
    pub fn put(&mut self, block: Arc<Block>) -> Option<Arc<Block>> {
        let before = self.take(block.id);
        self.children.entry(block.place.parent).or_default().insert(block.place.position.clone(), block.id);
        self.blocks.insert(block.id, block);
        before
    }

    /// Takes a block out; what stood under it stays, for the caller to take out too.
    pub fn take(&mut self, id: BlockId) -> Option<Arc<Block>> {
        let block = self.blocks.remove(&id)?;
        if let Some(siblings) = self.children.get_mut(&block.place.parent) {
            if siblings.get(&block.place.position) == Some(&id) {
                siblings.remove(&block.place.position);
            }
            if siblings.is_empty() {
                self.children.remove(&block.place.parent);
            }
        }
        Some(block)
    }
}

/// Events, forwards and back.
impl Project {
    /// Applies the event that comes next; answers which blocks it touched, each once, with its version now.
    ///
    /// Errors: the event does not fit these blocks; they are then good for nothing any more.
    pub fn apply(&mut self, event: &Event) -> Result<Vec<(BlockId, Version)>, Misfit> {
        event.changes.iter().try_for_each(|change| self.apply_change(change))?;
        self.seq = event.seq;
        if event.is_structural() {
            self.tree_seq = event.seq;
        }
        Ok(event.touched())
    }

    /// Takes back the last event that was applied: the exact inverse of `apply`, but for `tree_seq`: an event does not
    /// know what that was before. Whoever goes back to go on from there puts it back.
    ///
    /// Errors: as `apply`.
    pub fn take_back(&mut self, event: &Event) -> Result<(), Misfit> {
        event.changes.iter().rev().try_for_each(|change| self.take_back_change(change))?;
        self.seq = Seq(event.seq.0.saturating_sub(1));
        Ok(())
    }

    fn apply_change(&mut self, change: &Change) -> Result<(), Misfit> {
        match change {
            Change::Insert { block } => self.put_new(block),
            Change::Delete { blocks } => {
                blocks.iter().rev().try_for_each(|block| self.take(block.id).map(drop).ok_or(Misfit))
            }
            Change::Update { block, .. } | Change::Text { block, .. } | Change::Move { block, .. } => {
                let held = self.take(*block);
                self.put_back(change.apply_to(*block, held)?)
            }
        }
    }

    fn take_back_change(&mut self, change: &Change) -> Result<(), Misfit> {
        match change {
            Change::Insert { block } => self.take(block.id).map(drop).ok_or(Misfit),
            Change::Delete { blocks } => blocks.iter().try_for_each(|block| self.put_new(block)),
            Change::Update { block, .. } | Change::Text { block, .. } | Change::Move { block, .. } => {
                let held = self.take(*block);
                self.put_back(change.take_back_from(*block, held)?)
            }
        }
    }

    fn put_new(&mut self, block: &Block) -> Result<(), Misfit> {
        if self.blocks.contains_key(&block.id) {
            return Err(Misfit);
        }
        self.put_back(Some(Arc::new(block.clone())))
    }

    fn put_back(&mut self, block: Option<Arc<Block>>) -> Result<(), Misfit> {
        let block = block.ok_or(Misfit)?;
        let siblings = self.siblings(block.place.parent);
        if siblings.is_some_and(|siblings| siblings.contains_key(&block.place.position)) {
            return Err(Misfit);
        }
        self.put(block);
        Ok(())
    }
}
