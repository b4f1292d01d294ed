//! Reads of the log for sockets: a few at a time, the others wait in line.
//!
//! Promises: many who ask at once are all answered; the database's connections are left to edits and joins.
//! Must never: let the line grow without bound.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads that go on at once, of all rooms.
const READING_MAX: usize = 64;
/// Reads that go on or wait; who comes then is told `busy`.
const ADMITTED_MAX: usize = 1024;

/// Shared by all rooms of a hub.
#[derive(Debug)]
pub struct Readers {
    reading: Semaphore,
    admitted: Arc<Semaphore>,
}

/// A place in the line, until it is dropped.
#[derive(Debug)]
pub struct Place {
    readers: Arc<Readers>,
    _admitted: OwnedSemaphorePermit,
}

impl Default for Readers {
    fn default() -> Self {
        Self { reading: Semaphore::new(READING_MAX), admitted: Arc::new(Semaphore::new(ADMITTED_MAX)) }
    }
}

impl Readers {
    /// A place, if there is one.
    pub fn admit(self: &Arc<Self>) -> Option<Place> {
        let admitted = self.admitted.clone().try_acquire_owned().ok()?;
        Some(Place { readers: self.clone(), _admitted: admitted })
    }
}

impl Place {
    /// Waits for its turn, then reads.
    pub async fn read<T>(self, read: impl Future<Output = T>) -> T {
        // Never closed.
        let _turn = self.readers.reading.acquire().await;
        read.await
    }
}
