//! Text changed in place by several people at once ([ED11], [ED12]).

use std::sync::Arc;

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
    /// Out of order, beyond the end, or inside a surrogate pair.
    BadSpan,
}

/// One string's characters over a run of versions.
#[derive(Clone, Debug)]
pub struct Window {
    _p: (),
}

impl Window {
    /// A window that begins with `text`, the string at version `start`, a version that all later changes had seen.
    pub fn new(_start: Version, _text: &str) -> Self {
        unimplemented!()
    }
    /// Takes in what made `version`.
    pub fn push(&mut self, _version: Version, _sent: Arc<Sent>) -> Result<(), TextError> {
        unimplemented!()
    }
    /// What `sent` would do to the string as it is now.
    pub fn merge(&mut self, _sent: &Sent) -> Result<Vec<Splice>, TextError> {
        unimplemented!()
    }
}
