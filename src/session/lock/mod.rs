//! Locks by name: one at a time does what must not be done by two, over all hubs.
//!
//! Promises: a name has one holder at a time; a holder that stops is overtaken `HELD_MAX` after it took the lock. Each
//! taking has a higher fence than those before, so that who was overtaken can be told from who holds the lock now.
//! Must never: be what alone keeps data right: a holder cannot know that it was overtaken, so its writes carry the fence.

pub mod local;
pub mod redis;

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::pause::Pause;

/// A lock opens by itself so long after it was taken: what is done under it must take far less.
pub const HELD_MAX: Duration = Duration::from_secs(10);
/// How long whoever wants a lock waits for it, unless it has less time.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Between two looks at a lock that somebody else holds: the first, and the most.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(50));

/// A lock that was taken. Dropping it releases nothing: hand it to `release`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What is locked.
    pub name: String,
    /// Higher than that of every lease of this name before.
    pub fence: u64,
    /// Known to the holder alone.
    token: Uuid,
}

/// Why a lock cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it: try again later.
    #[error("somebody else is busy with this")]
    Busy,
    /// What keeps the locks cannot be reached: try again later.
    #[error("locks are not available just now")]
    Unavailable,
}

/// What keeps locks. A name is letters, digits, `:` and `-`.
#[async_trait]
pub trait Locks: Send + Sync {
    /// Takes the lock if nobody holds it.
    async fn try_take(&self, name: &str) -> Result<Option<Lease>, LockError>;

    /// Opens the lock, if this lease still holds it.
    async fn release(&self, lease: Lease) -> Result<(), LockError>;

    /// Takes the lock, waiting for it so long at most.
    async fn take(&self, name: &str, patience: Duration) -> Result<Lease, LockError> {
        let begun = Instant::now();
        let mut pause = Pause::between(LOOK_AGAIN.0, LOOK_AGAIN.1);
        loop {
            if let Some(lease) = self.try_take(name).await? {
                metrics::histogram!("blockhub_lock_wait_seconds").record(begun.elapsed().as_secs_f64());
                return Ok(lease);
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                metrics::counter!("blockhub_lock_busy_total").increment(1);
                return Err(LockError::Busy);
            }
            sleep(pause.draw().min(left)).await;
        }
    }
}
