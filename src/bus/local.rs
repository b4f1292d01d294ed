//! The bus inside one process: right for a single hub, where there is nobody to tell.
//!
//! Promises: hubs that share it hear each other (tests run two in one process).
//! Must never: be taken for a way between processes; there, other hubs learn of edits by comparing heads.

use tokio::sync::broadcast;

use super::{Bus, Hint};

/// Hints that wait for a slow hub; older ones are lost, which costs it one comparison of heads.
const HINTS_MAX: usize = 1024;

/// A bus inside one process.
#[derive(Debug)]
pub struct LocalBus {
    hints: broadcast::Sender<Hint>,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self { hints: broadcast::Sender::new(HINTS_MAX) }
    }
}

impl Bus for LocalBus {
    fn publish(&self, hint: Hint) {
        // An error means that nobody listens, which is the common case.
        let _ = self.hints.send(hint);
    }

    fn hints(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
    }
}
