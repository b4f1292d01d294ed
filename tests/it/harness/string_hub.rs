//! What a hub does for one string of one block, and no more.
//!
//! Promises: keeps the whole log, and a window over its end while there is use for one.
//! Must never: look further back than the last version that everything later had seen.

use std::sync::Arc;

use blockhub::domain::sequence::Version;
use blockhub::domain::text::{Sent, Splice, TextChange, Window, apply, splices_of, take_back};

use super::typist::Sending;

/// A committed edit.
pub struct Event {
    /// The version it made.
    pub version: Version,
    /// Who sent it.
    pub author: usize,
    /// As sent.
    pub sent: Arc<Sent>,
    /// As applied.
    pub splices: Vec<Splice>,
}

impl Event {
    /// What goes over the wire.
    pub fn changes(&self) -> Vec<TextChange> {
        let change = |splice: &Splice| TextChange {
            at: splice.at,
            delete: splice.deleted.encode_utf16().count(),
            insert: splice.inserted.clone(),
        };
        self.splices.iter().map(change).collect()
    }
}

/// What a hub does for one string: it keeps the log, and a window while there is use for one.
#[derive(Default)]
pub struct StringHub {
    /// The string now; empty at version 0.
    pub text: String,
    /// All that was committed.
    pub log: Vec<Event>,
    window: Option<Window>,
    /// What the window may grow to before it is looked whether a later one would do.
    pub runs_max: usize,
    /// How many edits had a stale base.
    pub merged: usize,
    /// How many windows that took.
    pub rebuilt: usize,
}

/// Whether an edit's base was stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It was merged.
    Yes,
    /// It applied as it was sent.
    No,
}

impl StringHub {
    /// The current version.
    pub fn head(&self) -> Version {
        self.log.last().map_or(Version(0), |event| event.version)
    }

    /// Takes in an edit and makes an event of it.
    pub fn commit(&mut self, author: usize, edit: Sending) -> Merged {
        let merged = if edit.base == self.head() { Merged::No } else { Merged::Yes };
        let sent = Sent::Typed { base: edit.base, changes: edit.changes };
        let splices = self.decide(&sent);
        self.text = apply(&self.text, &splices).unwrap();
        let (version, sent) = (self.head().next(), Arc::new(sent));
        if let Some(window) = &mut self.window {
            window.push(version, sent.clone()).unwrap();
        }
        self.log.push(Event { version, author, sent, splices });
        merged
    }

    fn decide(&mut self, sent: &Sent) -> Vec<Splice> {
        match sent {
            Sent::Typed { base, changes } if *base == self.head() => splices_of(&self.text, changes).unwrap(),
            _ => self.merge(sent),
        }
    }

    fn merge(&mut self, sent: &Sent) -> Vec<Splice> {
        self.merged += 1;
        let usable = |window: &Window| window.start() <= sent.reach() && window.len() <= self.runs_max;
        let mut window = self.window.take().filter(usable).unwrap_or_else(|| self.rebuild(sent.reach()));
        let splices = window.merge(sent).unwrap();
        self.window = Some(window);
        splices
    }

    /// A window from the last version that all later events, and the one that leans on `reach`, had seen.
    fn rebuild(&mut self, reach: Version) -> Window {
        self.rebuilt += 1;
        let mut start = reach;
        let mut text = self.text.clone();
        let mut first = self.log.len();
        while first > 0 && self.log[first - 1].version > start {
            first -= 1;
            start = start.min(self.log[first].sent.reach());
            text = take_back(&text, &self.log[first].splices).unwrap();
        }
        let mut window = Window::new(start, &text);
        for event in &self.log[first..] {
            window.push(event.version, event.sent.clone()).unwrap();
        }
        self.runs_max = 256 + 2 * window.len();
        window
    }
}
