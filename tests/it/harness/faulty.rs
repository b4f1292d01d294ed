//! A store that fails when it is told to.
//!
//! Promises: everything else is done by the real one beneath.
//! Must never: fail by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use blockhub::domain::access::Role;
use blockhub::domain::block::Grave;
use blockhub::domain::event::Event;
use blockhub::domain::ids::{BlockId, EditId, GroupId, ProjectId, UserId};
use blockhub::domain::sequence::{Timestamp, Version};
use blockhub::store::{
    Commit, Committed, Dropped, EditRecord, Head, Hold, ListQuery, Membership, NewProject, Opened, Patience,
    ProjectChange, Retention, Span, Store, StoreError,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next look at edit records panics.
    PanicInRecords,
    /// The next commit is done, but its answer is lost.
    CommitUnanswered,
    /// The next commit is not done.
    CommitRefused,
    /// The next commit panics.
    PanicInCommit,
    /// The next commit is never answered.
    CommitSilent,
    /// The next commit waits for `go_on`, and is not done.
    CommitHeld,
    /// The next time that events are read, they cannot be.
    EventsUnread,
    /// The next time that events are read, that waits for `go_on`.
    EventsHeld,
    /// So many races are lost, one after the other.
    LostRaces(u32),
}

/// A store that fails when it is told to.
pub struct FaultyStore {
    real: Arc<dyn Store>,
    fault: Mutex<Option<Fault>>,
    stale: AtomicUsize,
    held: AtomicUsize,
    /// Projects, heads and themes cannot be read.
    is_cut_off: AtomicBool,
    /// How often these were read.
    reads: Reads,
    /// How many projects each commit named.
    batches: Mutex<Vec<usize>>,
    /// A commit, or a read, waits.
    waits: Notify,
    /// It shall go on.
    goes_on: Notify,
}

/// How often something was read.
#[derive(Debug, Default)]
pub struct Reads {
    pub projects: AtomicUsize,
    pub heads: AtomicUsize,
    pub themes: AtomicUsize,
    pub opens: AtomicUsize,
}

impl FaultyStore {
    pub fn over(real: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            real,
            fault: Mutex::new(None),
            stale: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            is_cut_off: AtomicBool::new(false),
            reads: Reads::default(),
            batches: Mutex::default(),
            waits: Notify::new(),
            goes_on: Notify::new(),
        })
    }

    /// The next time that it can, it fails so.
    pub fn plant(&self, fault: Fault) {
        *self.fault.lock() = Some(fault);
    }

    /// How many commits were stale, not counting those that this made so.
    pub fn stale(&self) -> usize {
        self.stale.load(Ordering::Relaxed)
    }

    /// How many projects each commit named, in order.
    pub fn batches(&self) -> Vec<usize> {
        self.batches.lock().clone()
    }

    /// Waits until a commit, or a read, is held.
    pub async fn something_is_held(&self) {
        self.waits.notified().await;
    }

    /// Lets what is held go on.
    pub fn go_on(&self) {
        self.goes_on.notify_one();
    }

    /// From now on projects, heads and themes cannot be read.
    pub fn cut_off(&self) {
        self.is_cut_off.store(true, Ordering::SeqCst);
    }

    /// How often these were read.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    fn reach(&self, count: &AtomicUsize) -> Result<(), StoreError> {
        count.fetch_add(1, Ordering::SeqCst);
        if self.is_cut_off.load(Ordering::SeqCst) { Err(unavailable()) } else { Ok(()) }
    }

    /// How often a project was held.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn loses_race(&self) -> bool {
        let mut fault = self.fault.lock();
        let Some(Fault::LostRaces(left)) = *fault else { return false };
        *fault = (left > 1).then_some(Fault::LostRaces(left - 1));
        true
    }

    fn meets(&self, fault: Fault) -> bool {
        self.fault.lock().take_if(|planted| *planted == fault).is_some()
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("planted".into())
}

#[async_trait]
impl Store for FaultyStore {
    fn describe(&self) -> String {
        self.real.describe()
    }
    fn lanes(&self) -> usize {
        self.real.lanes()
    }
    async fn check(&self) -> Result<(), StoreError> {
        self.real.check().await
    }
    async fn create(&self, project: &NewProject) -> Result<bool, StoreError> {
        self.real.create(project).await
    }
    async fn project(&self, id: ProjectId, user: &UserId) -> Result<Option<Membership>, StoreError> {
        self.reach(&self.reads.projects)?;
        self.real.project(id, user).await
    }
    async fn projects(&self, query: &ListQuery) -> Result<Vec<Membership>, StoreError> {
        self.real.projects(query).await
    }
    async fn change(&self, id: ProjectId, change: &ProjectChange, at: Timestamp) -> Result<bool, StoreError> {
        self.real.change(id, change, at).await
    }
    async fn set_deleted(&self, id: ProjectId, deleted: Option<Timestamp>) -> Result<bool, StoreError> {
        self.real.set_deleted(id, deleted).await
    }
    async fn members(&self, id: ProjectId) -> Result<Vec<(UserId, Role)>, StoreError> {
        self.real.members(id).await
    }
    async fn set_member(&self, id: ProjectId, user: &UserId, role: Option<Role>) -> Result<bool, StoreError> {
        self.real.set_member(id, user, role).await
    }
    async fn open(&self, id: ProjectId) -> Result<Option<Opened>, StoreError> {
        self.reads.opens.fetch_add(1, Ordering::SeqCst);
        self.real.open(id).await
    }
    async fn heads(&self, ids: &[ProjectId]) -> Result<Vec<Head>, StoreError> {
        self.reach(&self.reads.heads)?;
        self.real.heads(ids).await
    }
    async fn commit(&self, batch: &[Commit], patience: Patience) -> Result<Vec<Committed>, StoreError> {
        self.batches.lock().push(batch.len());
        assert!(!self.meets(Fault::PanicInCommit), "planted");
        if self.meets(Fault::CommitRefused) {
            return Err(unavailable());
        }
        if self.meets(Fault::CommitSilent) {
            std::future::pending::<()>().await;
        }
        if self.meets(Fault::CommitHeld) {
            self.waits.notify_one();
            self.goes_on.notified().await;
            return Ok(vec![Committed::Gone; batch.len()]);
        }
        if self.loses_race() {
            return Ok(vec![Committed::Stale; batch.len()]);
        }
        let committed = self.real.commit(batch, patience).await;
        let stale = committed.iter().flatten().filter(|committed| **committed == Committed::Stale).count();
        self.stale.fetch_add(stale, Ordering::Relaxed);
        if self.meets(Fault::CommitUnanswered) { Err(unavailable()) } else { committed }
    }
    async fn hold(&self, id: ProjectId, patience: Patience) -> Result<Option<Box<dyn Hold>>, StoreError> {
        self.held.fetch_add(1, Ordering::Relaxed);
        self.real.hold(id, patience).await
    }
    async fn events(&self, id: ProjectId, span: Span, limit: u32) -> Result<Vec<Arc<Event>>, StoreError> {
        if self.meets(Fault::EventsUnread) {
            return Err(unavailable());
        }
        if self.meets(Fault::EventsHeld) {
            self.waits.notify_one();
            self.goes_on.notified().await;
        }
        self.real.events(id, span, limit).await
    }
    async fn event_of_edit(&self, id: ProjectId, edit: EditId) -> Result<Option<Arc<Event>>, StoreError> {
        self.real.event_of_edit(id, edit).await
    }
    async fn events_of_group(&self, id: ProjectId, group: GroupId) -> Result<Vec<Arc<Event>>, StoreError> {
        self.real.events_of_group(id, group).await
    }
    async fn block_events(&self, id: ProjectId, block: BlockId, after: Version) -> Result<Vec<Arc<Event>>, StoreError> {
        self.real.block_events(id, block, after).await
    }
    async fn graves(&self, id: ProjectId, blocks: &[BlockId]) -> Result<Vec<(BlockId, Grave)>, StoreError> {
        self.real.graves(id, blocks).await
    }
    async fn records(&self, id: ProjectId, edits: &[EditId]) -> Result<Vec<EditRecord>, StoreError> {
        assert!(!self.meets(Fault::PanicInRecords), "planted");
        self.real.records(id, edits).await
    }
    async fn bump_epoch(&self, id: ProjectId, log: u64) -> Result<bool, StoreError> {
        self.real.bump_epoch(id, log).await
    }
    async fn bump_all_epochs(&self, log: u64) -> Result<u64, StoreError> {
        self.real.bump_all_epochs(log).await
    }
    async fn theme(&self, id: &str) -> Result<Option<(UserId, String)>, StoreError> {
        self.reach(&self.reads.themes)?;
        self.real.theme(id).await
    }
    async fn put_theme(&self, id: &str, owner: &UserId, json: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.real.put_theme(id, owner, json, at).await
    }
    async fn compact(&self, retention: &Retention) -> Result<Dropped, StoreError> {
        self.real.compact(retention).await
    }
}
