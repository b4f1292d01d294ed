//! A project as the ops of one edit leave it, op by op, without touching the project itself.
//!
//! Promises: costs what the edit touches, not what the project holds; its changes, applied to the project, give the
//! project that it shows.
//! Must never: let a position be taken twice, or a version rise twice.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::domain::block::{Block, Place, Project};
use crate::domain::event::{Change, Misfit};
use crate::domain::ids::BlockId;
use crate::domain::position::{Position, PositionError};
use crate::domain::sequence::Version;

/// A project and what an edit has done to it so far.
pub(super) struct Draft<'a> {
    before: &'a Project,
    /// The touched blocks; `None` is a deleted one.
    blocks: HashMap<BlockId, Option<Arc<Block>>>,
    /// Order keys that are taken (`Some`) or free (`None`), other than before.
    places: HashMap<Option<BlockId>, BTreeMap<Position, Option<BlockId>>>,
    changes: Vec<Change>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(before: &'a Project) -> Self {
        Self { before, blocks: HashMap::new(), places: HashMap::new(), changes: Vec::new() }
    }

    /// The block as it is now, if it lives.
    pub(super) fn get(&self, id: BlockId) -> Option<&Arc<Block>> {
        match self.blocks.get(&id) {
            Some(touched) => touched.as_ref(),
            None => self.before.get(id),
        }
    }

    /// Whether this edit has deleted it.
    pub(super) fn has_deleted(&self, id: BlockId) -> bool {
        matches!(self.blocks.get(&id), Some(None))
    }

    /// The version that the edit gives to a living block.
    pub(super) fn version_after(&self, block: &Block) -> Version {
        if self.blocks.contains_key(&block.id) { block.version } else { block.version.next() }
    }

    /// What changed so far, in order.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What changed.
    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Takes a change in.
    pub(super) fn push(&mut self, change: Change) -> Result<(), Misfit> {
        for (id, _) in change.touched() {
            let before = self.get(id).cloned();
            let after = change.apply_to(id, before.clone())?;
            if before.as_ref().map(|block| &block.place) != after.as_ref().map(|block| &block.place) {
                self.note(before.as_deref(), None);
                self.note(after.as_deref(), Some(id));
            }
            self.blocks.insert(id, after);
        }
        self.changes.push(change);
        Ok(())
    }

    fn note(&mut self, block: Option<&Block>, holder: Option<BlockId>) {
        if let Some(Place { parent, position }) = block.map(|block| &block.place) {
            self.places.entry(*parent).or_default().insert(position.clone(), holder);
        }
    }

    /// The first taken order key under `parent` within `from`, leaving `except` out, and who has it.
    fn first(&self, parent: Option<BlockId>, from: Bound<&Position>, except: Option<BlockId>) -> Option<&Position> {
        let range = (from, Bound::Unbounded);
        let own = self.places.get(&parent);
        let before = self.before.siblings(parent).and_then(|siblings| {
            let untouched = |key: &Position| own.is_none_or(|own| !own.contains_key(key));
            siblings.range::<Position, _>(range).find(|(key, id)| Some(**id) != except && untouched(key))
        });
        let own = own.and_then(|own| own.range::<Position, _>(range).find(|(_, id)| id.is_some() && **id != except));
        let keys = [before.map(|(key, _)| key), own.map(|(key, _)| key)];
        keys.into_iter().flatten().min()
    }

    /// The place under `parent` behind the order key `after` (`None`: first of all), for a new block or for `moving`,
    /// which stays where it is if it is there already.
    pub(super) fn place_behind(
        &self,
        parent: Option<BlockId>,
        after: Option<&Position>,
        moving: Option<&Block>,
    ) -> Result<Place, PositionError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.first(parent, from, moving.map(|block| block.id));
        if let Some(Place { parent: held, position }) = moving.map(|block| &block.place)
            && *held == parent
            && after.is_none_or(|after| position > after)
            && next.is_none_or(|next| position < next)
        {
            return Ok(Place { parent, position: position.clone() });
        }
        Ok(Place { parent, position: Position::between(after, next)? })
    }

    /// `place`, or the next free one behind it if another than `id` stands there.
    pub(super) fn free_place(&self, place: &Place, id: BlockId) -> Result<Place, PositionError> {
        let taken = self.first(place.parent, Bound::Included(&place.position), Some(id));
        if taken != Some(&place.position) {
            return Ok(place.clone());
        }
        self.place_behind(place.parent, Some(&place.position), None)
    }

    /// Whether `id` is `root` or stands under it.
    pub(super) fn is_under(&self, id: BlockId, root: BlockId) -> bool {
        let mut at = Some(id);
        while let Some(here) = at {
            if here == root {
                return true;
            }
            at = self.get(here).and_then(|block| block.place.parent);
        }
        false
    }

    /// Whether something stands under a block.
    pub(super) fn has_children(&self, id: BlockId) -> bool {
        self.first(Some(id), Bound::Unbounded, None).is_some()
    }

    /// A block and everything under it, parents before children, as a `Change::Delete` lists them: with the version
    /// before the one that the edit gives.
    pub(super) fn doomed(&self, root: &Arc<Block>) -> Vec<Block> {
        let mut found = Vec::new();
        let mut open = vec![root.id];
        while let Some(id) = open.pop() {
            if let Some(block) = self.get(id) {
                found.push(Block { version: self.version_after(block).previous(), ..Block::clone(block) });
            }
            open.extend(self.children(id));
        }
        found
    }

    fn children(&self, parent: BlockId) -> Vec<BlockId> {
        let own = self.places.get(&Some(parent));
        let before = self.before.siblings(Some(parent)).into_iter().flatten();
        let before = before.filter(|(key, _)| own.is_none_or(|own| !own.contains_key(*key))).map(|(_, id)| *id);
        before.chain(own.into_iter().flatten().filter_map(|(_, id)| *id)).collect()
    }
}
