//! Text changed in place, and taken back ([ED11], [ED12], [HI2]).
//!
//! Promises: text never conflicts with text; merging costs what the concurrent window costs.
//! Must never: merge into a string that was replaced since its author saw it.

use std::sync::Arc;

use serde_json::Value;

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

/// A text that an op of the edit changed.
pub(super) struct Typed {
    pub(super) block: BlockId,
    pub(super) path: Pointer,
    sent: Arc<Sent>,
    splices: Vec<Splice>,
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
        let typed =
            Typed { block: block.id, path: path.clone(), sent: Arc::new(sent.clone()), splices: splices.clone() };
        self.typed.push(typed);
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
        let strand = self.strand(id, path, reach, None)?;
        strand.map(|strand| strand.window()).transpose()
    }

    /// The string's history since a version at or before `reach` that every later change has seen, up to now, or until
    /// another string took its place after `target`; `None` if that is not kept.
    fn strand(&self, id: BlockId, path: &Pointer, reach: Version, target: Option<Version>) -> Step<Option<Strand>> {
        let Some((start, events)) = self.critical(id, path, reach)? else { return Ok(None) };
        let changes: Vec<_> = changes_of(&events, id).collect();
        let end = target.and_then(|target| replaced_after(&changes, id, path, target)).unwrap_or(changes.len());
        let (held, later) = changes.split_at(end);
        let now = self.project.get(id).cloned();
        let then = later.iter().rev().try_fold(now, |block, change| change.take_back_from(id, block))?;
        let after = string(then.as_deref().ok_or(Halt::Moot)?, path)?.to_owned();
        let mut before = after.clone();
        let mut texts = Vec::new();
        for (version, sent, splices) in held.iter().rev().filter_map(|change| text_of(change, id, path)) {
            before = text::take_back(&before, splices)?;
            texts.push((version, Arc::new(sent.clone())));
        }
        texts.reverse();
        Ok(Some(Strand { start, before, texts, after }))
    }
}

/// A string's history over a run of versions.
struct Strand {
    start: Version,
    before: String,
    texts: Vec<(Version, Arc<Sent>)>,
    after: String,
}

impl Strand {
    fn window(self) -> Step<Window> {
        let mut window = Window::new(self.start, &self.before);
        for (version, sent) in self.texts {
            window.push(version, sent)?;
        }
        Ok(window)
    }
}

/// Taking back.
impl Judge<'_> {
    /// Takes back the text change that made `target`. If another string took its place since, then only where that was
    /// taken back too, so that the characters are the same again: the change is reckoned on the old string, and applied
    /// as an update.
    pub(super) fn untext(&mut self, op: &Op, id: BlockId, path: &Pointer, target: Version) -> Step {
        let block = self.living(op, id)?;
        let unknown = |judge: &Self| judge.conflict(op, Basis::Unknown, paths_of(op));
        if self.stand(id, target)? == Stand::Unknown {
            return Err(unknown(self));
        }
        let events = self.window_since(id, target.previous())?.ok_or_else(|| unknown(self))?;
        let reach =
            texts_of(&events, id, path).find(|(version, ..)| *version == target).map(|(_, sent, _)| sent.reach());
        let reach = reach.ok_or(Halt::Invalid("the target did not change this text"))?;
        let strand = self.strand(id, path, reach, Some(target))?.ok_or_else(|| unknown(self))?;
        let sent = Sent::Undone { target, reach };
        let splices = self.merge_untext(op, &block, path, strand, &sent)?;
        self.note_merged(id, target)?;
        let changes: Vec<_> = changes_of(&events, id).collect();
        match replaced_after(&changes, id, path, target) {
            None => self.push_text(&block, path, splices, sent),
            Some(_) => self.push_untext_as_update(&block, path, splices, sent),
        }
    }

    fn merge_untext(&self, op: &Op, block: &Block, path: &Pointer, strand: Strand, sent: &Sent) -> Step<Vec<Splice>> {
        let mut expected = strand.after.clone();
        let mut window = strand.window()?;
        let version = self.version_before(block.id).next();
        for typed in self.typed.iter().filter(|typed| typed.block == block.id && typed.path == *path) {
            expected = text::apply(&expected, &typed.splices)?;
            window.push(version, typed.sent.clone())?;
        }
        if string(block, path)? != expected {
            return Err(self.conflict(op, Basis::Seen, paths_of(op)));
        }
        Ok(window.merge(sent)?)
    }

    fn push_untext_as_update(&mut self, block: &Block, path: &Pointer, splices: Vec<Splice>, sent: Sent) -> Step {
        let after = text::apply(string(block, path)?, &splices)?;
        self.push_update(block, path.patch(Value::String(after)))?;
        self.typed.push(Typed { block: block.id, path: path.clone(), sent: Arc::new(sent), splices });
        Ok(())
    }
}

/// Where among its block's changes another string took the place of the one that `target` changed.
fn replaced_after(changes: &[&Change], id: BlockId, path: &Pointer, target: Version) -> Option<usize> {
    let is_target = |change: &&Change| text_of(change, id, path).is_some_and(|(version, ..)| version == target);
    let first = changes.iter().position(is_target)?;
    let replaced = changes.iter().skip(first).position(|change| replaces(change, id, path))?;
    Some(first + replaced)
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
