//! Text changed in place, and taken back (ED11, ED12, HI2).
//!
//! Promises: text never conflicts with text; merging costs what the concurrent window costs.
//! Must never: merge into a string that was replaced since its author saw it.

use std::sync::Arc;

use super::base::{Basis, Stand, paths_of};
use super::judge::{Halt, Judge, Step};
use crate::domain::block::Block;
use crate::domain::edit::{OnConflict, Op};
use crate::domain::event::{Change, Event};
use crate::domain::ids::BlockId;
use crate::domain::merge::{self, Pointer};
use crate::domain::past::{Missing, Need};
use crate::domain::sequence::Version;
use crate::domain::text::{self, Sent, Splice, TextChange, Window};

/// How many versions more than needed are asked for: a window often begins a little before the base.
const VERSIONS_AHEAD: u64 = 64;

/// A text change that an earlier op of the edit took back.
pub(super) struct Undone {
    block: BlockId,
    path: Pointer,
    sent: Arc<Sent>,
}

impl Judge<'_> {
    pub(super) fn text(&mut self, op: &Op, id: BlockId, base: Version, path: &Pointer, changes: &[TextChange]) -> Step {
        let block = self.living(op, id)?;
        let sent = Sent::Typed { base, changes: changes.to_vec() };
        let splices = match self.stand(id, base)? {
            Stand::Unknown => return Err(self.conflict(op, Basis::Unknown, paths_of(op))),
            Stand::Current => text::splices_of(string(&block, path)?, changes)?,
            Stand::Stale => self.merge_text(op, &block, path, changes, &sent)?,
        };
        self.push_text(&block, path, splices, sent)
    }

    fn merge_text(
        &mut self,
        op: &Op,
        block: &Block,
        path: &Pointer,
        changes: &[TextChange],
        sent: &Sent,
    ) -> Step<Vec<Splice>> {
        let id = block.id;
        let base = sent.reach();
        let Some(events) = self.window_since(id, base)? else {
            return Err(self.conflict(op, Basis::Unknown, paths_of(op)));
        };
        let by_others = events.iter().any(|event| event.actor.id != *self.author);
        let is_rejected = self.edit.on_conflict == OnConflict::Reject && by_others;
        if is_rejected || changes_of(&events, id).any(|change| replaces(change, id, path)) {
            return Err(self.conflict(op, Basis::Seen, paths_of(op)));
        }
        self.merged = true;
        if texts_of(&events, id, path).next().is_none() {
            return Ok(text::splices_of(string(block, path)?, changes)?);
        }
        if self.past.window(id, path, base).is_none() {
            let Some(window) = self.build_window(id, path, base)? else {
                return Err(self.conflict(op, Basis::Unknown, paths_of(op)));
            };
            return self.merge_and_keep(id, path, window, sent);
        }
        let window = self.past.window(id, path, base).ok_or(Halt::Moot)?;
        Ok(window.merge(sent)?)
    }

    fn merge_and_keep(&mut self, id: BlockId, path: &Pointer, mut window: Window, sent: &Sent) -> Step<Vec<Splice>> {
        let splices = window.merge(sent)?;
        self.past.keep_window(id, path.clone(), window);
        Ok(splices)
    }

    fn push_text(&mut self, block: &Block, path: &Pointer, splices: Vec<Splice>, sent: Sent) -> Step {
        let version = self.draft.version_after(block);
        let grows = splices.iter().any(|splice| !splice.inserted.is_empty());
        self.draft.push(Change::Text { block: block.id, version, path: path.clone(), splices, sent })?;
        if grows { self.check_growth(block.id, &block.content) } else { Ok(()) }
    }
}

/// Windows.
impl Judge<'_> {
    /// The events since `base`, if that is not too far back; `None`: an unknown base.
    fn window_since(&self, id: BlockId, base: Version) -> Step<Option<Vec<Arc<Event>>>> {
        let versions = self.version_before(id).0.saturating_sub(base.0);
        if versions > self.limits.text_window_max {
            return Ok(None);
        }
        match self.past.history(id, base, self.version_before(id)) {
            Ok(events) => Ok(Some(events)),
            Err(Missing::Dropped) => Ok(None),
            Err(Missing::Ask(Need::Versions { block, after })) => {
                let after = Version(after.0.saturating_sub(VERSIONS_AHEAD));
                Err(Halt::Lacks(Need::Versions { block, after }))
            }
            Err(Missing::Ask(need)) => Err(Halt::Lacks(need)),
        }
    }

    /// The events of the block since a version at or before `reach` that every later change of the string has seen;
    /// `None` if they are not kept.
    fn critical(&self, id: BlockId, path: &Pointer, reach: Version) -> Step<Option<(Version, Vec<Arc<Event>>)>> {
        let mut start = reach;
        loop {
            let Some(events) = self.window_since(id, start)? else { return Ok(None) };
            let lowest = texts_of(&events, id, path).map(|(_, sent, _)| sent.reach()).min();
            match lowest.filter(|lowest| *lowest < start) {
                Some(lowest) => start = lowest,
                None => return Ok(Some((start, events))),
            }
        }
    }

    /// A window of the string as it was before the edit, reaching back to `reach`; `None` if that is not kept.
    fn build_window(&self, id: BlockId, path: &Pointer, reach: Version) -> Step<Option<Window>> {
        let Some((start, events)) = self.critical(id, path, reach)? else { return Ok(None) };
        let now = self.project.get(id).ok_or(Halt::Moot)?;
        let texts: Vec<_> = texts_of(&events, id, path).collect();
        let mut string = string(now, path)?.to_owned();
        for (_, _, splices) in texts.iter().rev() {
            string = text::take_back(&string, splices)?;
        }
        let mut window = Window::new(start, &string);
        for (version, sent, _) in texts {
            window.push(version, Arc::new(sent.clone()))?;
        }
        Ok(Some(window))
    }
}

/// Taking back.
impl Judge<'_> {
    /// Takes back the text change that made `target`.
    pub(super) fn untext(&mut self, op: &Op, id: BlockId, path: &Pointer, target: Version) -> Step {
        let block = self.living(op, id)?;
        if self.stand(id, target)? == Stand::Unknown {
            return Err(self.conflict(op, Basis::Unknown, paths_of(op)));
        }
        let Some(events) = self.window_since(id, target.previous())? else {
            return Err(self.conflict(op, Basis::Unknown, paths_of(op)));
        };
        self.note_merged(id, target)?;
        let changes: Vec<_> = changes_of(&events, id).collect();
        let is_target = |change: &&Change| text_of(change, id, path).is_some_and(|(version, ..)| version == target);
        let (first, last) = (changes.iter().position(is_target), changes.iter().rposition(is_target));
        let (first, last) = first.zip(last).ok_or(Halt::Invalid("the target did not change this text"))?;
        if changes.iter().skip(last).any(|change| replaces(change, id, path)) {
            return self.untext_replaced(op, &block, path, changes.split_at(last + 1), first);
        }
        let texts = texts_of(&events, id, path).filter(|(version, ..)| *version == target);
        let reach = texts.map(|(_, sent, _)| sent.reach()).min().unwrap_or(target);
        self.untext_merged(op, &block, path, Sent::Undone { target, reach })
    }

    /// Characters are themselves again as long as their string is.
    fn untext_merged(&mut self, op: &Op, block: &Block, path: &Pointer, sent: Sent) -> Step {
        let kept = self.past.window(block.id, path, sent.reach()).cloned();
        let window = kept.map_or_else(|| self.build_window(block.id, path, sent.reach()), |kept| Ok(Some(kept)))?;
        let Some(mut window) = window else { return Err(self.conflict(op, Basis::Unknown, paths_of(op))) };
        let version = self.version_before(block.id).next();
        for undone in self.undone.iter().filter(|undone| undone.block == block.id && undone.path == *path) {
            window.push(version, undone.sent.clone())?;
        }
        let splices = window.merge(&sent)?;
        self.undone.push(Undone { block: block.id, path: path.clone(), sent: Arc::new(sent.clone()) });
        self.push_text(block, path, splices, sent)
    }

    /// Another string took the place since. If taking that back has brought the same characters back, the one before
    /// them is put in their place.
    fn untext_replaced(
        &mut self,
        op: &Op,
        block: &Block,
        path: &Pointer,
        (held, later): (&[&Change], &[&Change]),
        first: usize,
    ) -> Step {
        let now = self.project.get(block.id).cloned();
        let after = taken_back(now, later, block.id)?;
        let before = taken_back(after.clone(), held.get(first..).unwrap_or_default(), block.id)?;
        let (Some(after), Some(before)) = (after, before) else { return Err(Halt::Moot) };
        if string(block, path)? != string(&after, path)? {
            return Err(self.conflict(op, Basis::Seen, paths_of(op)));
        }
        self.push_update(block, path.patch(string(&before, path)?.into()))
    }
}

fn taken_back(block: Option<Arc<Block>>, changes: &[&Change], id: BlockId) -> Step<Option<Arc<Block>>> {
    changes.iter().rev().try_fold(block, |block, change| Ok(change.take_back_from(id, block)?))
}

fn string<'a>(block: &'a Block, path: &Pointer) -> Step<&'a str> {
    path.text(&block.content).ok_or(Halt::Invalid("there is no string at this path"))
}

fn changes_of(events: &[Arc<Event>], id: BlockId) -> impl DoubleEndedIterator<Item = &Change> {
    let changes = events.iter().flat_map(|event| &event.changes);
    changes.filter(move |change| change.version_of(id).is_some())
}

/// Whether a change puts another string, or nothing, in the place of the one at `path`.
fn replaces(change: &Change, id: BlockId, path: &Pointer) -> bool {
    match change {
        Change::Update { block, patch, .. } => *block == id && merge::replaces(patch, path),
        Change::Insert { .. } | Change::Delete { .. } => change.version_of(id).is_some(),
        Change::Text { .. } | Change::Move { .. } => false,
    }
}

fn texts_of<'a>(
    events: &'a [Arc<Event>],
    id: BlockId,
    path: &Pointer,
) -> impl DoubleEndedIterator<Item = (Version, &'a Sent, &'a [Splice])> {
    events.iter().flat_map(|event| &event.changes).filter_map(move |change| text_of(change, id, path))
}

fn text_of<'a>(change: &'a Change, id: BlockId, at: &Pointer) -> Option<(Version, &'a Sent, &'a [Splice])> {
    match change {
        Change::Text { block, version, path, splices, sent } if *block == id && path == at => {
            Some((*version, sent, splices))
        }
        _ => None,
    }
}
