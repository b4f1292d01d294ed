//! When each edit was acked, and when a client of another hub saw its event.
//!
//! Promises: all times are of one clock; what came before the ack counts as no delay.
//! Must never: grow for ever: the oldest edits are forgotten.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use histcheck::id::Id;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Edits that are remembered.
const EDITS_MAX: usize = 200_000;

/// What is known of the edits of a run.
pub struct Sightings {
    known: Mutex<Known>,
}

struct Known {
    acked: HashMap<Id, Acked>,
    order: VecDeque<Id>,
    /// Since when each hub can be expected to show anything.
    awake: Vec<Instant>,
    watched: HashMap<Id, Watched>,
}

#[derive(Clone, Copy)]
struct Acked {
    hub: usize,
    at: Instant,
}

struct Watched {
    /// The hub that does not count.
    hub: usize,
    seen: oneshot::Sender<Instant>,
}

impl Sightings {
    /// For so many hubs.
    pub fn new(hubs: usize) -> Self {
        let awake = vec![Instant::now(); hubs];
        let known = Known { acked: HashMap::new(), order: VecDeque::new(), awake, watched: HashMap::new() };
        Self { known: Mutex::new(known) }
    }

    /// This hub was disturbed until now: what it had missed counts as acked now.
    pub fn awake(&self, hub: usize) {
        self.known.lock().awake[hub] = Instant::now();
    }

    /// An edit was acked for the first time, by this hub.
    pub fn acked(&self, edit: Id, hub: usize, at: Instant) {
        let mut known = self.known.lock();
        if known.acked.insert(edit, Acked { hub, at }).is_none() {
            known.order.push_back(edit);
        }
        if known.order.len() > EDITS_MAX
            && let Some(oldest) = known.order.pop_front()
        {
            known.acked.remove(&oldest);
        }
    }

    /// A client of this hub was shown the event of an edit: how long after the ack, if that was another hub's.
    pub fn seen(&self, edit: Id, hub: usize, at: Instant) -> Option<Duration> {
        let mut known = self.known.lock();
        if known.watched.get(&edit).is_some_and(|watched| watched.hub != hub)
            && let Some(watched) = known.watched.remove(&edit)
        {
            // The row may have stopped waiting.
            let _ = watched.seen.send(at);
        }
        let acked = known.acked.get(&edit).filter(|acked| acked.hub != hub)?;
        Some(at.saturating_duration_since(acked.at.max(known.awake[hub])))
    }

    /// When a client of any hub but this one is first shown the event of an edit.
    pub fn watch(&self, edit: Id, not: usize) -> oneshot::Receiver<Instant> {
        let (seen, shown) = oneshot::channel();
        self.known.lock().watched.insert(edit, Watched { hub: not, seen });
        shown
    }
}
