//! Hints between hubs: something happened to a project, look if it concerns you.
//!
//! Promises: nothing. A hint may be lost, late, doubled or out of order; the store tells the truth, and every hub
//! compares heads with it once a second.
//! Must never: delay an ack, or be what correctness rests on.

pub mod local;

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::domain::ids::{ConnectionId, HubId, ProjectId};
use crate::domain::sequence::{Epoch, Seq};
use crate::protocol::frame::Frame;

/// What another hub says.
#[derive(Clone, Debug)]
pub struct Hint {
    /// Who says it; a hub passes over its own.
    pub from: HubId,
    /// About which project.
    pub project: ProjectId,
    /// What.
    pub news: News,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum News {
    /// Events were committed, up to `head`.
    Moved {
        /// Of which log.
        epoch: Epoch,
        /// The last seq.
        head: Seq,
    },
    /// Title, access, members or existence changed.
    Changed,
    /// A signal or a notice, for everybody who is here now.
    Aside {
        /// As the clients get it.
        frame: Arc<Frame>,
        /// Whose connection it came from.
        from: ConnectionId,
    },
}

/// Carries hints.
pub trait Bus: Send + Sync {
    /// Sends a hint to the other hubs; returns at once.
    fn publish(&self, hint: Hint);

    /// All hints from now on. A receiver that lags loses some, as the promise says.
    fn hints(&self) -> broadcast::Receiver<Hint>;
}
