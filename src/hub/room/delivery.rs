//! Brings events to the members: in order, without holes, or a reset ([JN5], [JN7]).
//!
//! Promises: one broadcast is one buffer, whoever and however many receive it.
//! Must never: be called with what is not in the database.

use std::sync::Arc;

use super::snapshot::{Encoded, PART_BYTES_MAX};
use super::{Ending, Room};
use crate::domain::event::Event;
use crate::domain::ids::ProjectId;
use crate::domain::sequence::{Epoch, Seq};
use crate::protocol::frame::Frame;
use crate::protocol::message::encode::encode;
use crate::protocol::message::server::{ResetReason, ServerMessage};
use crate::protocol::message::written::Written;
use crate::store::StoreError;

/// An event larger than this is not sent ([JN7]).
pub const EVENT_BYTES_MAX: usize = 256 << 10;

/// Events as JSON, each written once.
pub fn written(events: &[Arc<Event>]) -> Vec<Written> {
    events.iter().map(|event| Written::of(event)).collect()
}

/// Events as everybody in the room gets them.
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// The bytes.
    pub frame: Arc<Frame>,
}

/// Events as frames of about 256 KiB.
pub fn frames(project: ProjectId, epoch: Epoch, events: &[Written]) -> Vec<Broadcast> {
    let mut frames = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, event) in events.iter().enumerate() {
        if at > begin && bytes + event.size() > PART_BYTES_MAX {
            frames.push(frame(project, epoch, &events[begin..at]));
            (begin, bytes) = (at, 0);
        }
        bytes += event.size();
    }
    if begin < events.len() {
        frames.push(frame(project, epoch, &events[begin..]));
    }
    frames
}

fn frame(project: ProjectId, epoch: Epoch, events: &[Written]) -> Broadcast {
    let frame = encode(&ServerMessage::Events { project, epoch, events });
    Broadcast { first: events[0].seq, last: events[events.len() - 1].seq, frame }
}

/// Whether an event is too large to send.
pub fn any_large(events: &[Written]) -> bool {
    events.iter().any(|event| event.size() > EVENT_BYTES_MAX)
}

impl Room {
    /// Brings events that are in the database, and in the replica, to every member; what they got, if there are any
    /// and nothing was too large.
    pub(super) fn deliver(&mut self, events: &[Arc<Event>]) -> Vec<Broadcast> {
        let Some(last) = events.last() else { return Vec::new() };
        self.moved_on(last.seq);
        if self.members.is_empty() {
            return Vec::new();
        }
        let events = written(events);
        if any_large(&events) {
            self.reset_all(ResetReason::Large);
            return Vec::new();
        }
        let broadcasts = frames(self.id, self.replica.epoch(), &events);
        broadcasts.iter().for_each(|broadcast| self.broadcast(broadcast));
        self.carry();
        broadcasts
    }

    /// What was put into members' outboxes goes out.
    pub(super) fn carry(&self) {
        self.fanout.carry(self.members.values().map(|member| &member.outbox));
    }

    /// The replica holds everything up to here, and everybody is about to be told.
    pub(super) fn moved_on(&mut self, last: Seq) {
        self.encoded = None;
        self.told = last;
        self.stand();
    }

    /// The same bytes to every member, to be carried.
    pub(super) fn broadcast(&self, Broadcast { first, last, frame }: &Broadcast) {
        for member in self.members.values() {
            member.outbox.events(self.id, *first, *last, frame.clone());
        }
        let events = last.0 - first.0 + 1;
        metrics::counter!("blockhub_deliveries_total").increment(events * self.members.len() as u64);
    }

    /// Everybody begins again from a snapshot of now.
    pub(super) fn reset_all(&mut self, reason: ResetReason) {
        if self.members.is_empty() {
            return;
        }
        let frames = self.reset_frames(reason);
        for member in self.members.values() {
            match reason {
                // The log is the same: whoever does not read can be brought there later.
                ResetReason::Large => member.outbox.reset(self.id, self.told, frames.clone()),
                _ => member.outbox.start(self.id, self.told, frames.clone()),
            }
        }
    }

    /// A reset and the parts of its snapshot.
    pub(super) fn reset_frames(&mut self, reason: ResetReason) -> Vec<Arc<Frame>> {
        let encoded = self.encoded();
        let reset = encode(&ServerMessage::Reset {
            project: self.id,
            epoch: self.replica.epoch(),
            seq: encoded.seq,
            reason,
            blocks: encoded.parts[0].clone(),
            more: encoded.parts.len() > 1,
        });
        std::iter::once(reset).chain(self.further_parts(&encoded)).collect()
    }

    /// What follows a message that holds the first part.
    pub(super) fn further_parts(&self, encoded: &Encoded) -> Vec<Arc<Frame>> {
        let count = encoded.parts.len();
        let part = |at: usize| {
            let blocks = encoded.parts[at].clone();
            encode(&ServerMessage::Snapshot { project: self.id, blocks, last: at + 1 == count })
        };
        (1..count).map(part).collect()
    }

    /// The blocks of now, encoded at most once a seq.
    pub(super) fn encoded(&mut self) -> Encoded {
        let seq = self.replica.project.seq;
        match &self.encoded {
            Some(encoded) if encoded.seq == seq => encoded.clone(),
            _ => self.encoded.insert(Encoded::new(&self.replica.project)).clone(),
        }
    }

    /// Takes in, and tells, everything that the store has and this room has not.
    pub(super) async fn catch_up(&mut self) -> Result<(), StoreError> {
        let store = self.env.store.clone();
        loop {
            let events = self.replica.catch_up(&*store).await?;
            metrics::counter!("blockhub_caught_up_events_total").increment(events.len() as u64);
            self.deliver(&events);
            // A page that is not full was the last: all that was there when it was read.
            if events.len() < super::replica::PAGE as usize {
                return Ok(());
            }
        }
    }

    /// Reads everything anew; members get the events they miss, or a reset if the log is another.
    pub(super) async fn reload(&mut self) -> Result<(), Ending> {
        let store = self.env.store.clone();
        let epoch = self.replica.epoch();
        let fresh = super::Replica::load(&*store, self.id).await.map_err(|error| {
            tracing::error!(project = %self.id, %error, "a room could not be read again");
            Ending::Failed
        })?;
        self.replica = fresh.ok_or(Ending::Gone)?;
        // Another log need not hold what was known of this one.
        self.known_edits.clear();
        self.encoded = None;
        self.tell_changes();
        if self.replica.epoch() != epoch || self.replica.project.seq < self.told {
            self.told = self.replica.project.seq;
            self.stand();
            self.reset_all(ResetReason::Epoch);
            return Ok(());
        }
        self.tell_missed().await
    }

    /// The replica is ahead of what was told: the events between come from the store.
    async fn tell_missed(&mut self) -> Result<(), Ending> {
        use crate::store::Span;
        let store = self.env.store.clone();
        while self.told < self.replica.project.seq {
            let page = store.events(self.id, Span::After(self.told), super::replica::PAGE).await;
            let mut events = page.map_err(|_| Ending::Failed)?;
            events.retain(|event| event.seq <= self.replica.project.seq);
            if events.first().is_none_or(|event| event.seq != self.told.next()) {
                self.told = self.replica.project.seq;
                self.reset_all(ResetReason::Lagged);
                break;
            }
            self.deliver(&events);
        }
        self.stand();
        Ok(())
    }
}
