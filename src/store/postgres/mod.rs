//! Postgres: for every real deployment, and for several hubs on one database.
//!
//! Promises: those of `Store`, on Postgres 15 and later. A commit of many projects is one statement, one round trip.
//! Locks are taken on projects first, in the order of their ids, then on their blocks: commits never deadlock.
//! Must never: decide on what a replica says; wait for one project while others could go on; use a connection again
//! on which the database was not available (it may lead to what is a standby now).

mod commit;
mod compact;
mod link;
mod projects;
mod read;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use self::link::{Link, Purpose};
use super::failure::uncancelled;
use super::{
    Commit, Committed, Dropped, EditRecord, Head, Hold, ListQuery, Membership, NewProject, Opened, Patience,
    ProjectChange, Retention, Span, Store, StoreError, hold,
};
use crate::domain::access::Role;
use crate::domain::block::Grave;
use crate::domain::event::Event;
use crate::domain::ids::{BlockId, EditId, GroupId, ProjectId, UserId};
use crate::domain::sequence::{Timestamp, Version};

/// How to reach the database.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`.
    pub url: String,
    /// A replica's, for history: events before a place are read there.
    pub replica_url: Option<String>,
    /// Connections kept open.
    pub pool_min: u32,
    /// Connections at most.
    pub pool_max: u32,
}

/// A store in Postgres.
#[derive(Debug)]
pub struct PostgresStore {
    primary: Link,
    replica: Option<Link>,
    /// One permit for each project that may be held at a time: half of the connections, as who holds needs another one
    /// to read by. A permit goes back when its hold ends.
    holds: Arc<Semaphore>,
}

impl PostgresStore {
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// `Unavailable` if no server answers within 30 s, `Broken` if the URL or the database is not ours.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, StoreError> {
        let primary = Link::to(&options.url, options, Purpose::Truth).await?;
        primary.migrate().await?;
        let replica = match &options.replica_url {
            Some(url) => Some(Link::to(url, options, Purpose::History).await?),
            None => None,
        };
        let holds = Arc::new(Semaphore::new((options.pool_max / 2).max(1) as usize));
        Ok(Self { primary, replica, holds })
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn migrate(url: &str) -> Result<(), StoreError> {
        let options = PostgresOptions { url: url.to_owned(), replica_url: None, pool_min: 0, pool_max: 1 };
        Self::connect(&options).await?.close().await;
        Ok(())
    }

    /// Ends all connections.
    pub async fn close(&self) {
        for link in self.replica.iter().chain([&self.primary]) {
            link.end().await;
        }
    }

    /// Where events of a span are read: what is newest is promised only by the primary.
    fn link_for(&self, span: Span) -> &Link {
        match (span, &self.replica) {
            (Span::Before(_), Some(replica)) => replica,
            _ => &self.primary,
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn describe(&self) -> String {
        format!("postgres {}", self.primary.place())
    }

    fn lanes(&self) -> usize {
        2
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.primary.check().await
    }

    async fn create(&self, project: &NewProject) -> Result<bool, StoreError> {
        uncancelled(projects::create(self.primary.clone(), project.clone())).await
    }

    async fn project(&self, id: ProjectId, user: &UserId) -> Result<Option<Membership>, StoreError> {
        projects::one(&self.primary, id, user).await
    }

    async fn projects(&self, query: &ListQuery) -> Result<Vec<Membership>, StoreError> {
        projects::list(&self.primary, query).await
    }

    async fn change(&self, id: ProjectId, change: &ProjectChange, at: Timestamp) -> Result<bool, StoreError> {
        projects::change(&self.primary, id, change, at).await
    }

    async fn set_deleted(&self, id: ProjectId, deleted: Option<Timestamp>) -> Result<bool, StoreError> {
        projects::set_deleted(&self.primary, id, deleted).await
    }

    async fn members(&self, id: ProjectId) -> Result<Vec<(UserId, Role)>, StoreError> {
        projects::members(&self.primary, id).await
    }

    async fn set_member(&self, id: ProjectId, user: &UserId, role: Option<Role>) -> Result<bool, StoreError> {
        projects::set_member(&self.primary, id, user, role).await
    }

    async fn open(&self, id: ProjectId) -> Result<Option<Opened>, StoreError> {
        uncancelled(read::open(self.primary.clone(), id)).await
    }

    async fn heads(&self, ids: &[ProjectId]) -> Result<Vec<Head>, StoreError> {
        read::heads(&self.primary, ids).await
    }

    async fn commit(&self, batch: &[Commit], patience: Patience) -> Result<Vec<Committed>, StoreError> {
        uncancelled(commit::commit(self.primary.clone(), batch.to_vec(), patience)).await
    }

    async fn hold(&self, id: ProjectId, patience: Patience) -> Result<Option<Box<dyn Hold>>, StoreError> {
        let (link, holds) = (self.primary.clone(), Arc::clone(&self.holds));
        hold::hold(|door| commit::hold(link, holds, id, patience, door)).await
    }

    async fn events(&self, id: ProjectId, span: Span, limit: u32) -> Result<Vec<Arc<Event>>, StoreError> {
        read::events(self.link_for(span), id, span, limit).await
    }

    async fn event_of_edit(&self, id: ProjectId, edit: EditId) -> Result<Option<Arc<Event>>, StoreError> {
        read::event_of_edit(&self.primary, id, edit).await
    }

    async fn events_of_group(&self, id: ProjectId, group: GroupId) -> Result<Vec<Arc<Event>>, StoreError> {
        read::events_of_group(&self.primary, id, group).await
    }

    async fn block_events(&self, id: ProjectId, block: BlockId, after: Version) -> Result<Vec<Arc<Event>>, StoreError> {
        read::block_events(&self.primary, id, block, after).await
    }

    async fn graves(&self, id: ProjectId, blocks: &[BlockId]) -> Result<Vec<(BlockId, Grave)>, StoreError> {
        read::graves(&self.primary, id, blocks).await
    }

    async fn records(&self, id: ProjectId, edits: &[EditId]) -> Result<Vec<EditRecord>, StoreError> {
        read::records(&self.primary, id, edits).await
    }

    async fn bump_epoch(&self, id: ProjectId, log: u64) -> Result<bool, StoreError> {
        projects::bump_epoch(&self.primary, id, log).await
    }

    async fn bump_all_epochs(&self, log: u64) -> Result<u64, StoreError> {
        projects::bump_all_epochs(&self.primary, log).await
    }

    async fn theme(&self, id: &str) -> Result<Option<(UserId, String)>, StoreError> {
        projects::theme(&self.primary, id).await
    }

    async fn put_theme(&self, id: &str, owner: &UserId, json: &str, at: Timestamp) -> Result<bool, StoreError> {
        projects::put_theme(&self.primary, id, owner, json, at).await
    }

    async fn compact(&self, retention: &Retention) -> Result<Dropped, StoreError> {
        uncancelled(compact::compact(self.primary.clone(), *retention)).await
    }
}
