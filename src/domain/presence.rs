//! Who is in a room, on this hub and on others, and what changed since it was last told ([PR1], [PR2]).
//!
//! Promises: applying the changes in the order they were taken gives everybody the same roster; what another hub told
//! and was lost on the way is found out by its revision; who is heard of no more is withdrawn.
//! Must never: read a clock or draw a number; both are arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;

use super::event::Actor;
use super::ids::{ConnectionId, HubRun};

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

/// What a hub tells the others of its own connections in a room.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is to be put on.
    pub basis: Basis,
    /// What the hub's revision is after it.
    pub revision: u64,
    /// Who came, changed or left; with `Basis::Whole` everybody who is here.
    pub updates: Vec<Update>,
}

/// What news of presence are to be put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Nothing: it is everybody, and whoever is not named left.
    Whole,
    /// What this revision left behind.
    Revision(u64),
}

/// What became of another hub's news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The roster is up to date with that hub.
    Taken,
    /// Something before it is missing: ask for the whole.
    Hole,
}

/// Everybody in the room.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    present: BTreeMap<ConnectionId, Entry>,
    /// Of whom this hub's members have yet to be told.
    untold: BTreeSet<ConnectionId>,
    /// Of whom the other hubs have yet to be told: connections of this hub.
    unpublished: BTreeSet<ConnectionId>,
    /// Rises with each telling of this hub's own.
    revision: u64,
    others: BTreeMap<HubRun, Other>,
}

#[derive(Clone, Debug)]
struct Entry {
    present: Present,
    /// `None`: this hub's own.
    hub: Option<HubRun>,
}

/// What is known of another hub that has this room open.
#[derive(Clone, Copy, Debug)]
struct Other {
    revision: u64,
    /// When it was last heard of, since the room began.
    heard: Duration,
}

impl Roster {
    /// Nobody yet. The revision begins somewhere that an earlier room of this hub did not come to.
    pub fn beginning(revision: u64) -> Self {
        Self { revision, ..Self::default() }
    }

    /// Somebody comes, or comes again; a state that is not given stays.
    pub fn join(&mut self, connection: ConnectionId, actor: Arc<Actor>, state: Option<Arc<RawValue>>) {
        let before = self.present.remove(&connection).and_then(|entry| entry.present.state);
        let present = Present { actor, state: state.or(before) };
        self.present.insert(connection, Entry { present, hub: None });
        self.changed(connection);
    }

    /// The latest state wins. False if the connection is not here.
    pub fn set(&mut self, connection: ConnectionId, state: Arc<RawValue>) -> bool {
        let Some(entry) = self.present.get_mut(&connection) else { return false };
        entry.present.state = Some(state);
        self.changed(connection);
        true
    }

    /// Somebody goes.
    pub fn leave(&mut self, connection: ConnectionId) {
        if self.present.remove(&connection).is_some() {
            self.changed(connection);
        }
    }

    fn changed(&mut self, connection: ConnectionId) {
        self.untold.insert(connection);
        self.unpublished.insert(connection);
    }

    /// Everybody, for those who come.
    pub fn everybody(&self) -> impl Iterator<Item = (ConnectionId, &Present)> {
        self.present.iter().map(|(id, entry)| (*id, &entry.present))
    }

    /// Whether somebody has yet to be told something.
    pub fn has_changes(&self) -> bool {
        !self.untold.is_empty()
    }

    /// Everybody who is to be told of anything knows it.
    pub fn told_all(&mut self) {
        self.untold.clear();
    }

    /// What changed since this was last asked, for this hub's members.
    pub fn take_changes(&mut self) -> Vec<Update> {
        let untold = std::mem::take(&mut self.untold);
        untold.into_iter().map(|id| self.update_of(id)).collect()
    }

    /// What changed of this hub's own since this was last asked, for the other hubs.
    pub fn take_own_changes(&mut self) -> Option<Told> {
        let unpublished = std::mem::take(&mut self.unpublished);
        if unpublished.is_empty() {
            return None;
        }
        let basis = Basis::Revision(self.revision);
        self.revision += 1;
        let updates = unpublished.into_iter().map(|id| self.update_of(id)).collect();
        Some(Told { basis, revision: self.revision, updates })
    }

    /// That this hub is there, with nothing new: a hub that has missed something finds out by the revision.
    pub fn sign_of_life(&self) -> Told {
        Told { basis: Basis::Revision(self.revision), revision: self.revision, updates: Vec::new() }
    }

    /// All of this hub's own, for other hubs that do not know them.
    pub fn own(&mut self) -> Told {
        self.unpublished.clear();
        self.revision += 1;
        let own = self.present.iter().filter(|(_, entry)| entry.hub.is_none());
        let updates = own.map(|(id, entry)| Update::Here(*id, entry.present.clone())).collect();
        Told { basis: Basis::Whole, revision: self.revision, updates }
    }

    /// What a connection is now.
    pub fn update_of(&self, id: ConnectionId) -> Update {
        match self.present.get(&id) {
            Some(entry) => Update::Here(id, entry.present.clone()),
            None => Update::Left(id),
        }
    }

    /// Another hub tells of its own. News without the news before them are not taken.
    pub fn hear(&mut self, hub: HubRun, told: Told, now: Duration) -> Heard {
        let known = self.others.get(&hub).map(|other| other.revision);
        match told.basis {
            Basis::Whole => self.forget(hub, &told.updates),
            Basis::Revision(basis) if known == Some(basis) => {}
            Basis::Revision(_) => {
                // It lives, whatever it said.
                if let Some(other) = self.others.get_mut(&hub) {
                    other.heard = now;
                }
                return Heard::Hole;
            }
        }
        self.others.insert(hub, Other { revision: told.revision, heard: now });
        for update in told.updates {
            self.take(hub, update);
        }
        Heard::Taken
    }

    fn take(&mut self, hub: HubRun, update: Update) {
        let id = update.connection();
        // What is known at first hand is known better.
        if self.present.get(&id).is_some_and(|entry| entry.hub.is_none()) {
            return;
        }
        match update {
            Update::Here(_, present) => drop(self.present.insert(id, Entry { present, hub: Some(hub) })),
            Update::Left(_) => drop(self.present.remove(&id)),
        }
        self.untold.insert(id);
    }

    /// Whom this hub told of before, and does not any more, left.
    fn forget(&mut self, hub: HubRun, still_here: &[Update]) {
        let here: BTreeSet<_> = still_here.iter().map(Update::connection).collect();
        let gone = |(id, entry): (&ConnectionId, &Entry)| (entry.hub == Some(hub) && !here.contains(id)).then_some(*id);
        let gone: Vec<_> = self.present.iter().filter_map(gone).collect();
        for id in gone {
            self.present.remove(&id);
            self.untold.insert(id);
        }
    }

    /// Withdraws everybody of the hubs that have not been heard of for so long ([PR2]).
    pub fn expire(&mut self, now: Duration, silence: Duration) {
        let silent = |(hub, other): (&HubRun, &Other)| (other.heard + silence < now).then_some(*hub);
        let silent: Vec<_> = self.others.iter().filter_map(silent).collect();
        for hub in silent {
            self.others.remove(&hub);
            self.forget(hub, &[]);
        }
    }

    /// Whether another hub was heard of.
    pub fn knows_others(&self) -> bool {
        !self.others.is_empty()
    }

    /// How many other hubs were heard of.
    pub fn others(&self) -> usize {
        self.others.len()
    }
}
