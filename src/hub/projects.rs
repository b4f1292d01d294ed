//! Projects from outside a room: create, list, read, change, delete, recover.
//!
//! Promises: each call asks the policy; who may not see a project is told what they would be told if there were none.
//! Must never: leave a room unaware of what it changed.

use std::future::Future;

use uuid::Uuid;

use super::context::Context;
use super::room::command::busy;
use super::room::not_found;
use super::room::people::permit;
use super::{Hub, clock};
use crate::domain::access::{Access, Action, Role};
use crate::domain::event::Event;
use crate::domain::ids::{EditId, ProjectId};
use crate::domain::seed::{self, Seed, SeedError, SeedFault};
use crate::domain::sequence::{Seq, Timestamp};
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;
use crate::store::{ListQuery, Membership, NewProject, ProjectChange, ProjectInfo, SharedProjects, StoreError};

/// The longest title, in characters.
pub const TITLE_CHARS_MAX: usize = 256;
/// How long a deleted project can be recovered.
pub const RECOVERY_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// A project as a caller sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The project.
    pub info: ProjectInfo,
    /// The caller's role in it.
    pub role: Role,
}

/// A project to be created.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For people.
    pub title: String,
    /// What everybody else has; by default nothing, on an open hub editing.
    pub access: Option<Access>,
    /// The first event's blocks, in order.
    pub blocks: Vec<Seed>,
}

/// Which projects a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Those that are there.
    Alive,
    /// Also those that were deleted and can be recovered.
    Recoverable,
}

impl Hub {
    /// Creates a project; the caller becomes its owner.
    pub async fn create_project(&self, context: &Context, plan: Plan) -> Result<Seen, Refusal> {
        permit(&context.principal, None, Action::UseHub)?;
        check_title(&plan.title)?;
        let open = self.authenticator.is_open();
        let default = if open { Access::Editor } else { Access::None };
        let new = NewProject {
            id: ProjectId(Uuid::now_v7()),
            title: plan.title,
            access: plan.access.unwrap_or(default),
            owner: context.principal.user().clone(),
            log: Uuid::new_v4().as_u64_pair().0,
            at: clock::now(),
            first: self.first_event(context, plan.blocks)?,
        };
        let (store, id) = (self.store.clone(), new.id);
        match settled(context, async move { store.create(&new).await }).await? {
            true => self.read_project(context, id).await,
            // Two UUIDs that were drawn are the same: chance does not do that.
            false => Err(internal()),
        }
    }

    fn first_event(&self, context: &Context, blocks: Vec<Seed>) -> Result<Option<Event>, Refusal> {
        if blocks.is_empty() {
            return Ok(None);
        }
        let changes = seed::plant(blocks, self.limits.block_bytes_max).map_err(refused_seed)?;
        Ok(Some(Event {
            seq: Seq(1),
            edit: EditId(Uuid::now_v7()),
            request: context.request,
            group: None,
            actor: context.principal.actor.clone(),
            at: clock::now(),
            merged: false,
            overwrote: false,
            changes,
        }))
    }

    /// The caller's projects, newest change first; on an open hub everybody's that are shared.
    pub async fn list_projects(
        &self,
        context: &Context,
        limit: u32,
        after: Option<(Timestamp, ProjectId)>,
    ) -> Result<Vec<Seen>, Refusal> {
        permit(&context.principal, None, Action::UseHub)?;
        let shared = if self.authenticator.is_open() { SharedProjects::Listed } else { SharedProjects::Unlisted };
        let also = context.principal.projects.keys().copied().collect();
        let query = ListQuery { user: context.principal.user().clone(), also, shared, limit, after };
        let found = self.store.projects(&query).await.map_err(|error| unavailable(context, &error))?;
        Ok(found.into_iter().filter_map(|found| seen(context, found)).collect())
    }

    /// One project.
    pub async fn read_project(&self, context: &Context, id: ProjectId) -> Result<Seen, Refusal> {
        self.look_up(context, id, Action::Read, State::Alive).await
    }

    /// Renames it, changes what everybody has, or its theme.
    pub async fn change_project(
        &self,
        context: &Context,
        id: ProjectId,
        change: ProjectChange,
    ) -> Result<Seen, Refusal> {
        self.look_up(context, id, Action::Share, State::Alive).await?;
        change.title.as_deref().map(check_title).transpose()?;
        if let Some(Some(theme)) = &change.theme {
            self.read_theme(context, theme).await?;
        }
        let store = self.store.clone();
        let changed = settled(context, async move { store.change(id, &change, clock::now()).await }).await?;
        self.told(id, changed).await?;
        self.read_project(context, id).await
    }

    /// Deletes it; it can be recovered for 30 days.
    pub async fn delete_project(&self, context: &Context, id: ProjectId) -> Result<(), Refusal> {
        self.look_up(context, id, Action::Delete, State::Alive).await?;
        let store = self.store.clone();
        let deleted = settled(context, async move { store.set_deleted(id, Some(clock::now())).await }).await?;
        self.told(id, deleted).await
    }

    /// Takes a deletion back. A project that was not deleted stays as it is.
    pub async fn recover_project(&self, context: &Context, id: ProjectId) -> Result<Seen, Refusal> {
        let found = self.look_up(context, id, Action::Delete, State::Recoverable).await?;
        if found.info.deleted.is_some() {
            let store = self.store.clone();
            settled(context, async move { store.set_deleted(id, None).await }).await?;
            self.changed(id).await;
        }
        self.read_project(context, id).await
    }

    /// The project, if the policy lets the caller do `action`.
    pub(super) async fn look_up(
        &self,
        context: &Context,
        id: ProjectId,
        action: Action,
        state: State,
    ) -> Result<Seen, Refusal> {
        let found = self.store.project(id, context.principal.user()).await;
        let found = found.map_err(|error| unavailable(context, &error))?.and_then(|found| seen(context, found));
        let found = found.filter(|found| state.covers(&found.info, clock::now())).ok_or_else(not_found)?;
        match permit(&context.principal, Some(found.role), action) {
            // Who could not bring it back sees nothing of a deleted project.
            Err(_) if found.info.deleted.is_some() => Err(not_found()),
            answer => answer.map(|()| found),
        }
    }

    /// Tells the room of a change; a change that found nothing to change was a project that went meanwhile.
    pub(super) async fn told(&self, id: ProjectId, changed: bool) -> Result<(), Refusal> {
        if !changed {
            return Err(not_found());
        }
        self.changed(id).await;
        Ok(())
    }
}

impl State {
    fn covers(self, info: &ProjectInfo, now: Timestamp) -> bool {
        match (info.deleted, self) {
            (None, _) => true,
            (Some(_), Self::Alive) => false,
            (Some(deleted), Self::Recoverable) => deleted.plus_ms(RECOVERY_MS) > now,
        }
    }
}

/// Runs a write in a task of its own: a caller that goes away does not stop it half-way.
pub(super) async fn settled<T: Send + 'static>(
    context: &Context,
    write: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::spawn(write).await {
        Ok(answer) => answer.map_err(|error| unavailable(context, &error)),
        Err(error) => {
            tracing::error!(request = %context.request, %error, "a write ended early");
            Err(internal())
        }
    }
}

/// The store's error as the caller may know it.
pub(super) fn unavailable(context: &Context, error: &StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(_) => {
            tracing::warn!(request = %context.request, %error, "the database cannot be had");
            busy("The database is not available just now.")
        }
        StoreError::Broken(_) => {
            tracing::error!(request = %context.request, %error, "the database answered what it should not");
            internal()
        }
    }
}

pub(super) fn internal() -> Refusal {
    Refusal::new(ErrorCode::Internal, "Something went wrong on the hub.")
}

fn seen(context: &Context, found: Membership) -> Option<Seen> {
    let role = context.principal.role(found.info.id, found.role, found.info.access, clock::now())?;
    Some(Seen { info: found.info, role })
}

fn refused_seed(SeedError { index, fault }: SeedError) -> Refusal {
    let (code, limit) = match fault {
        SeedFault::TooLarge => (ErrorCode::TooLarge, Some("maxBlockBytes")),
        _ => (ErrorCode::InvalidEdit, None),
    };
    Refusal { op: Some(index), limit, ..Refusal::new(code, format!("Block {index}: {fault}.")) }
}

fn check_title(title: &str) -> Result<(), Refusal> {
    match title.chars().count() {
        0 => Err(Refusal::new(ErrorCode::Malformed, "A project needs a title.")),
        1..=TITLE_CHARS_MAX => Ok(()),
        _ => Err(Refusal {
            limit: Some("maxTitleChars"),
            ..Refusal::new(ErrorCode::TooLarge, "A title is 256 characters at most.")
        }),
    }
}
