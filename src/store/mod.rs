//! Durable truth: projects, blocks, events, edit records, members.
//!
//! Promises, by every backend, held by one contract suite (`tests/it/contract`):
//! - `commit` is atomic per project: the checks, the seqs, the blocks, the events and the edit records are one
//!   transaction, durable when it answers. Seqs have no holes.
//! - A project that is stale, locked elsewhere or gone is answered so, and does not hold up or undo the others of a batch.
//! - Reads see everything that was committed before they began.
//! - A call that writes may not be cancelled half-way: callers run it in a task of its own.
//!
//! Must never: decide. What is checked is exactly what the commit names.

mod batch;
mod body;
mod failure;
mod hold;
mod record;

pub mod pack;
pub mod postgres;
pub mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::access::{Access, Role};
use crate::domain::block::{Block, Grave, Project};
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId, UserId};
use crate::domain::sequence::{Epoch, Seq, Timestamp, Version};

/// What can go wrong, by what the caller can do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be had just now (connection lost, pool exhausted, time-out, restart): try again later.
    /// Whether a write took effect is not known.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A row that we cannot read, a query that cannot be right: somebody has to look.
    #[error("the database answered what it should not: {0}")]
    Broken(String),
}

/// Everything about a project but its blocks.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectInfo {
    /// Its name.
    pub id: ProjectId,
    /// For people.
    pub title: String,
    /// What everybody has who is no member.
    pub access: Access,
    /// Named colours and fonts, if set.
    pub theme: Option<String>,
    /// Which log.
    pub epoch: Epoch,
    /// The head.
    pub seq: Seq,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed: an edit, a rename, a change of access.
    pub updated: Timestamp,
    /// When it was deleted, if it was; it can be recovered for 30 days.
    pub deleted: Option<Timestamp>,
}

/// A project to be created. With blocks, they are its first event.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its name.
    pub id: ProjectId,
    /// For people.
    pub title: String,
    /// What everybody has who is no member.
    pub access: Access,
    /// The first member, an owner.
    pub owner: UserId,
    /// Drawn by the caller; becomes `Epoch::log`.
    pub log: u64,
    /// Now.
    pub at: Timestamp,
    /// The first event, numbered 1, if there are blocks; all its changes are inserts.
    pub first: Option<Event>,
}

/// What may be changed of a project; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct ProjectChange {
    /// For people.
    pub title: Option<String>,
    /// What everybody has who is no member.
    pub access: Option<Access>,
    /// `Some(None)` takes the theme away.
    pub theme: Option<Option<String>>,
}

/// Which projects a list shows: those the user is a member of, those named by the token (`also`), newest change first.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Whose.
    pub user: UserId,
    /// Projects that the token gives a role in.
    pub also: Vec<ProjectId>,
    /// Also every project whose access is not `None` (open mode).
    pub shared: SharedProjects,
    /// At most this many.
    pub limit: u32,
    /// Begin after this place of an earlier list: `updated` and `id` of its last project.
    pub after: Option<(Timestamp, ProjectId)>,
}

/// Whether a list shows projects that everybody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedProjects {
    /// Open mode.
    Listed,
    /// With tokens: a link is needed.
    Unlisted,
}

/// A project's info, the caller's membership, and the number that changes with membership or access.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// The project.
    pub info: ProjectInfo,
    /// The user's role as a member.
    pub role: Option<Role>,
    /// Changes with membership, access, title, theme, deletion; as in `Head`.
    pub revision: u64,
}

/// What a room needs to open: all of one moment.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Everything but the blocks; its `seq` is that of `project`.
    pub info: ProjectInfo,
    /// The blocks.
    pub project: Project,
    /// The members.
    pub members: Vec<(UserId, Role)>,
    /// Changes with membership, access, title and theme.
    pub revision: u64,
    /// The first event that is kept is the one after this.
    pub log_start: Seq,
}

/// Where a project stands; compared again and again for all open rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which project.
    pub project: ProjectId,
    /// Which log.
    pub epoch: Epoch,
    /// Its head.
    pub seq: Seq,
    /// Changes with membership, access, title, theme, deletion.
    pub revision: u64,
}

/// The decided edits of one room, to be committed together.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Which project.
    pub project: ProjectId,
    /// The log that it was decided on.
    pub epoch: Epoch,
    /// If any event is structural: the `tree_seq` that it was decided on.
    pub tree_seq: Option<Seq>,
    /// The blocks that are touched: each once, as it was found and as the last event leaves it.
    pub blocks: Vec<BlockWrite>,
    /// In order. Their `seq`s are as they come to be if nobody else commits first; the store renumbers them to the
    /// head plus 1, 2, … .
    pub events: Vec<Arc<Event>>,
}

/// One touched block.
#[derive(Clone, Debug)]
pub struct BlockWrite {
    /// Which block.
    pub id: BlockId,
    /// The version that it was decided on; 0 for one that never was.
    pub found: Version,
    /// What it is after the last event of the commit.
    pub left: BlockState,
}

/// What a block is after a commit.
#[derive(Clone, Debug, PartialEq)]
pub enum BlockState {
    /// It lives.
    Lives(Arc<Block>),
    /// It was deleted.
    Dead(Grave),
}

/// What became of one project's commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Durable; the first event has this seq, the others follow.
    Done {
        /// Of the first event.
        first: Seq,
    },
    /// Something it names is not so (a version, `tree_seq`, the epoch), or an edit id or the id of a new block is
    /// taken: catch up, look the ids up, decide again.
    Stale,
    /// Another transaction holds the project, and `Patience` ran out.
    Locked,
    /// No such project, or it was deleted.
    Gone,
}

/// How long a commit waits for projects that another transaction holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all: they are `Locked` at once.
    None,
    /// At most this many milliseconds.
    Ms(u32),
}

impl Patience {
    fn ms(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Ms(ms) => ms,
        }
    }
}

/// What is kept of an edit at least 30 days, apart from the history ([ED2]).
#[derive(Clone, Debug, PartialEq)]
pub struct EditRecord {
    /// The client's name for it.
    pub edit: EditId,
    /// Whose it was.
    pub user: UserId,
    /// Its event.
    pub seq: Seq,
    /// Of the blocks it touched.
    pub versions: Vec<(BlockId, Version)>,
    /// As first answered.
    pub merged: bool,
    /// As first answered.
    pub overwrote: bool,
}

/// A piece of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Oldest first, beginning after this.
    After(Seq),
    /// Newest first, beginning before this; `None`: at the head.
    Before(Option<Seq>),
}

/// What compaction may drop: times before which things are old.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Events, if any ever ([HI3]): the log loses its oldest part, never one that a text change still kept leans on.
    pub events_before: Option<Timestamp>,
    /// Edit records, once their events are dropped: a record lives at least as long as its event.
    pub records_before: Timestamp,
    /// Projects deleted before this go for good.
    pub deleted_before: Timestamp,
}

/// What compaction dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Events.
    pub events: u64,
    /// Edit records.
    pub records: u64,
    /// Projects.
    pub projects: u64,
}

/// A project that nobody else can commit to. Dropped, it lets go; it also does so by itself after 5 s.
#[async_trait]
pub trait Hold: Send {
    /// Commits, and lets go. `Locked`: that came after those 5 s, and nothing was written.
    async fn commit(self: Box<Self>, commit: Commit) -> Result<Committed, StoreError>;
}

/// Durable truth.
#[async_trait]
pub trait Store: Send + Sync {
    /// A word for logs and health, never with secrets: `sqlite data/blockhub.db`, `postgres db.example:5432/blockhub`.
    fn describe(&self) -> String;

    /// How many commits are worth having under way at once; a project always goes by the same one.
    fn lanes(&self) -> usize;

    /// Answers if the database does.
    async fn check(&self) -> Result<(), StoreError>;

    /// Creates a project; false if one of this id was there before.
    async fn create(&self, project: &NewProject) -> Result<bool, StoreError>;

    /// A project as one user sees it, deleted ones too; `None` if there never was one or it is gone for good.
    async fn project(&self, id: ProjectId, user: &UserId) -> Result<Option<Membership>, StoreError>;

    /// Projects, newest change first, deleted ones left out.
    async fn projects(&self, query: &ListQuery) -> Result<Vec<Membership>, StoreError>;

    /// Renames, changes access or theme; false if there is no such project or it is deleted.
    async fn change(&self, id: ProjectId, change: &ProjectChange, at: Timestamp) -> Result<bool, StoreError>;

    /// Deletes (`Some(now)`) or recovers (`None`) a project; false if there was nothing to do.
    async fn set_deleted(&self, id: ProjectId, deleted: Option<Timestamp>) -> Result<bool, StoreError>;

    /// The members, by name.
    async fn members(&self, id: ProjectId) -> Result<Vec<(UserId, Role)>, StoreError>;

    /// Makes a user a member, changes the role, or (`None`) ends the membership; false if that changed nothing.
    async fn set_member(&self, id: ProjectId, user: &UserId, role: Option<Role>) -> Result<bool, StoreError>;

    /// Everything a room needs, all of one moment; `None` if there is no such project or it is deleted.
    async fn open(&self, id: ProjectId) -> Result<Option<Opened>, StoreError>;

    /// Where these projects stand, in one query; deleted and unknown ones are left out.
    async fn heads(&self, ids: &[ProjectId]) -> Result<Vec<Head>, StoreError>;

    /// Commits the edits of many rooms, each project at most once in `batch`. The answers are in the batch's order.
    async fn commit(&self, batch: &[Commit], patience: Patience) -> Result<Vec<Committed>, StoreError>;

    /// Keeps everybody else from committing to a project, so that what is decided now is still right when it is
    /// committed; `None` if the lock was not had in time. Reads go on, and see the final truth while it is held.
    async fn hold(&self, id: ProjectId, patience: Patience) -> Result<Option<Box<dyn Hold>>, StoreError>;

    /// Events of a project's log, at most `limit`. Never skips: what was dropped ends the list.
    async fn events(&self, id: ProjectId, span: Span, limit: u32) -> Result<Vec<Arc<Event>>, StoreError>;

    /// The event of an edit, if it is kept.
    async fn event_of_edit(&self, id: ProjectId, edit: EditId) -> Result<Option<Arc<Event>>, StoreError>;

    /// All events of a group, oldest first, if they are kept.
    async fn events_of_group(&self, id: ProjectId, group: GroupId) -> Result<Vec<Arc<Event>>, StoreError>;

    /// The kept events that gave `block` a version above `after`, oldest first.
    async fn block_events(&self, id: ProjectId, block: BlockId, after: Version) -> Result<Vec<Arc<Event>>, StoreError>;

    /// What is left of these blocks; those that live or never were are left out.
    async fn graves(&self, id: ProjectId, blocks: &[BlockId]) -> Result<Vec<(BlockId, Grave)>, StoreError>;

    /// The records of these edits, in any order.
    async fn records(&self, id: ProjectId, edits: &[EditId]) -> Result<Vec<EditRecord>, StoreError>;

    /// Declares a project's log another one than it was; false if there is no such project.
    async fn bump_epoch(&self, id: ProjectId, log: u64) -> Result<bool, StoreError>;

    /// The same for every project, deleted ones too; how many there are.
    async fn bump_all_epochs(&self, log: u64) -> Result<u64, StoreError>;

    /// A theme: its owner and its JSON text.
    async fn theme(&self, id: &str) -> Result<Option<(UserId, String)>, StoreError>;

    /// Writes a theme; false if there is one of this id that belongs to another owner.
    async fn put_theme(&self, id: &str, owner: &UserId, json: &str, at: Timestamp) -> Result<bool, StoreError>;

    /// Drops what may be dropped, a bounded part of it at a time; called again until it drops nothing.
    async fn compact(&self, retention: &Retention) -> Result<Dropped, StoreError>;
}
