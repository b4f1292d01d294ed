//! Which log a client was told of, as far as that matters.
//!
//! Promises: where nothing may be lost, every word counts, whatever the epoch.
//! Must never: hold against a lossy failover what it may lose.

use super::names::Name;

/// The log that somebody's word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Era {
    /// Nothing is lost in this run: there is one log.
    Only,
    /// That of an epoch, in a run that may lose what earlier epochs held.
    Of(Name),
    /// In such a run, nobody knows which.
    Unknown,
}

impl Era {
    /// Whether two words are about one log.
    pub(super) fn is_like(self, other: Self) -> bool {
        self == other && self != Self::Unknown
    }

    /// Whether a word must be true of the log that the database holds in the end, which has this epoch.
    pub(super) fn counts(self, epoch: Option<Name>) -> bool {
        match self {
            Self::Only => true,
            Self::Of(name) => Some(name) == epoch,
            Self::Unknown => false,
        }
    }
}
