//! What clients were shown, each different claim once, until the database's log is known.
//!
//! Promises: the same event shown to a thousand clients is held once, with the first who saw it.
//! Must never: choose between two claims; both are compared with the log.

use std::collections::HashMap;

use super::era::Era;
use crate::digest::BuildDigest;
use crate::history::{Client, Seen};
use crate::id::Id;

/// An event is what a digest says, at its place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct EventClaim {
    pub(super) project: Id,
    pub(super) era: Era,
    pub(super) seq: u64,
    pub(super) edit: Id,
    pub(super) digest: u64,
}

/// The blocks at a seq are what a digest says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct BlocksClaim {
    pub(super) project: Id,
    pub(super) era: Era,
    pub(super) seq: u64,
    pub(super) digest: u64,
}

/// All claims, with the first client that was told so.
#[derive(Default)]
pub(super) struct Claims {
    pub(super) events: HashMap<EventClaim, Client, BuildDigest>,
    pub(super) blocks: HashMap<BlocksClaim, Client, BuildDigest>,
}

impl Claims {
    pub(super) fn event(&mut self, project: Id, era: Era, seen: Seen, client: Client) {
        let Seen(seq, edit, digest) = seen;
        self.events.entry(EventClaim { project, era, seq, edit, digest }).or_insert(client);
    }

    pub(super) fn blocks(&mut self, project: Id, era: Era, state: (u64, u64), client: Client) {
        let (seq, digest) = state;
        self.blocks.entry(BlocksClaim { project, era, seq, digest }).or_insert(client);
    }
}
