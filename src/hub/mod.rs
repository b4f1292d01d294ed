//! The living hub: rooms, connections, the life of an edit.
//!
//! Promises: what a transport asks of a `Hub` is checked against the policy here, and nowhere else.
//! Must never: know HTTP or sockets, SQL or JSON keys.

pub mod batch;
pub mod cached;
pub mod caretaking;
pub mod clock;
pub mod committer;
pub mod connection;
pub mod context;
pub mod feed;
pub mod heads;
pub mod housekeeping;
pub mod line;
pub mod log;
pub mod members;
pub mod outbox;
pub mod projects;
pub mod quotas;
pub mod readers;
pub mod registry;
pub mod roll;
pub mod room;
pub mod snapshots;
pub mod themes;
pub mod warm;
pub mod watch;
pub mod weight;

use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

use self::cached::{CacheParts, Cached, Sight};
use self::committer::Committer;
use self::context::{Context, too_late};
use self::projects::unavailable;
use self::registry::Registry;
use self::roll::Roll;
use self::room::command::{Command, Submission, Waiter, internal};
use self::room::people::permit;
use self::room::reading::blocks_at;
use self::room::{RoomEnv, not_found};
use self::snapshots::ask_room;
use crate::bus::{Bus, Hint, News};
use crate::cache::key::Group;
use crate::domain::access::{Action, Principal};
use crate::domain::block::{Block, Project};
use crate::domain::decide::EditLimits;
use crate::domain::edit::Edit;
use crate::domain::ids::{EditId, HubId, HubRun, ProjectId};
use crate::domain::sequence::{Epoch, Seq, Timestamp};
use crate::limit::Limits;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::client::NamedUser;
use crate::protocol::message::limits::WireLimits;
use crate::protocol::message::reply::{Ack, ConflictReport, Refusal};
use crate::session::Sessions;
use crate::store::Store;

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

impl Intent {
    /// The new edit's name.
    pub fn edit(&self) -> EditId {
        match self {
            Self::Edit(edit) => edit.id,
            Self::Undo { edit, .. } | Self::Restore { edit, .. } => *edit,
        }
    }
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
    /// The first event that is kept is the one after this.
    pub log_start: Seq,
    /// Parents before children, siblings in order.
    pub blocks: Vec<Arc<Block>>,
}

/// Tells whom a token, or in open mode a name, speaks for.
pub trait Authenticator: Send + Sync {
    /// A refusal is always `unauthenticated`.
    fn authenticate(&self, token: Option<&str>, user: Option<NamedUser>, now: Timestamp) -> Result<Principal, Refusal>;

    /// Whether no key is configured: everybody is who they say, and no token ends.
    fn is_open(&self) -> bool;
}

/// The figures of health.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    /// Open sockets.
    pub connections: usize,
    /// Open rooms.
    pub rooms: usize,
}

/// What a hub is made of.
pub struct HubParts {
    /// Its name.
    pub id: HubId,
    /// This life of it; the bus knows it too.
    pub run: HubRun,
    /// Durable truth.
    pub store: Arc<dyn Store>,
    /// Hints to other hubs.
    pub bus: Arc<dyn Bus>,
    /// What outlives connections.
    pub sessions: Arc<dyn Sessions>,
    /// Who is who.
    pub authenticator: Arc<dyn Authenticator>,
    /// What is kept at hand.
    pub cache: CacheParts,
    /// What `welcome` tells.
    pub limits: WireLimits,
    /// What may wait for one client, in bytes ([JN6]).
    pub outbox_bytes_max: usize,
    /// How much of what anybody may do.
    pub rates: Limits,
}

/// One server process's living part.
pub struct Hub {
    /// Its name.
    pub id: HubId,
    /// This life of it.
    pub run: HubRun,
    /// Durable truth.
    pub store: Arc<dyn Store>,
    /// Hints to other hubs.
    pub bus: Arc<dyn Bus>,
    /// What outlives connections.
    pub sessions: Arc<dyn Sessions>,
    /// Who is who.
    pub authenticator: Arc<dyn Authenticator>,
    /// What `welcome` tells.
    pub limits: WireLimits,
    /// What may wait for one client, in bytes ([JN6]).
    pub outbox_bytes_max: usize,
    /// How much of what anybody may do.
    rates: Limits,
    /// All open rooms.
    pub registry: Arc<Registry>,
    /// All connections.
    pub roll: Roll,
    /// What is kept at hand.
    cached: Cached,
    /// Heads are to be compared at once; the watcher waits for it.
    look_now: Arc<Notify>,
}

impl Hub {
    /// A hub at work: its watcher and its lanes end when it is dropped.
    pub fn start(parts: HubParts) -> Arc<Self> {
        let env = RoomEnv {
            run: parts.run,
            store: parts.store.clone(),
            committer: Arc::new(Committer::new(&parts.store)),
            bus: parts.bus.clone(),
            limits: EditLimits {
                block_bytes_max: parts.limits.block_bytes_max,
                text_window_max: parts.limits.text_window_max,
            },
            readers: Arc::default(),
        };
        let hub = Arc::new(Self {
            cached: Cached::new(parts.store.clone(), &parts.cache),
            id: parts.id,
            run: parts.run,
            store: parts.store,
            bus: parts.bus,
            sessions: parts.sessions,
            authenticator: parts.authenticator,
            limits: parts.limits,
            outbox_bytes_max: parts.outbox_bytes_max,
            rates: parts.rates,
            registry: Registry::new(env),
            roll: Roll::default(),
            look_now: Arc::default(),
        });
        tokio::spawn(watch::compare_heads(Arc::downgrade(&hub)));
        tokio::spawn(watch::listen(Arc::downgrade(&hub)));
        tokio::spawn(warm::run(Arc::downgrade(&hub)));
        hub
    }

    /// Applies an edit, an undo or a restore for a caller without a connection: HTTP.
    pub async fn submit(&self, context: &Context, project: ProjectId, intent: Intent) -> Outcome {
        let (sender, outcome) = oneshot::channel();
        let waiter = Waiter::Call(sender);
        let submission = Submission { context: context.clone(), intent, waiter };
        self.registry.send(project, Command::Submit(Box::new(submission))).await;
        match tokio::time::timeout_at(context.deadline(), outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Refused(internal()),
            // What became of it is told by its `editId`.
            Err(_) => Outcome::Refused(too_late()),
        }
    }

    /// The project's blocks now, never older than `min_seq`, or as they were after `at`.
    pub async fn snapshot(
        &self,
        context: &Context,
        project: ProjectId,
        at: Option<Seq>,
        min_seq: Option<Seq>,
    ) -> Result<Snapshot, Refusal> {
        self.permit(context, project, Action::Read).await?;
        if at.zip(min_seq).is_some_and(|(at, min_seq)| at < min_seq) {
            return Err(Refusal::new(ErrorCode::Malformed, "`at` is before `minSeq`."));
        }
        let now = ask_room(&self.registry, project, min_seq.max(at)).await?;
        match at {
            Some(seq) if seq < now.seq => self.back_to(project, now, seq).await,
            _ => Ok(now),
        }
    }

    async fn back_to(&self, project: ProjectId, now: Snapshot, seq: Seq) -> Result<Snapshot, Refusal> {
        let blocks = now.blocks.iter().map(|block| (**block).clone());
        let head = Project::new(now.seq, now.seq, blocks);
        let then = blocks_at(&*self.store, project, &head, seq, now.log_start).await?;
        Ok(Snapshot { seq, blocks: then.in_order().into_iter().cloned().collect(), ..now })
    }

    /// Whether the caller may do this to the project, by what the store held less than a second ago ([AC2]).
    pub async fn permit(&self, context: &Context, project: ProjectId, action: Action) -> Result<(), Refusal> {
        let found = self.cached.project(project, context.principal.user(), Sight::Role).await;
        let found = found.map_err(|error| unavailable(context, &error))?;
        let found = found.filter(|found| found.info.deleted.is_none()).ok_or_else(not_found)?;
        let role = context.principal.role(project, found.role, found.info.access, clock::now());
        permit(&context.principal, role, action)
    }

    /// Title, access, members or existence of a project changed: its room looks, and tells everybody.
    pub async fn changed(&self, project: ProjectId) {
        self.forget(&Group::Project(project));
        if let Err(Command::Changed) = self.registry.send_if_open(project, Command::Changed) {
            tracing::debug!(%project, "no open room to tell of a change, or a full one, which looks within a second");
        }
        self.bus.publish(Hint { from: self.run, project, news: News::Changed });
    }

    /// For health.
    pub fn figures(&self) -> Figures {
        Figures { connections: self.roll.len(), rooms: self.registry.len() }
    }
}
