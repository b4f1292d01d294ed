//! Text changed in place by several people at once (ED11, ED12).
//!
//! Positions are UTF-16 code units, strings are Rust's: a position inside a surrogate pair is an error, never half a
//! character. A change to the string as it is now is spliced in directly; one to an older string goes through a
//! [`Window`], which knows what was typed and deleted since.
//!
//! Promises: linear in the string and the changes, or in the window; splices are ascending, and neither touch nor
//! overlap; taking back what was applied gives the string before, exactly.
//! Must never: panic on any input, or let the order of anything but versions decide what a merge gives.

mod gather;
mod sequence;
mod units;
mod walk;

use std::collections::VecDeque;
use std::sync::Arc;

use self::gather::Gather;
use self::sequence::Sequence;
use self::units::Units;
use super::sequence::Version;

/// A span of a string replaced, as its author saw the string; in UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// Where the span begins.
    pub at: usize,
    /// How long it is.
    pub delete: usize,
    /// What stands there instead.
    pub insert: String,
}

/// A span of a string replaced, as it applies to the version before, with what it takes to go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Where the span begins, in UTF-16 code units of the string before the event, as in `TextChange`.
    pub at: usize,
    /// What stood there.
    pub deleted: String,
    /// What stands there now.
    pub inserted: String,
}

/// What the author of a text event did, and on what: enough to merge later changes with it exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Changes to the string at `base`.
    Typed {
        /// The version the author saw.
        base: Version,
        /// As sent.
        changes: Vec<TextChange>,
    },
    /// The text change that made `target` was taken back.
    Undone {
        /// The version that the undone change made.
        target: Version,
        /// The lowest version that this event leans on: the `reach` of the change that was undone.
        reach: Version,
    },
}

impl Sent {
    /// The lowest version that this event leans on.
    pub fn reach(&self) -> Version {
        match self {
            Self::Typed { base, .. } => *base,
            Self::Undone { reach, .. } => *reach,
        }
    }
}

/// What is wrong with text changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// Out of order, beyond the end, or inside a surrogate pair; or splices for another string than this one.
    BadSpan,
    /// It leans on a version that is not in the window.
    UnknownVersion,
}

/// Whether `changes` are spans of `text`: each `at` greater than the last one and at least its end, nothing beyond the
/// end of the string or inside a surrogate pair (ED11).
pub fn check(text: &str, changes: &[TextChange]) -> Result<(), TextError> {
    each_span(text, changes, |_, _| ())
}

/// The splices that `changes` are on the string they were meant for.
pub fn splices_of(text: &str, changes: &[TextChange]) -> Result<Vec<Splice>, TextError> {
    let mut gather = Gather::default();
    each_span(text, changes, |change, deleted| gather.replace(change.at, deleted, &change.insert))?;
    Ok(gather.done())
}

fn each_span(text: &str, changes: &[TextChange], mut span: impl FnMut(&TextChange, &str)) -> Result<(), TextError> {
    let mut units = Units::of(text);
    let mut last = None;
    for change in changes {
        if last.is_some_and(|last| change.at <= last) {
            return Err(TextError::BadSpan);
        }
        units.skip_to(change.at)?;
        span(change, units.take(change.delete)?);
        last = Some(change.at);
    }
    Ok(())
}

/// The string after `splices`, which must have been made for `text`.
pub fn apply(text: &str, splices: &[Splice]) -> Result<String, TextError> {
    let mut units = Units::of(text);
    let mut after = String::with_capacity(text.len());
    for splice in splices {
        after.push_str(units.skip_to(splice.at)?);
        units.expect(&splice.deleted)?;
        after.push_str(&splice.inserted);
    }
    after.push_str(units.rest());
    Ok(after)
}

/// The string before `splices`, of which `after` is the string after.
pub fn take_back(after: &str, splices: &[Splice]) -> Result<String, TextError> {
    let mut units = Units::of(after);
    let mut before = String::with_capacity(after.len());
    let mut at = 0;
    for splice in splices {
        let kept = splice.at.checked_sub(at).ok_or(TextError::BadSpan)?;
        before.push_str(units.take(kept)?);
        units.expect(&splice.inserted)?;
        before.push_str(&splice.deleted);
        at = splice.at + units::count(&splice.deleted);
    }
    before.push_str(units.rest());
    Ok(before)
}

/// One string's characters over a run of versions, deleted ones included: what merging with an older base takes
/// (ED12, HI2).
///
/// A sequence CRDT over a linear log, after Eg-walker (Gentle and Kleppmann, 2025), with the origins of YjsMod, which
/// is FugueMax (Weidner and Kleppmann, 2023). Since the log orders all events, "what an author saw" is always the
/// log up to a version, and the rule that places what was typed becomes the few lines of `Walk::place`.
///
/// What is merged keeps to these:
/// - Typed text goes behind the character before it that its author saw, beside what others typed there meanwhile:
///   committed first stands first, each one's text in one piece. Text that replaces a span stands where the span began.
/// - An event deletes the characters that its author saw in the span, and no others.
/// - Every event stands until an event that stands undoes it. A character is there while the event that typed it
///   stands, and none that deleted it does. So undoing twice is undoing once, and undoing an undo does it again.
///
/// Ten thousand runs cost a merge some tens of microseconds. A window never shrinks: its owner replaces one that grew
/// by one that begins later, at the last version that everything after it had seen.
#[derive(Clone, Debug)]
pub struct Window {
    start: Version,
    version: Version,
    sequence: Sequence,
    /// Taken in at the next merge: most are never merged with.
    waiting: VecDeque<(Version, Arc<Sent>)>,
}

impl Window {
    /// A window that begins with `text`, the string at version `start`: a version that all later changes had seen.
    pub fn new(start: Version, text: &str) -> Self {
        Self { start, version: start, sequence: Sequence::new(start, text), waiting: VecDeque::new() }
    }

    /// Takes in what made `version`: versions ascend, and may leave out those that did not change the string. A version
    /// may come several times: an event that takes back several others holds a change for each.
    ///
    /// Errors: a version out of order, or an event that leans on one before `start`.
    pub fn push(&mut self, version: Version, sent: Arc<Sent>) -> Result<(), TextError> {
        if version < self.version || version == self.start || sent.reach() < self.start || sent.reach() >= version {
            return Err(TextError::UnknownVersion);
        }
        self.version = version;
        self.waiting.push_back((version, sent));
        Ok(())
    }

    /// What `sent` would do to the string after the last event that was pushed. It is not taken in.
    ///
    /// Errors: spans that are not in the string at their base, or versions that are not in the window. If it was a
    /// pushed event that is wrong, every later merge says so too, and the window is of no use.
    pub fn merge(&mut self, sent: &Sent) -> Result<Vec<Splice>, TextError> {
        if sent.reach() < self.start {
            return Err(TextError::UnknownVersion);
        }
        while let Some((version, waiting)) = self.waiting.front() {
            self.sequence.take_in(*version, waiting)?;
            self.waiting.pop_front();
        }
        self.sequence.splices(sent)
    }

    /// The version it begins with.
    pub fn start(&self) -> Version {
        self.start
    }

    /// The last version that was pushed, or `start`.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How much it holds, in runs of characters: what a merge costs.
    pub fn len(&self) -> usize {
        self.sequence.runs() + self.waiting.len()
    }

    /// Whether it holds no character and no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
