//! What one connection has of one project, and what it misses because it does not read ([JN6]).
//!
//! Promises: what is missing is handed out once.
//! Must never: know what waits.

use std::collections::BTreeSet;

use crate::domain::ids::{ConnectionId, ProjectId};
use crate::domain::sequence::{Cursor, Seq};

/// What a room has to bring once the client reads again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Which project.
    pub project: ProjectId,
    /// Events were dropped: everything after this.
    pub events_after: Option<Seq>,
    /// Presence of these connections was dropped: what they are now, each once.
    pub presence_of: Vec<ConnectionId>,
}

/// One project that the connection has joined.
#[derive(Debug)]
pub struct Feed {
    /// Which.
    pub project: ProjectId,
    /// The last seq that was put in, and not dropped since.
    pub cursor: Cursor,
    /// What is missing after that.
    pub events: EventsLag,
    /// Whose presence was dropped; no more than come and go while the client lags. Taken by the room.
    pub unseen: BTreeSet<ConnectionId>,
}

/// Events that a client misses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsLag {
    /// Everything up to the cursor is sent or waits.
    None,
    /// Everything after the cursor is to be fetched.
    Due,
    /// The room was told, and will `start` the project anew.
    Told,
}

impl Feed {
    /// Nothing is missing.
    pub fn beginning(project: ProjectId, cursor: Cursor) -> Self {
        Self { project, cursor, events: EventsLag::None, unseen: BTreeSet::new() }
    }

    /// Whether `take_lag` has something to hand out.
    pub fn is_lag_due(&self) -> bool {
        self.events == EventsLag::Due || !self.unseen.is_empty()
    }

    /// What is missing and nobody was told of.
    pub fn take_lag(&mut self) -> Option<Lag> {
        if !self.is_lag_due() {
            return None;
        }
        let events_after = (self.events == EventsLag::Due).then_some(self.cursor.at);
        if events_after.is_some() {
            self.events = EventsLag::Told;
        }
        let presence_of = std::mem::take(&mut self.unseen).into_iter().collect();
        Some(Lag { project: self.project, events_after, presence_of })
    }
}
