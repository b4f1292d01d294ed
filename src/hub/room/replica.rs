//! A room's copy of its project: what edits are decided on.
//!
//! Promises: after `load` and after each `catch_up` it is what the store held at one moment; a stale replica costs a
//! retry, never a wrong write.
//! Must never: be shown to anybody while it holds events that are not yet committed.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::access::Role;
use crate::domain::block::Project;
use crate::domain::event::Event;
use crate::domain::ids::{ProjectId, UserId};
use crate::domain::past::Past;
use crate::domain::sequence::{Epoch, Seq};
use crate::store::{ProjectInfo, Span, Store, StoreError};

/// Events fetched at a time.
pub const PAGE: u32 = 500;

/// A room's copy of its project.
#[derive(Debug)]
pub struct Replica {
    /// Title, access, epoch.
    pub info: ProjectInfo,
    /// Who is a member.
    pub members: HashMap<UserId, Role>,
    /// Changes with all of the above.
    pub revision: u64,
    /// The first event that is kept is the one after this.
    pub log_start: Seq,
    /// The blocks.
    pub project: Project,
    /// Recent events, and what goes with them.
    pub past: Past,
}

/// Where a replica was before events were tried on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The head.
    pub seq: Seq,
    /// The last structural event.
    pub tree_seq: Seq,
}

impl Replica {
    /// Reads it; `None` if there is no such project or it was deleted.
    pub async fn load(store: &dyn Store, id: ProjectId) -> Result<Option<Self>, StoreError> {
        let Some(opened) = store.open(id).await? else { return Ok(None) };
        Ok(Some(Self {
            info: opened.info,
            members: opened.members.into_iter().collect(),
            revision: opened.revision,
            log_start: opened.log_start,
            project: opened.project,
            past: Past::default(),
        }))
    }

    /// Which log.
    pub fn epoch(&self) -> Epoch {
        self.info.epoch
    }

    /// Where it stands.
    pub fn mark(&self) -> Mark {
        Mark { seq: self.project.seq, tree_seq: self.project.tree_seq }
    }

    /// Takes an event in, tried or true. One that does not fit says that this is not what the store holds.
    pub fn apply(&mut self, event: &Arc<Event>) -> Result<(), StoreError> {
        let applied = self.project.apply(event);
        applied.map_err(|_| StoreError::Broken(format!("event {} does not fit the replica", event.seq)))?;
        self.past.append(event.clone());
        Ok(())
    }

    /// Takes back events that did not become true; they are the last that were applied.
    pub fn take_back(&mut self, mark: Mark, events: &[Arc<Event>]) -> Result<(), StoreError> {
        for event in events.iter().rev() {
            let back = self.project.take_back(event);
            back.map_err(|_| StoreError::Broken(format!("event {} cannot be taken back", event.seq)))?;
        }
        self.project.seq = mark.seq;
        self.project.tree_seq = mark.tree_seq;
        self.past.roll_back(mark.seq);
        Ok(())
    }

    /// Fetches and takes in the next page of what the store has and this has not.
    pub async fn catch_up(&mut self, store: &dyn Store) -> Result<Vec<Arc<Event>>, StoreError> {
        let events = store.events(self.info.id, Span::After(self.project.seq), PAGE).await?;
        for event in &events {
            self.apply(event)?;
        }
        Ok(events)
    }
}
