//! What a room remembers of its project besides the blocks: recent events, graves, text windows.
//!
//! Recent events stand in a ring; what is known of a block's versions and graves is known through them, and goes with
//! them. What the ring does not hold is asked for ([`Need`]), learned for one decision, and forgotten.
//!
//! Promises: bounded. The ring holds at most `events_max` events of `bytes_max` bytes together; there are at most
//! `windows_max` text windows of `window_runs_max` runs each; what was learned goes with `forget_learned`.
//! Must never: take what it does not remember for what never was.

mod windows;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use self::windows::Windows;
use super::block::{Grave, Project};
use super::event::{Change, Event};
use super::ids::{BlockId, EditId};
use super::merge::Pointer;
use super::sequence::{Seq, Version};
use super::text::Window;

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

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastLimits {
    /// Recent events.
    pub events_max: usize,
    /// Bytes of memory that they hold together, about.
    pub bytes_max: usize,
    /// Text windows.
    pub windows_max: usize,
    /// Runs of characters in one text window, and events that wait to be merged into it.
    pub window_runs_max: usize,
}

impl Default for PastLimits {
    fn default() -> Self {
        Self { events_max: 2_048, bytes_max: 2 << 20, windows_max: 16, window_runs_max: 16_384 }
    }
}

/// Why an event of a block cannot be had from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// Fetch it.
    Ask(Need),
    /// The store has dropped it.
    Dropped,
}

/// What is known of a block that does not live.
#[derive(Clone, Debug, PartialEq)]
pub enum Remains {
    /// It was deleted.
    Grave(Grave),
    /// There never was one.
    Never,
    /// Not known here.
    Unknown,
}

/// One block's history as it was fetched.
#[derive(Clone, Debug)]
struct Learned {
    after: Version,
    upto: Version,
    events: BTreeMap<Version, Arc<Event>>,
}

/// What a room remembers.
#[derive(Clone, Debug, Default)]
pub struct Past {
    limits: PastLimits,
    recent: VecDeque<Arc<Event>>,
    bytes: usize,
    by_edit: HashMap<EditId, Arc<Event>>,
    by_block: HashMap<BlockId, VecDeque<(Version, Arc<Event>)>>,
    graves: HashMap<BlockId, Grave>,
    learned: HashMap<BlockId, Learned>,
    learned_graves: HashMap<BlockId, Option<Grave>>,
    windows: Windows,
}

impl Past {
    /// A past with nothing in it yet.
    pub fn new(limits: PastLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Remembers an event that was applied. If it is not the next after the last one, everything before is forgotten.
    pub fn append(&mut self, event: Arc<Event>) {
        if self.recent.back().is_some_and(|last| last.seq.next() != event.seq) {
            self.forget_all();
        }
        for (block, version) in event.touched() {
            self.by_block.entry(block).or_default().push_back((version, event.clone()));
        }
        for change in &event.changes {
            self.note_grave(change);
            self.windows.observe(change, &self.limits);
        }
        self.by_edit.insert(event.edit, event.clone());
        self.bytes += event.weight();
        self.recent.push_back(event);
        while self.recent.len() > self.limits.events_max || self.bytes > self.limits.bytes_max {
            self.forget_oldest();
        }
    }

    fn note_grave(&mut self, change: &Change) {
        if let Change::Insert { block } = change {
            self.graves.remove(&block.id);
            self.learned_graves.remove(&block.id);
        }
        self.graves.extend(change.graves());
    }

    fn forget_oldest(&mut self) {
        let Some(event) = self.recent.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(event.weight());
        self.by_edit.remove(&event.edit);
        for (block, version) in event.touched() {
            self.unlink(block, VecDeque::pop_front);
            if self.graves.get(&block).is_some_and(|grave| grave.version == version) {
                self.graves.remove(&block);
            }
        }
    }

    fn unlink(
        &mut self,
        block: BlockId,
        pop: impl FnOnce(&mut VecDeque<(Version, Arc<Event>)>) -> Option<(Version, Arc<Event>)>,
    ) {
        if let Some(versions) = self.by_block.get_mut(&block) {
            pop(versions);
            if versions.is_empty() {
                self.by_block.remove(&block);
            }
        }
    }

    /// Forgets the events after `seq`, which did not become true.
    pub fn roll_back(&mut self, seq: Seq) {
        while self.recent.back().is_some_and(|last| last.seq > seq) {
            let Some(event) = self.recent.pop_back() else { return };
            self.bytes = self.bytes.saturating_sub(event.weight());
            self.by_edit.remove(&event.edit);
            for (block, _) in event.touched() {
                self.unlink(block, VecDeque::pop_back);
                // A grave that it dug is none; of one that it opened nothing is known here any more.
                self.graves.remove(&block);
                self.windows.forget(block);
            }
        }
        self.forget_learned();
    }

    /// Forgets everything: the blocks are another snapshot's from now on.
    pub fn forget_all(&mut self) {
        *self = Self::new(self.limits);
    }

    /// Takes in what was fetched for `Need::Versions`: oldest first; empty or short where history was dropped.
    pub fn learn_versions(&mut self, block: BlockId, after: Version, events: Vec<Arc<Event>>) {
        let by_version = |event: Arc<Event>| Some((event.version_of(block)?, event));
        let events: BTreeMap<_, _> = events.into_iter().filter_map(by_version).collect();
        let upto = events.last_key_value().map_or(Version(u64::MAX), |(version, _)| *version);
        self.learned.insert(block, Learned { after, upto, events });
    }

    /// Takes in what was fetched for `Need::Grave`; `None`: no block of this name ever was.
    pub fn learn_grave(&mut self, block: BlockId, grave: Option<Grave>) {
        self.learned_graves.insert(block, grave);
    }

    /// Drops what was learned for one decision.
    pub fn forget_learned(&mut self) {
        self.learned.clear();
        self.learned_graves.clear();
    }

    /// The events after `seq`, oldest first, if all of them are still here.
    pub fn since(&self, seq: Seq, project: &Project) -> Option<Vec<Arc<Event>>> {
        let missing = usize::try_from(project.seq.0.checked_sub(seq.0)?).ok()?;
        let first = self.recent.len().checked_sub(missing)?;
        let up_to_date = missing == 0 || self.recent.back().is_some_and(|last| last.seq == project.seq);
        up_to_date.then(|| self.recent.range(first..).cloned().collect())
    }

    /// The event of an edit, if it is among the recent ones.
    pub fn find_edit(&self, edit: EditId) -> Option<Arc<Event>> {
        self.by_edit.get(&edit).cloned()
    }

    /// What is left of a block that does not live.
    pub fn remains(&self, block: BlockId) -> Remains {
        match (self.graves.get(&block), self.learned_graves.get(&block)) {
            (Some(grave), _) | (None, Some(Some(grave))) => Remains::Grave(grave.clone()),
            (None, Some(None)) => Remains::Never,
            (None, None) => Remains::Unknown,
        }
    }

    /// The event that made `version` of a block; if it has to be fetched, then everything after `ask_after`.
    pub fn event_of(&self, block: BlockId, version: Version, ask_after: Version) -> Result<&Arc<Event>, Missing> {
        let recent = self.by_block.get(&block).and_then(|versions| {
            let (first, _) = versions.front()?;
            let index = usize::try_from(version.0.checked_sub(first.0)?).ok()?;
            versions.get(index).map(|(_, event)| event)
        });
        let learned = self.learned.get(&block);
        let found = recent.or_else(|| learned?.events.get(&version));
        found.ok_or_else(|| match learned {
            Some(learned) if learned.after < version && version <= learned.upto => Missing::Dropped,
            _ => Missing::Ask(Need::Versions { block, after: ask_after }),
        })
    }

    /// The events that gave a block the versions above `after`, up to `upto`, oldest first.
    pub fn history(&self, block: BlockId, after: Version, upto: Version) -> Result<Vec<Arc<Event>>, Missing> {
        let versions = (after.0.saturating_add(1)..=upto.0).rev();
        let mut events: Vec<_> =
            versions.map(|version| self.event_of(block, Version(version), after).cloned()).collect::<Result<_, _>>()?;
        events.reverse();
        Ok(events)
    }

    /// The window of a string that is kept and reaches back to `reach`.
    pub fn window(&mut self, block: BlockId, path: &Pointer, reach: Version) -> Option<&mut Window> {
        self.windows.get(block, path, reach)
    }

    /// Keeps a window that is up to date, for the next one who needs it.
    pub fn keep_window(&mut self, block: BlockId, path: Pointer, window: Window) {
        self.windows.keep(block, path, window, &self.limits);
    }
}
