//! A hub that starts has at hand what was used last, and tells the others what is used here.
//!
//! Promises: it takes one project after the other, so that those who come meanwhile are served first.
//! Must never: be waited for.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::heads::Known;
use super::snapshots::Written;
use super::{Hub, clock};
use crate::cache::key::Key;
use crate::cache::recent::{KEPT_MAX, Recent};
use crate::domain::ids::ProjectId;

/// Projects that are made ready.
const PROJECTS_MAX: usize = 64;
/// How often it is told what is in use.
const INTERVAL: Duration = Duration::from_secs(10);

/// Warms up, then tells what is in use until the hub is gone. Without Redis nobody knows what was used.
pub async fn run(hub: Weak<Hub>) {
    let Some(recent) = hub.upgrade().and_then(|hub| hub.cached.recent.clone()) else { return };
    if let Some(hub) = hub.upgrade() {
        warm_up(&hub, &recent).await;
    }
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        recent.note(&hub.in_use(KEPT_MAX), clock::now()).await;
    }
}

async fn warm_up(hub: &Hub, recent: &Recent) {
    let (began, used) = (Instant::now(), recent.last(PROJECTS_MAX).await);
    let Ok(heads) = hub.store.heads(&used).await else { return };
    let mut keys = Vec::new();
    for head in heads {
        hub.cached.heads.note(head.project, Known { asked: began, head: Some(head) });
        keys.push((head, Key::snapshot(head.project, head.epoch, head.seq)));
    }
    let missing = hub.cached.snapshots.fetch_many(keys.iter().map(|(_, key)| key.clone()).collect()).await;
    let mut made: Vec<(Key, Arc<Written>)> = Vec::new();
    for (head, key) in keys.iter().filter(|(_, key)| missing.contains(key)) {
        if let Ok(written) = hub.blocks(head.project, Some((head.epoch, head.seq)), None).await {
            made.push((key.clone(), written));
        }
    }
    tracing::info!(projects = keys.len(), of_redis = keys.len() - missing.len(), made = made.len(), "caches are warm");
}

impl Hub {
    /// Projects with an open room, and those that were read of late.
    pub(super) fn in_use(&self, most: usize) -> Vec<ProjectId> {
        let mut projects = self.registry.projects();
        projects.extend(self.cached.heads.read_of_late(most));
        projects.sort_unstable();
        projects.dedup();
        projects.truncate(most);
        projects
    }
}
