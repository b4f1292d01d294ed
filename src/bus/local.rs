//! The bus inside one process: right for a single hub, where there is nobody to tell.
//!
//! Promises: hubs that share it hear each other (tests run two in one process).
//! Must never: be taken for a way between processes; there, other hubs learn of edits by comparing heads.

use async_trait::async_trait;
use dashmap::DashMap;
use tokio::sync::broadcast;

use super::{Bus, BusState, Heard, Hint};
use crate::domain::ids::ProjectId;

/// Hints that wait for a slow hub; older ones are lost, which costs it one comparison of heads.
const HINTS_MAX: usize = 1024;

/// A bus inside one process.
#[derive(Debug)]
pub struct LocalBus {
    heard: broadcast::Sender<Heard>,
    /// How many rooms follow each project; an entry ends with the last of them.
    followed: DashMap<ProjectId, usize>,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self { heard: broadcast::Sender::new(HINTS_MAX), followed: DashMap::new() }
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn publish(&self, hint: Hint) {
        if self.is_heard() {
            // An error means that the others have just gone.
            let _ = self.heard.send(Heard::Hint(hint));
        }
    }

    fn is_heard(&self) -> bool {
        // One is the hub itself.
        self.heard.receiver_count() > 1
    }

    fn hints(&self) -> broadcast::Receiver<Heard> {
        self.heard.subscribe()
    }

    async fn follow(&self, project: ProjectId) -> usize {
        let mut followers = self.followed.entry(project).or_insert(0);
        *followers += 1;
        *followers - 1
    }

    fn unfollow(&self, project: ProjectId) {
        if let Some(mut followers) = self.followed.get_mut(&project) {
            *followers = followers.saturating_sub(1);
        }
        self.followed.remove_if(&project, |_, followers| *followers == 0);
    }

    fn state(&self) -> BusState {
        BusState::Local
    }
}
