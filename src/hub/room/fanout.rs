//! Carries what a room has put into its members' outboxes to their sockets.
//!
//! Promises: a room of many goes on deciding meanwhile; what waits for a member when its turn comes goes out in one
//! write, however many events that is; whatever is not carried, even after a panic, is left to the connections' tasks.
//! Must never: hold more than two lists of members, or a thread for long.

use std::mem::take;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::hub::outbox::Outbox;

/// A room of at most so many carries by itself: that takes less time than to begin something.
const FEW: usize = 16;
/// Members between whom other tasks get their turn.
const STRETCH: usize = 32;

/// One room's. A round under way shares it.
#[derive(Clone, Debug, Default)]
pub struct Fanout(Arc<Mutex<Round>>);

#[derive(Debug, Default)]
enum Round {
    #[default]
    None,
    UnderWay,
    /// And then another, with these: the members of now.
    UnderWayAndNext(Vec<Arc<Outbox>>),
}

impl Fanout {
    /// Carries from each of these outboxes, which are those of all members.
    pub fn carry<'a>(&self, outboxes: impl ExactSizeIterator<Item = &'a Arc<Outbox>>) {
        if outboxes.len() <= FEW {
            return outboxes.for_each(|outbox| outbox.carry());
        }
        let outboxes = outboxes.cloned().collect();
        let mut round = self.0.lock();
        *round = match *round {
            Round::None => {
                tokio::spawn(Carrying { fanout: self.clone(), outboxes, at: 0 }.run());
                Round::UnderWay
            }
            Round::UnderWay | Round::UnderWayAndNext(_) => Round::UnderWayAndNext(outboxes),
        };
    }
}

/// A round under way. Its end ends it, however it comes.
struct Carrying {
    fanout: Fanout,
    outboxes: Vec<Arc<Outbox>>,
    /// Whose turn it is.
    at: usize,
}

impl Carrying {
    async fn run(mut self) {
        loop {
            while let Some(outbox) = self.outboxes.get(self.at) {
                self.at += 1;
                outbox.carry();
                if self.at.is_multiple_of(STRETCH) {
                    tokio::task::yield_now().await;
                }
            }
            let mut round = self.fanout.0.lock();
            match std::mem::replace(&mut *round, Round::UnderWay) {
                Round::UnderWayAndNext(next) => (self.outboxes, self.at) = (next, 0),
                // Under the lock, so that nobody believes that it goes on.
                Round::None | Round::UnderWay => {
                    *round = Round::None;
                    break;
                }
            }
        }
        // Nothing is left to do when it is dropped.
        self.outboxes = Vec::new();
    }
}

impl Drop for Carrying {
    fn drop(&mut self) {
        if self.outboxes.is_empty() {
            return;
        }
        let next = match take(&mut *self.fanout.0.lock()) {
            Round::UnderWayAndNext(next) => next,
            Round::None | Round::UnderWay => Vec::new(),
        };
        self.outboxes.iter().chain(&next).for_each(|outbox| outbox.wake());
    }
}
