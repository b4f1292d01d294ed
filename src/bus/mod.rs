//! Hints between hubs: something happened to a project, look if it concerns you.
//!
//! Promises: nothing. A hint may be lost, late, doubled or out of order; the store tells the truth, and every hub
//! compares heads with it every 600 ms.
//! Must never: delay an ack, or be what correctness rests on.

pub mod local;
pub mod packet;
pub mod redis;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::domain::ids::{ConnectionId, HubRun, ProjectId};
use crate::domain::presence::Told;
use crate::domain::sequence::{Epoch, Seq};
use crate::protocol::frame::Frame;

/// In place of a project: for all hubs. No project has this name.
pub const EVERYBODY: ProjectId = ProjectId(Uuid::nil());

/// What another hub says.
#[derive(Clone, Debug)]
pub struct Hint {
    /// Who says it; a hub passes over its own.
    pub from: HubRun,
    /// About which project.
    pub project: ProjectId,
    /// What.
    pub news: News,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum News {
    /// Events were committed.
    Moved(Moved),
    /// Title, access, members or existence changed.
    Changed,
    /// A signal or a notice, for everybody who is here now.
    Aside {
        /// As the clients get it.
        frame: Arc<Frame>,
        /// Whose connection it came from.
        from: ConnectionId,
    },
    /// Who of the hub's own is in the room.
    Presence(Told),
    /// Who is in the room on the other hubs? Each answers with `Presence` of its whole.
    WhoIsHere,
    /// What hubs have cached of this is old. Told about `EVERYBODY`, since it concerns those too that have no room open.
    Forget(Arc<str>),
}

/// Events that were committed together.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Of which log.
    pub epoch: Epoch,
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// The events themselves; without them they are to be had from the store.
    pub carried: Option<Carried>,
}

/// Events on their way.
#[derive(Clone, Debug)]
pub struct Carried {
    /// As the clients get them.
    pub frame: Arc<Frame>,
    /// As the rooms need them: packed by the store.
    pub events: Arc<[u8]>,
}

impl Moved {
    /// About how much memory the events hold, in bytes.
    pub fn weight(&self) -> usize {
        self.carried.as_ref().map_or(0, |carried| carried.frame.len() + carried.events.len())
    }
}

/// What is heard on a bus.
#[derive(Clone, Debug)]
pub enum Heard {
    /// A hint.
    Hint(Hint),
    /// Hints may have been lost, of any project.
    Gap,
}

/// How a bus is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusState {
    /// It goes no further than this process.
    Local,
    /// It reaches the other hubs.
    Connected,
    /// It does not reach them now.
    Away,
}

/// Carries hints.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Sends a hint to the other hubs; returns at once.
    fn publish(&self, hint: Hint);

    /// Whether it is worth while to carry events: false if nobody can hear them.
    fn is_heard(&self) -> bool;

    /// All hints from now on. A receiver that lags loses some, as the promise says.
    fn hints(&self) -> broadcast::Receiver<Heard>;

    /// Wants hints about a project from now on, until `unfollow` is called as often. Answers, within a fraction of a
    /// second, how many other hubs want them too, as far as that is known.
    async fn follow(&self, project: ProjectId) -> usize;

    /// Wants them no more.
    fn unfollow(&self, project: ProjectId);

    /// How it is.
    fn state(&self) -> BusState;
}
