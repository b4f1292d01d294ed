//! Drops what may be dropped: old events if that is wished, old edit records, projects deleted long ago ([HI3]).
//!
//! Promises: an edit record is kept at least as long as [ED2] says, a deleted project 30 days.
//! Must never: hold up edits: it works in small bites, one after the other.

use std::sync::Weak;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::{Hub, clock};
use crate::domain::sequence::Timestamp;
use crate::store::{Dropped, Retention};

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(3_600);
/// Days that a deleted project can be recovered.
const DELETED_DAYS: u32 = 30;
const DAY_MS: i64 = 86_400_000;

/// How long things are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// Events, if not for ever.
    pub history_days: Option<u32>,
    /// Edit records.
    pub idempotency_days: u32,
}

impl Keeping {
    /// What is old at a moment.
    pub fn retention(&self, now: Timestamp) -> Retention {
        let before = |days: u32| now.plus_ms(-i64::from(days) * DAY_MS);
        Retention {
            events_before: self.history_days.map(before),
            records_before: before(self.idempotency_days),
            deleted_before: before(DELETED_DAYS),
        }
    }
}

/// Keeps house until the hub is gone.
pub async fn run(hub: Weak<Hub>, keeping: Keeping) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        clean(&hub, &keeping).await;
    }
}

async fn clean(hub: &Hub, keeping: &Keeping) {
    loop {
        match hub.store.compact(&keeping.retention(clock::now())).await {
            Ok(dropped) if dropped == Dropped::default() => return,
            Ok(Dropped { events, records, projects }) => {
                tracing::info!(events, records, projects, "dropped what is old");
            }
            Err(error) => return tracing::warn!(%error, "what is old could not be dropped; in an hour again"),
        }
    }
}
