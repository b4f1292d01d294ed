//! Locks in this process: right for one hub.
//!
//! Promises: what `Locks` does, with nothing kept for a name that nobody holds.
//! Must never: hold the mutex while it waits.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::{HELD_MAX, Lease, LockError, Locks};

/// Locks in memory: one entry for each that is held, taken away by its holder or by whoever overtakes it.
#[derive(Debug, Default)]
pub struct LocalLocks {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_name: HashMap<String, (Uuid, Instant)>,
    /// The last one given, over all names.
    fence: u64,
}

#[async_trait]
impl Locks for LocalLocks {
    async fn try_take(&self, name: &str) -> Result<Option<Lease>, LockError> {
        let mut held = self.held.lock();
        let now = Instant::now();
        if held.by_name.get(name).is_some_and(|(_, until)| *until > now) {
            return Ok(None);
        }
        held.fence += 1;
        let lease = Lease { name: name.to_owned(), fence: held.fence, token: Uuid::new_v4() };
        held.by_name.insert(lease.name.clone(), (lease.token, now + HELD_MAX));
        Ok(Some(lease))
    }

    async fn release(&self, lease: Lease) -> Result<(), LockError> {
        let mut held = self.held.lock();
        if held.by_name.get(&lease.name).is_some_and(|(token, _)| *token == lease.token) {
            held.by_name.remove(&lease.name);
        }
        Ok(())
    }
}
