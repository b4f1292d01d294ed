//! All characters of a window in their order, in runs, and the events that typed and deleted them.
//!
//! Every code unit has a number, given in the order of the log, so those that an author saw are those below a bound;
//! number 0 is no unit but either end of the string. Events are numbered too; event 0 is the window's first string.
//!
//! Promises: a run begins and ends with whole characters, and its units share their fate.
//! Must never: forget a character or change its place among the others.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::sequence::Version;
use super::gather::Gather;
use super::walk::{Step, Walk};
use super::{Sent, Splice, TextError};

/// The number of either end of the string, as a neighbour.
pub(super) const EDGE: usize = 0;

/// Units that were typed together and have had the same fate since.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Its first unit's number; the others follow.
    pub(super) first: usize,
    /// In units.
    pub(super) len: usize,
    /// The unit that its author saw before it.
    pub(super) left: usize,
    /// The unit that followed there among all that its author saw, deleted ones included.
    pub(super) right: usize,
    /// The event that typed it.
    pub(super) maker: usize,
    /// The events that deleted it.
    deleters: SmallVec<[usize; 1]>,
    /// The last event that changed anything about it.
    touched: usize,
    /// Whether it is in the string now.
    shown: bool,
}

impl Run {
    /// How much of the string it is now, in units.
    pub(super) fn shown_len(&self) -> usize {
        if self.shown { self.len } else { 0 }
    }

    /// Cuts off everything from `offset` on.
    fn split_off(&mut self, offset: usize) -> Self {
        let first = self.first + offset;
        let tail = Self { first, len: self.len - offset, left: first - 1, ..self.clone() };
        self.len = offset;
        tail
    }
}

#[derive(Clone, Debug)]
struct Event {
    version: Version,
    /// The bound of the units that were typed up to here.
    units: usize,
    /// The event that this one undoes.
    undoes: Option<usize>,
    /// How many events undo this one and stand.
    undone: usize,
    /// The events that turned this one, a typed one: it stands after an even number of them.
    turned: Vec<usize>,
}

/// What an undo changes.
struct Undo {
    /// The undone event, the one that it undoes in turn, and so on: each is undone by one more or one less, by turns.
    chain: Vec<usize>,
    /// The typed event at the end of the chain, if it falls or stands up again.
    turned: Option<usize>,
}

/// The characters and the events.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    units: Vec<u16>,
    runs: Vec<Run>,
    events: Vec<Event>,
}

impl Sequence {
    pub(super) fn new(start: Version, text: &str) -> Self {
        let mut new = Self { units: vec![0], runs: Vec::new(), events: Vec::new() };
        let first = new.typed(EDGE, EDGE, text);
        new.runs.extend(first);
        new.close_event(start, None);
        new
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The run at `index`, in the order of the text.
    pub(super) fn run(&self, index: usize) -> Option<&Run> {
        self.runs.get(index)
    }

    /// The runs from `index` on.
    pub(super) fn runs_from(&self, index: usize) -> &[Run] {
        self.runs.get(index..).unwrap_or_default()
    }

    /// How many events the author of a change to `base` had seen.
    pub(super) fn events_up_to(&self, base: Version) -> usize {
        self.events.partition_point(|event| event.version <= base)
    }

    /// The bound of the units that the first `seen` events typed.
    pub(super) fn units_up_to(&self, seen: usize) -> usize {
        seen.checked_sub(1).and_then(|last| self.events.get(last)).map_or(0, |event| event.units)
    }

    /// Whether a unit is the second of a surrogate pair.
    pub(super) fn is_second_of_pair(&self, unit: usize) -> bool {
        self.units.get(unit).is_some_and(|unit| (0xDC00..0xE000).contains(unit))
    }

    /// Whether a run was in the string after the first `seen` events.
    pub(super) fn is_visible(&self, run: &Run, seen: usize) -> bool {
        if run.touched < seen { run.shown } else { run.maker < seen && self.is_there(run, seen) }
    }

    /// The same, looked up.
    fn is_there(&self, run: &Run, seen: usize) -> bool {
        let stands = |event: usize| {
            let turns = self.events[event].turned.partition_point(|by| *by < seen);
            turns % 2 == 0
        };
        stands(run.maker) && !run.deleters.iter().any(|event| *event < seen && stands(*event))
    }
}

/// What an event would do.
impl Sequence {
    /// The splices that `sent` would be on the string as it is now.
    pub(super) fn splices(&self, sent: &Sent) -> Result<Vec<Splice>, TextError> {
        match sent {
            Sent::Typed { base, changes } => {
                let steps = Walk::new(self, *base).steps(changes)?;
                Ok(self.splices_typed(&steps))
            }
            Sent::Undone { target, .. } => self.splices_undone(*target),
        }
    }

    fn splices_typed(&self, steps: &[Step]) -> Vec<Splice> {
        let mut gather = Gather::default();
        for step in steps {
            match step {
                Step::Insert { now, text, .. } => gather.replace(*now, "", text),
                Step::Delete { now, run, span } => {
                    let run = &self.runs[*run];
                    if run.shown {
                        gather.replace(*now, &self.text(run.first + span.start, span.len()), "");
                    }
                }
            }
        }
        gather.done()
    }

    fn splices_undone(&self, target: Version) -> Result<Vec<Splice>, TextError> {
        let mut after = self.clone();
        after.take_back(target, target)?;
        let mut gather = Gather::default();
        let mut now = 0;
        for (run, then) in self.runs.iter().zip(&after.runs) {
            match (run.shown, then.shown) {
                (true, false) => gather.replace(now, &self.text(run.first, run.len), ""),
                (false, true) => gather.replace(now, "", &self.text(run.first, run.len)),
                (true, true) | (false, false) => {}
            }
            now += run.shown_len();
        }
        Ok(gather.done())
    }

    /// Lossy in name only: a run holds whole characters.
    fn text(&self, first: usize, len: usize) -> String {
        String::from_utf16_lossy(&self.units[first..first + len])
    }

    /// The events that made `target`.
    fn events_of(&self, target: Version) -> Result<Range<usize>, TextError> {
        let first = self.events.partition_point(|event| event.version < target);
        let events = first..self.events_up_to(target);
        if first == 0 || events.is_empty() { Err(TextError::UnknownVersion) } else { Ok(events) }
    }

    fn undo(&self, mut event: usize) -> Undo {
        let mut chain = vec![event];
        let mut undone_if_it_turns = 0;
        while self.events[event].undone == undone_if_it_turns {
            let Some(next) = self.events[event].undoes else { return Undo { chain, turned: Some(event) } };
            chain.push(next);
            event = next;
            undone_if_it_turns = 1 - undone_if_it_turns;
        }
        Undo { chain, turned: None }
    }
}

/// Doing it.
impl Sequence {
    /// Takes in the event that made `version`.
    pub(super) fn take_in(&mut self, version: Version, sent: &Sent) -> Result<(), TextError> {
        match sent {
            Sent::Typed { base, changes } => {
                let steps = Walk::new(self, *base).steps(changes)?;
                // From back to front, so that the places of the earlier ones stay what they are; the runs behind are
                // put aside, so that none moves more than twice, however many steps there are.
                let mut behind = Vec::new();
                for step in steps.into_iter().rev() {
                    self.take_step(step, &mut behind);
                }
                self.runs.extend(behind.into_iter().rev());
                self.close_event(version, None);
            }
            Sent::Undone { target, .. } => self.take_back(*target, version)?,
        }
        Ok(())
    }

    /// Undoes the events that made `target`, last first, each by an event of its own.
    fn take_back(&mut self, target: Version, version: Version) -> Result<(), TextError> {
        for event in self.events_of(target)?.rev() {
            let undo = self.undo(event);
            self.take_undo(&undo);
            self.close_event(version, Some(event));
        }
        Ok(())
    }

    fn close_event(&mut self, version: Version, undoes: Option<usize>) {
        self.events.push(Event { version, units: self.units.len(), undoes, undone: 0, turned: Vec::new() });
    }

    /// `behind` holds the runs behind the last step, the nearest one last.
    fn take_step(&mut self, step: Step, behind: &mut Vec<Run>) {
        match step {
            Step::Insert { run, offset, left, right, text, .. } => {
                self.cut(run, offset, behind);
                behind.extend(self.typed(left, right, text));
            }
            Step::Delete { run, span, .. } => {
                self.cut(run, span.end, behind);
                self.cut(run, span.start, behind);
                if let Some(run) = behind.last_mut() {
                    run.deleters.push(self.events.len());
                    run.touched = self.events.len();
                    run.shown = false;
                }
            }
        }
    }

    /// A run for what the next event types.
    fn typed(&mut self, left: usize, right: usize, text: &str) -> Option<Run> {
        let (first, maker, deleters) = (self.units.len(), self.events.len(), SmallVec::new());
        self.units.extend(text.encode_utf16());
        let len = self.units.len() - first;
        (len > 0).then_some(Run { first, len, left, right, maker, deleters, touched: maker, shown: true })
    }

    /// Puts aside everything from `offset` of the run at `index` on.
    fn cut(&mut self, index: usize, offset: usize, behind: &mut Vec<Run>) {
        let kept = self.runs.len().min(if offset > 0 { index + 1 } else { index });
        behind.extend(self.runs.drain(kept..).rev());
        if let Some(last) = self.runs.last_mut().filter(|last| 0 < offset && offset < last.len) {
            behind.push(last.split_off(offset));
        }
    }

    fn take_undo(&mut self, undo: &Undo) {
        for (turn, event) in undo.chain.iter().enumerate() {
            let undone = &mut self.events[*event].undone;
            *undone = if turn % 2 == 0 { *undone + 1 } else { *undone - 1 };
        }
        let Some(turned) = undo.turned else { return };
        let event = self.events.len();
        self.events[turned].turned.push(event);
        for index in 0..self.runs.len() {
            if self.runs[index].concerns(turned) {
                self.runs[index].shown = self.is_there(&self.runs[index], event + 1);
                self.runs[index].touched = event;
            }
        }
    }
}

impl Run {
    /// Whether it is there or not may depend on `event`.
    fn concerns(&self, event: usize) -> bool {
        self.maker == event || self.deleters.contains(&event)
    }
}
