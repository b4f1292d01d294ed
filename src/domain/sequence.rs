//! Places in a log: seq, version, epoch, and the cursor that finds duplicates and gaps.
//!
//! Promises: a cursor accepts each seq once and in order.
//! Must never: guess across epochs; another epoch is another log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in a project's log: from 1, no holes; 0 is before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How often a block was touched: 1 on insert, one more with each edit that touches it; 0 is before the insert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The version before this one; before 0 is 0.
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This moment, `ms` milliseconds later.
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Which log: a value stored with the project, drawn anew when history was rewritten, and the database's timeline
/// (0 where the database has none), which rises when a standby is promoted. Written `9f3ac2…-1`; opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    /// Drawn when the project is created and by `epoch bump`.
    pub log: u64,
    /// Postgres' timeline; 0 on SQLite.
    pub timeline: u32,
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.log, self.timeline)
    }
}

/// A text that is no epoch; whoever sent it means another log than ours.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAnEpoch;

impl FromStr for Epoch {
    type Err = NotAnEpoch;

    fn from_str(text: &str) -> Result<Self, NotAnEpoch> {
        let (log, timeline) = text.split_once('-').ok_or(NotAnEpoch)?;
        Ok(Self {
            log: u64::from_str_radix(log, 16).map_err(|_| NotAnEpoch)?,
            timeline: timeline.parse().map_err(|_| NotAnEpoch)?,
        })
    }
}

/// What a run of seqs means to somebody who has everything up to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// Exactly the next: take it.
    InOrder,
    /// All of it was had before: drop it.
    Duplicate,
    /// Something between is missing, or only a part is new: fetch everything after `after`.
    Gap {
        /// The last seq that is had.
        after: Seq,
    },
}

/// The last seq that somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here is had.
    pub at: Seq,
}

impl Cursor {
    /// Looks at a run from `first` to `last` and moves on if it is exactly what comes next.
    pub fn observe(&mut self, first: Seq, last: Seq) -> Observed {
        if last <= self.at {
            return Observed::Duplicate;
        }
        if first != self.at.next() {
            return Observed::Gap { after: self.at };
        }
        self.at = last;
        Observed::InOrder
    }
}
