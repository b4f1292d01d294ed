//! What a room remembers of its project besides the blocks: recent events, graves, text windows.

use std::sync::Arc;

use super::block::{Grave, Project};
use super::event::Event;
use super::ids::BlockId;
use super::sequence::{Seq, Version};

/// What deciding lacks; the shell fetches it from the store and tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// All events that touched the block and made a version above `after`, up to now.
    Versions {
        /// Which block.
        block: BlockId,
        /// Not needed: this version and below.
        after: Version,
    },
    /// Whether a block of this name ever was, and what is left of it.
    Grave {
        /// Which block.
        block: BlockId,
    },
}

/// What a room remembers.
#[derive(Clone, Debug, Default)]
pub struct Past {
    _p: (),
}

impl Past {
    /// Remembers an event that was applied.
    pub fn append(&mut self, _event: Arc<Event>) {
        unimplemented!()
    }
    /// Forgets the events after `seq`, which did not become true.
    pub fn roll_back(&mut self, _seq: Seq) {
        unimplemented!()
    }
    /// Takes in what was fetched for `Need::Versions`: oldest first; empty or short where history was dropped.
    pub fn learn_versions(&mut self, _block: BlockId, _after: Version, _events: Vec<Arc<Event>>) {
        unimplemented!()
    }
    /// Takes in what was fetched for `Need::Grave`; `None`: no block of this name ever was.
    pub fn learn_grave(&mut self, _block: BlockId, _grave: Option<Grave>) {
        unimplemented!()
    }
    /// Drops what was learned for one decision.
    pub fn forget_learned(&mut self) {
        unimplemented!()
    }
    /// The events after `seq`, oldest first, if all of them are still here.
    pub fn since(&self, _seq: Seq, _project: &Project) -> Option<Vec<Arc<Event>>> {
        unimplemented!()
    }
}
