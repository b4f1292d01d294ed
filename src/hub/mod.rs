//! The living hub: rooms, connections, the life of an edit.
//!
//! Promises: what a transport asks of a `Hub` is checked against the policy here, and nowhere else.
//! Must never: know HTTP or sockets, SQL or JSON keys.

pub mod clock;
pub mod connection;
pub mod outbox;

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::domain::access::Principal;
use crate::domain::block::Block;
use crate::domain::edit::Edit;
use crate::domain::ids::{EditId, HubId, ProjectId, RequestId};
use crate::domain::sequence::{Epoch, Seq, Timestamp};
use crate::protocol::message::{Ack, ConflictReport, NamedUser, Refusal, WireLimits};
use crate::store::Store;

/// Who asks, and under which request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whom the request speaks for.
    pub principal: Principal,
    /// In the reply, the logs and the event.
    pub request: RequestId,
}

/// What changes blocks.
#[derive(Clone, Debug)]
pub enum Intent {
    /// As the client says.
    Edit(Edit),
    /// The reverse of an edit or a group.
    Undo {
        /// An `editId` or a group.
        target: Uuid,
        /// The new edit's name.
        edit: EditId,
    },
    /// What was after a seq.
    Restore {
        /// After which.
        seq: Seq,
        /// The new edit's name.
        edit: EditId,
    },
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is in the database.
    Acked(Ack),
    /// It was not applied, and can be settled.
    Conflict(ConflictReport),
    /// It was not applied.
    Refused(Refusal),
}

/// A project's blocks after one seq.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which log.
    pub epoch: Epoch,
    /// After which event.
    pub seq: Seq,
    /// Parents before children, siblings in order.
    pub blocks: Vec<Arc<Block>>,
}

/// Tells whom a token, or in open mode a name, speaks for.
pub trait Authenticator: Send + Sync {
    /// A refusal is always `unauthenticated`.
    fn authenticate(&self, token: Option<&str>, user: Option<NamedUser>, now: Timestamp) -> Result<Principal, Refusal>;
}

/// The figures of health.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Open sockets.
    pub connections: usize,
    /// Open rooms.
    pub rooms: usize,
}

/// One server process's living part.
pub struct Hub {
    /// Its name.
    pub id: HubId,
    /// Durable truth.
    pub store: Arc<dyn Store>,
    /// What `welcome` tells.
    pub limits: WireLimits,
}

impl Hub {
    /// Applies an edit, an undo or a restore for a caller without a room: HTTP.
    pub async fn submit(&self, _caller: &Caller, _project: ProjectId, _intent: Intent) -> Outcome {
        unimplemented!()
    }
    /// The project's blocks now, never older than `min_seq`, or as they were after `at`.
    pub async fn snapshot(
        &self,
        _caller: &Caller,
        _project: ProjectId,
        _at: Option<Seq>,
        _min_seq: Option<Seq>,
    ) -> Result<Snapshot, Refusal> {
        unimplemented!()
    }
    /// Title, access, members or existence of a project changed: its room looks, and tells everybody.
    pub async fn changed(&self, _project: ProjectId) {
        unimplemented!()
    }
    /// For health.
    pub fn figures(&self) -> Figures {
        unimplemented!()
    }
}

#[allow(unused)]
#[async_trait]
trait Unused {}
