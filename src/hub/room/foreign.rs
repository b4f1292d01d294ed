//! Events that other hubs committed, as they come by the bus, and this room's own on their way to them (design,
//! invariant 4).
//!
//! Promises: what came in order is delivered as the bytes it came in; doubles are dropped; what is missing is fetched
//! from the store, in order.
//! Must never: take anything in while a commit is under way: the replica then holds what is not yet true.

use std::collections::VecDeque;
use std::sync::Arc;

use super::delivery::{Broadcast, any_large, frames, written};
use super::{Ending, Room};
use crate::bus::{Carried, Hint, Moved, News};
use crate::domain::event::Event;
use crate::domain::ids::ProjectId;
use crate::domain::sequence::{Cursor, Epoch, Observed, Seq};
use crate::store::StoreError;
use crate::store::pack::{pack, unpack};

/// What may wait for the commit under way, in bytes; over it the oldest are forgotten, and fetched from the store.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// How many of them, at most.
const WAITING_MAX: usize = 1024;

/// Events of other hubs that wait to be taken in. The bus puts in, the room's task takes out.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    waiting: VecDeque<Moved>,
    bytes: usize,
}

impl Arrivals {
    pub(super) fn put(&mut self, moved: Moved) {
        self.bytes += moved.weight();
        // Mostly at the end: hints of one hub come in order.
        let at = self.waiting.partition_point(|waiting| waiting.first <= moved.first);
        self.waiting.insert(at, moved);
        while self.waiting.len() > WAITING_MAX || self.bytes > WAITING_BYTES_MAX && self.waiting.len() > 1 {
            self.take();
            metrics::counter!("blockhub_bus_forgotten_total").increment(1);
        }
    }

    fn take(&mut self) -> Option<Moved> {
        let moved = self.waiting.pop_front()?;
        self.bytes -= moved.weight();
        Some(moved)
    }

    /// The next, if it is exactly what comes after `head` and ends before `end`.
    fn take_between(&mut self, epoch: Epoch, head: Seq, end: Seq) -> Option<Moved> {
        let fits = |moved: &Moved| moved.epoch == epoch && moved.first == head.next() && moved.last < end;
        while self.waiting.front().is_some_and(|moved| moved.epoch == epoch && moved.last <= head) {
            self.take();
        }
        if self.waiting.front().is_some_and(fits) { self.take() } else { None }
    }
}

impl Room {
    /// Takes in what came by the bus.
    pub(super) async fn take_in(&mut self) -> Option<Ending> {
        while let Some(moved) = self.arrivals.take() {
            if let Some(ending) = self.take_in_one(moved).await {
                return Some(ending);
            }
        }
        None
    }

    async fn take_in_one(&mut self, moved: Moved) -> Option<Ending> {
        if moved.epoch != self.replica.epoch() {
            return self.look_at_head().await;
        }
        let mut cursor = Cursor { at: self.replica.project.seq };
        let taken = match cursor.observe(moved.first, moved.last) {
            Observed::Duplicate => return None,
            Observed::InOrder => self.take_in_carried(moved),
            Observed::Gap { .. } => Ok(false),
        };
        match taken {
            Ok(true) => None,
            Ok(false) => {
                metrics::counter!("blockhub_gaps_total").increment(1);
                if let Err(error) = self.catch_up().await {
                    tracing::warn!(project = %self.id, %error, "a gap could not be filled; the next comparison will");
                }
                None
            }
            Err(error) => {
                tracing::error!(project = %self.id, %error, "another hub's event does not fit: the room reads anew");
                self.reload().await.err()
            }
        }
    }

    /// Another log than this room's: which is it now?
    async fn look_at_head(&mut self) -> Option<Ending> {
        let store = self.env.store.clone();
        match store.heads(&[self.id]).await {
            Ok(heads) => match heads.first() {
                Some(head) => self.look_ahead(*head).await,
                None => Some(Ending::Gone),
            },
            Err(_) => None,
        }
    }

    /// False: it does not carry its events, or they are not what it says.
    fn take_in_carried(&mut self, moved: Moved) -> Result<bool, StoreError> {
        let Some(carried) = moved.carried else { return Ok(false) };
        let Ok(events) = unpack(&carried.events) else {
            metrics::counter!("blockhub_bus_malformed_total").increment(1);
            return Ok(false);
        };
        let seqs = events.iter().map(|event| event.seq.0);
        if !seqs.eq(moved.first.0..=moved.last.0) {
            metrics::counter!("blockhub_bus_malformed_total").increment(1);
            return Ok(false);
        }
        events.iter().try_for_each(|event| self.replica.apply(event))?;
        metrics::counter!("blockhub_bus_events_total").increment(events.len() as u64);
        self.moved_on(moved.last);
        self.broadcast(&Broadcast { first: moved.first, last: moved.last, frame: carried.frame });
        self.carry();
        Ok(true)
    }

    /// Takes in what came by the bus and goes before `end`, as far as it goes without a hole.
    pub(super) fn take_in_before(&mut self, end: Seq) -> Result<(), StoreError> {
        let epoch = self.replica.epoch();
        while let Some(moved) = self.arrivals.take_between(epoch, self.replica.project.seq, end) {
            if !self.take_in_carried(moved)? {
                break;
            }
        }
        Ok(())
    }

    /// Tells the other hubs what was committed here, with the bytes that this hub's clients got, if any.
    pub(super) fn publish_moved(&self, events: &[Arc<Event>], broadcasts: Vec<Broadcast>) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        if !self.env.bus.is_heard() {
            return;
        }
        let epoch = self.replica.epoch();
        let broadcasts = if self.members.is_empty() { encoded(self.id, epoch, events) } else { broadcasts };
        if broadcasts.is_empty() {
            let moved = Moved { epoch, first: first.seq, last: last.seq, carried: None };
            return self.publish(News::Moved(moved));
        }
        for Broadcast { first, last, frame } in broadcasts {
            let within: Vec<_> = events.iter().filter(|event| (first..=last).contains(&event.seq)).cloned().collect();
            // Proven: these events were written as JSON into the log just now; without them it is only a hint.
            let carried = pack(&within).ok().map(|events| Carried { frame, events: events.into() });
            self.publish(News::Moved(Moved { epoch, first, last, carried }));
        }
    }

    /// To the other hubs.
    pub(super) fn publish(&self, news: News) {
        self.env.bus.publish(Hint { from: self.env.run, project: self.id, news });
    }
}

/// What clients of other hubs get, where this one has none; nothing if an event is too large to be sent.
fn encoded(project: ProjectId, epoch: Epoch, events: &[Arc<Event>]) -> Vec<Broadcast> {
    let events = written(events);
    if any_large(&events) { Vec::new() } else { frames(project, epoch, &events) }
}
