//! What the hub keeps at hand: projects with the role of who asks, snapshots as bytes, themes.
//!
//! Promises: a role that is handed out was so in the store less than a second ago ([AC2]); what this hub changed is seen
//! by the next who asks here. If the store cannot be asked whether a cached project is still so, that is an error.
//! Must never: decide who may what.

use std::sync::Arc;

use tokio::time::Instant;

use super::heads::{FRESH, Heads, Known};
use super::snapshots::Written;
use crate::cache::figures::Figures;
use crate::cache::key::{Group, Key, Kind};
use crate::cache::local::Weighed;
use crate::cache::recent::Recent;
use crate::cache::{Cache, Found, Missed, Options};
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::sequence::{Epoch, Seq};
use crate::protocol::message::reply::Refusal;
use crate::store::{Head, Membership, Store, StoreError};

/// Whether other hubs may be at work on the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// None: the database is this hub's alone.
    Alone,
    /// Perhaps, and what they do is known by the bus alone while that reaches them.
    Others,
}

/// How caches are kept, and among whom.
#[derive(Clone, Debug)]
pub struct CacheParts {
    /// How.
    pub options: Options,
    /// Among whom.
    pub company: Company,
}

impl Default for CacheParts {
    fn default() -> Self {
        Self { options: Options::default(), company: Company::Others }
    }
}

/// Whether what is told only by the bus is told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// It is, or there is nobody to tell.
    Well,
    /// It is not.
    Nothing,
}

/// A project as one user sees it, as the store said.
#[derive(Clone, Debug)]
pub(super) struct SeenProject {
    asked: Instant,
    /// None: there never was one.
    pub(super) membership: Option<Membership>,
}

impl SeenProject {
    /// As a comparison of heads would say it: deleted ones are as none.
    fn head(&self) -> Option<Head> {
        let found = self.membership.as_ref().filter(|found| found.info.deleted.is_none())?;
        let (project, epoch, seq) = (found.info.id, found.info.epoch, found.info.seq);
        Some(Head { project, epoch, seq, revision: found.revision })
    }

    fn known(&self) -> Known {
        Known { asked: self.asked, head: self.head() }
    }

    /// Whether what the store said since leaves it as it is, in what `sight` asks for.
    fn agrees(&self, now: Option<Head>, sight: Sight) -> bool {
        match (self.head(), now) {
            (None, None) => true,
            (Some(then), Some(now)) => {
                let moved = then.seq != now.seq && matches!(sight, Sight::Whole(_));
                then.epoch == now.epoch && then.revision == now.revision && !moved
            }
            _ => false,
        }
    }

    /// Whether it holds what this hub has acknowledged.
    fn holds(&self, sight: Sight) -> bool {
        match (sight, &self.membership) {
            (Sight::Whole(Some((epoch, seq))), Some(found)) => found.info.epoch != epoch || found.info.seq >= seq,
            _ => true,
        }
    }
}

/// What of a project is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sight {
    /// Who may what, title, theme; it may be older in seq.
    Role,
    /// Everything; the place of the room that is open here, if one is.
    Whole(Option<(Epoch, Seq)>),
}

impl Weighed for SeenProject {
    fn bytes(&self) -> usize {
        let info = self.membership.as_ref().map(|found| &found.info);
        size_of::<Self>() + info.map_or(0, |info| info.title.len() + info.theme.as_ref().map_or(0, String::len))
    }
}

/// A theme, as the store said: its owner and its JSON text.
#[derive(Clone, Debug)]
struct SeenTheme {
    asked: Instant,
    theme: Option<(UserId, Arc<str>)>,
}

impl Weighed for SeenTheme {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.theme.as_ref().map_or(0, |(owner, json)| owner.as_str().len() + json.len())
    }
}

/// Everything that the hub keeps at hand.
pub struct Cached {
    store: Arc<dyn Store>,
    pub(super) projects: Cache<SeenProject, StoreError>,
    pub(super) snapshots: Cache<Arc<Written>, Refusal>,
    themes: Cache<SeenTheme, StoreError>,
    pub(super) heads: Heads,
    pub(super) recent: Option<Recent>,
    company: Company,
}

impl Cached {
    /// Nothing yet.
    pub fn new(store: Arc<dyn Store>, parts: &CacheParts) -> Self {
        Self {
            projects: Cache::new(Kind::Projects, &parts.options),
            snapshots: Cache::new(Kind::Snapshots, &parts.options),
            themes: Cache::new(Kind::Themes, &parts.options),
            heads: Heads::new(store.clone()),
            recent: parts.options.shares().map(Recent::new),
            company: parts.company,
            store,
        }
    }

    /// A project as one user sees it; `None` if there never was one. What it says of roles is less than a second old.
    pub(super) async fn project(
        &self,
        id: ProjectId,
        user: &UserId,
        sight: Sight,
    ) -> Result<Option<Membership>, StoreError> {
        let (arrived, key) = (Instant::now(), Key::project(id, user));
        let (known, found) = self.confirmation(&key, id, arrived).await?;
        let is_good = move |seen: &SeenProject| {
            let now = known.filter(|known| known.asked >= seen.asked);
            let so = now.map_or(seen.asked + FRESH >= arrived, |known| seen.agrees(known.head, sight));
            so && seen.holds(sight)
        };
        let (store, user) = (self.store.clone(), user.clone());
        let load = || async move {
            let asked = Instant::now();
            Ok(SeenProject { asked, membership: store.project(id, &user).await? })
        };
        let seen = self.projects.get(key, found, is_good, load.clone()).await.map_err(lost)?;
        // A load that began long before this reader came may tell of times before.
        let seen = if is_good(&seen) || seen.asked >= arrived { seen } else { load().await? };
        self.heads.note(id, seen.known());
        Ok(seen.membership)
    }

    /// What says whether the entry is still so; the store is asked only if there is one.
    async fn confirmation(
        &self,
        key: &Key,
        id: ProjectId,
        arrived: Instant,
    ) -> Result<(Option<Known>, Found), StoreError> {
        if let Some(known) = self.heads.known(id, arrived) {
            return Ok((Some(known), Found::Hit));
        }
        match self.projects.peek(key.clone()).await {
            Some(_) => Ok((Some(self.heads.get(id, arrived).await?), Found::Confirmed)),
            None => Ok((None, Found::Hit)),
        }
    }

    /// A theme's owner and its JSON text. While other hubs would not be heard it is less than a second old.
    pub(super) async fn theme(&self, id: &str, hearing: Hearing) -> Result<Option<(UserId, Arc<str>)>, StoreError> {
        let (arrived, trusted) = (Instant::now(), hearing == Hearing::Well || self.company == Company::Alone);
        let is_good = move |seen: &SeenTheme| trusted || seen.asked + FRESH >= arrived;
        let (store, name) = (self.store.clone(), id.to_owned());
        let load = || async move {
            let asked = Instant::now();
            let theme = store.theme(&name).await?;
            Ok(SeenTheme { asked, theme: theme.map(|(owner, json)| (owner, json.into())) })
        };
        let seen = self.themes.get(Key::theme(id), Found::Hit, is_good, load).await.map_err(lost)?;
        Ok(seen.theme)
    }

    /// A group is old, in this process.
    pub(super) fn forget(&self, group: &Group) {
        match group {
            Group::Project(id) => self.heads.forget(*id),
            Group::Kind(Kind::Projects) => self.heads.forget_all(),
            _ => {}
        }
        match group {
            Group::Project(_) => {
                self.projects.forget(group);
                self.snapshots.forget(group);
            }
            Group::Theme(_) | Group::Kind(Kind::Themes) => self.themes.forget(group),
            Group::Kind(Kind::Projects) => self.projects.forget(group),
            Group::Kind(Kind::Snapshots) => self.snapshots.forget(group),
        }
    }

    /// What was counted of each kind.
    pub(super) async fn figures(&self) -> [(Kind, Figures); 3] {
        [
            (self.projects.kind(), self.projects.figures().await),
            (self.snapshots.kind(), self.snapshots.figures().await),
            (self.themes.kind(), self.themes.figures().await),
        ]
    }

    /// Tells Prometheus what there is.
    pub(super) fn tell_sizes(&self) {
        self.projects.tell_size();
        self.snapshots.tell_size();
        self.themes.tell_size();
    }
}

fn lost(missed: Missed<StoreError>) -> StoreError {
    match missed {
        Missed::Failed(error) => error,
        Missed::Lost => StoreError::Broken("a load ended without an answer".to_owned()),
    }
}
