//! Finds what an author meant: from positions in the string that the author saw to places among all characters.
//!
//! Promises: one pass over the runs for all changes of an event, which see the string before any of them.
//! Must never: change the sequence.

use std::ops::Range;

use super::super::sequence::Version;
use super::sequence::{EDGE, Run, Sequence};
use super::{TextChange, TextError};

/// One thing to do with the sequence. Steps are in the order of the text.
pub(super) enum Step<'a> {
    /// New text, `offset` units into the run at index `run`.
    Insert {
        /// Where that is in the string as it is now.
        now: usize,
        run: usize,
        offset: usize,
        left: usize,
        right: usize,
        text: &'a str,
    },
    /// The units in `span` of the run at index `run` go, if they are still there.
    Delete {
        /// Where they are in the string as it is now.
        now: usize,
        run: usize,
        span: Range<usize>,
    },
}

/// A place in the sequence, right behind a unit that the author saw.
pub(super) struct Walk<'a> {
    sequence: &'a Sequence,
    /// How many events the author saw.
    seen: usize,
    run: usize,
    offset: usize,
    /// The same place in the author's string.
    at: usize,
    /// The same place in the string as it is now.
    now: usize,
    /// The unit right before it.
    left: usize,
}

impl<'a> Walk<'a> {
    /// At the beginning of the string that an author saw at version `base`.
    pub(super) fn new(sequence: &'a Sequence, base: Version) -> Self {
        Self { sequence, seen: sequence.events_up_to(base), run: 0, offset: 0, at: 0, now: 0, left: EDGE }
    }

    /// What `changes` to that string come to.
    pub(super) fn steps<'b>(mut self, changes: &'b [TextChange]) -> Result<Vec<Step<'b>>, TextError> {
        let mut steps = Vec::with_capacity(2 * changes.len());
        let mut last = None;
        for change in changes {
            if last.is_some_and(|last| change.at <= last) {
                return Err(TextError::BadSpan);
            }
            last = Some(change.at);
            self.pass(change.at.checked_sub(self.at).ok_or(TextError::BadSpan)?, |_| ())?;
            if !change.insert.is_empty() {
                steps.push(self.place(&change.insert));
            }
            self.pass(change.delete, |step| steps.push(step))?;
        }
        Ok(steps)
    }

    /// Goes on by `units` units of the author's string, and calls `deletes` with what it would take to delete them.
    fn pass<'b>(&mut self, units: usize, mut deletes: impl FnMut(Step<'b>)) -> Result<(), TextError> {
        let mut remaining = units;
        while remaining > 0 {
            let run = self.sequence.run(self.run).ok_or(TextError::BadSpan)?;
            let mut span = self.offset..run.len;
            if self.sequence.is_visible(run, self.seen) {
                span.end -= span.len().saturating_sub(remaining);
                remaining -= span.len();
                self.left = run.first + span.end - 1;
                deletes(Step::Delete { now: self.now, run: self.run, span: span.clone() });
            }
            self.leave(run, &span);
        }
        self.at += units;
        let inside = |run: &Run| self.offset > 0 && self.sequence.is_second_of_pair(run.first + self.offset);
        if self.sequence.run(self.run).is_some_and(inside) { Err(TextError::BadSpan) } else { Ok(()) }
    }

    fn leave(&mut self, run: &Run, span: &Range<usize>) {
        if run.shown_len() > 0 {
            self.now += span.len();
        }
        if span.end == run.len {
            self.run += 1;
            self.offset = 0;
        } else {
            self.offset = span.end;
        }
    }

    /// Where text goes that the author typed here: among the runs that the author did not see, up to the next one that
    /// the author did see.
    ///
    /// This is YjsMod's rule (<https://github.com/josephg/reference-crdts>) where events come in the order of a log. A run
    /// there whose author had this very place in mind stands first, as it was committed first; so does what leans on
    /// it. One that was put before something else unseen is passed only together with that. One that was typed behind
    /// an earlier unit, by somebody who did not see the unit before us, belongs to what follows.
    fn place<'b>(&self, text: &'b str) -> Step<'b> {
        let (left, mut run, offset, mut now) = (self.left, self.run, self.offset, self.now);
        if let Some(inside) = self.sequence.run(run).filter(|_| offset > 0) {
            return Step::Insert { now, run, offset, left, right: inside.first + offset, text };
        }
        let seen_units = self.sequence.units_up_to(self.seen);
        let runs = self.sequence.runs_from(run);
        let (mut passed, mut waits) = (now, false);
        for (index, other) in runs.iter().enumerate().take_while(|(_, other)| other.maker >= self.seen) {
            if other.left < seen_units {
                if other.left != left {
                    break;
                }
                waits = other.right >= seen_units;
            }
            passed += other.shown_len();
            if !waits {
                (run, now) = (self.run + index + 1, passed);
            }
        }
        let right = runs.iter().find(|other| other.maker < self.seen).map_or(EDGE, |other| other.first);
        Step::Insert { now, run, offset, left, right, text }
    }
}
