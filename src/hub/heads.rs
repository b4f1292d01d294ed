//! Where the cached projects stand in the store: what says whether a cached project may still be used ([AC2]).
//!
//! Promises: a head that is handed out was asked for less than `FRESH` before the reader came, or after; readers of one
//! project ask together.
//! Must never: grow without bound; projects that nobody reads are dropped by the next comparison.

use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use tokio::time::Instant;

use crate::cache::flight::{Flights, Lost};
use crate::domain::ids::ProjectId;
use crate::store::{Head, Store, StoreError};

/// For how long an answer of the store counts, from when it was asked. [AC2] allows a second, of which some is left for
/// whoever uses the answer.
pub const FRESH: Duration = Duration::from_millis(900);
/// Projects that are remembered; heads of more are asked for each time.
const KNOWN_MAX: usize = 10_000;
/// A project that was read so long ago is not asked for with the others any more.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// What the store said of a project, and when it was asked.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Just before the question went out.
    pub asked: Instant,
    /// None: there is no such project, or it is deleted.
    pub head: Option<Head>,
}

impl Known {
    /// Whether it counts for a reader who came then.
    pub fn counts_for(&self, arrived: Instant) -> bool {
        self.asked + FRESH >= arrived
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    known: Known,
    read: Instant,
}

/// The heads of the projects that are read.
pub struct Heads {
    store: Arc<dyn Store>,
    /// Readers and the comparison of heads write; an entry ends when nobody reads it any more.
    entries: Arc<DashMap<ProjectId, Entry>>,
    flights: Flights<ProjectId, Result<Known, StoreError>>,
}

impl Heads {
    /// None known yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, entries: Arc::default(), flights: Flights::default() }
    }

    /// What is known, if it counts for a reader who came then.
    pub fn known(&self, project: ProjectId, arrived: Instant) -> Option<Known> {
        let mut entry = self.entries.get_mut(&project)?;
        entry.read = arrived;
        Some(entry.known).filter(|known| known.counts_for(arrived))
    }

    /// What counts for a reader who came then: known already, or asked for now.
    pub async fn get(&self, project: ProjectId, arrived: Instant) -> Result<Known, StoreError> {
        if let Some(known) = self.known(project, arrived) {
            return Ok(known);
        }
        let answer = self.ask(project).await?;
        // Who joins a question that went out long ago asks again: that one goes out now.
        if answer.counts_for(arrived) { Ok(answer) } else { self.ask(project).await }
    }

    async fn ask(&self, project: ProjectId) -> Result<Known, StoreError> {
        let (store, entries) = (self.store.clone(), self.entries.clone());
        let asking = || async move {
            let asked = Instant::now();
            let head = store.heads(&[project]).await?.pop();
            let known = Known { asked, head };
            note(&entries, project, known);
            Ok(known)
        };
        let lost = |Lost| StoreError::Unavailable("a head was asked for, and not told".to_owned());
        self.flights.join(project, asking).await.unwrap_or_else(|ended| Err(lost(ended)))
    }

    /// The store said so, to whomever; what was asked later is not undone.
    pub fn note(&self, project: ProjectId, known: Known) {
        note(&self.entries, project, known);
    }

    /// The same, of a project that may not be read here: it is remembered only if it is.
    pub fn confirm(&self, project: ProjectId, known: Known) {
        if self.entries.contains_key(&project) {
            self.note(project, known);
        }
    }

    /// What was known of it is old.
    pub fn forget(&self, project: ProjectId) {
        self.entries.remove(&project);
    }

    /// Everything that was known is old.
    pub fn forget_all(&self) {
        self.entries.clear();
    }

    /// Projects that were read of late, at most so many; the others are dropped.
    pub fn read_of_late(&self, most: usize) -> Vec<ProjectId> {
        let Some(since) = Instant::now().checked_sub(READ_WITHIN) else { return Vec::new() };
        self.entries.retain(|_, entry| entry.read >= since);
        self.entries.iter().take(most).map(|entry| *entry.key()).collect()
    }
}

fn note(entries: &DashMap<ProjectId, Entry>, project: ProjectId, known: Known) {
    if let Some(mut entry) = entries.get_mut(&project) {
        if entry.known.asked < known.asked {
            entry.known = known;
        }
        return;
    }
    if entries.len() < KNOWN_MAX {
        entries.entry(project).or_insert(Entry { known, read: known.asked });
    }
}
