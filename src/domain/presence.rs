//! Who is in a room, and what changed since it was last told ([PR1], [PR2]).
//!
//! Promises: applying the changes in the order they were taken gives everybody the same roster.
//! Must never: read a clock; `now` is an argument wherever it matters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::event::Actor;
use super::ids::ConnectionId;

/// One connection in the room.
#[derive(Clone, Debug)]
pub struct Present {
    /// Whose it is.
    pub actor: Arc<Actor>,
    /// The latest state it set, any JSON; `None` before the first.
    pub state: Option<Arc<RawValue>>,
}

/// What to tell about one connection.
#[derive(Clone, Debug)]
pub enum Update {
    /// It is here, with this state.
    Here(ConnectionId, Present),
    /// It left.
    Left(ConnectionId),
}

impl Update {
    /// Whom it is about.
    pub fn connection(&self) -> ConnectionId {
        match self {
            Self::Here(connection, _) | Self::Left(connection) => *connection,
        }
    }
}

/// Everybody in the room.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    present: BTreeMap<ConnectionId, Present>,
    untold: BTreeSet<ConnectionId>,
}

impl Roster {
    /// Somebody comes, or comes again; a state that is not given stays.
    pub fn join(&mut self, connection: ConnectionId, actor: Arc<Actor>, state: Option<Arc<RawValue>>) {
        let before = self.present.remove(&connection).and_then(|present| present.state);
        self.present.insert(connection, Present { actor, state: state.or(before) });
        self.untold.insert(connection);
    }

    /// The latest state wins. False if the connection is not here.
    pub fn set(&mut self, connection: ConnectionId, state: Arc<RawValue>) -> bool {
        let Some(present) = self.present.get_mut(&connection) else { return false };
        present.state = Some(state);
        self.untold.insert(connection);
        true
    }

    /// Somebody goes.
    pub fn leave(&mut self, connection: ConnectionId) {
        if self.present.remove(&connection).is_some() {
            self.untold.insert(connection);
        }
    }

    /// Everybody, for those who come.
    pub fn everybody(&self) -> impl Iterator<Item = (ConnectionId, &Present)> {
        self.present.iter().map(|(id, present)| (*id, present))
    }

    /// Whether somebody has yet to be told something.
    pub fn has_changes(&self) -> bool {
        !self.untold.is_empty()
    }

    /// What changed since this was last asked.
    pub fn take_changes(&mut self) -> Vec<Update> {
        let untold = std::mem::take(&mut self.untold);
        untold.into_iter().map(|id| self.update_of(id)).collect()
    }

    /// What a connection is now.
    pub fn update_of(&self, id: ConnectionId) -> Update {
        match self.present.get(&id) {
            Some(present) => Update::Here(id, present.clone()),
            None => Update::Left(id),
        }
    }
}
