//! Coming in, and coming back ([JN1]–[JN4], [JN6]).
//!
//! Promises: between the state that a join brings and the events that follow nothing is lost or doubled; a client is
//! never sent back in time.
//! Must never: recover in part; it is all events since, or a snapshot.

use std::sync::Arc;

use tokio::time::Instant;

use super::command::{Command, Join, busy};
use super::delivery::{EVENT_BYTES_MAX, frames, written};
use super::snapshot::PART_BYTES_MAX;
use super::{Ending, Member, Room, not_found};
use crate::domain::access::{Action, Answer, Role, may};
use crate::domain::edit::BaseEpoch;
use crate::domain::event::Event;
use crate::domain::ids::ConnectionId;
use crate::domain::sequence::Seq;
use crate::hub::clock::now;
use crate::hub::feed::Lag;
use crate::protocol::frame::{Chunk, Frame};
use crate::protocol::message::client::Since;
use crate::protocol::message::encode::{encode, encode_members, event_len};
use crate::protocol::message::server::{Joined, ResetReason, ServerMessage, State};
use crate::store::{Span, StoreError};

/// Recovered events up to this size are always sent, even if a snapshot were smaller ([JN2]).
const RECOVER_BYTES: usize = 64 << 10;
/// No event is smaller on the wire, so a longer way back need not be looked at.
const EVENT_BYTES_MIN: u64 = 200;
/// Events read from the store to recover one client.
const RECOVER_EVENTS_MAX: u32 = 10_000;

/// Somebody who may come in.
pub(super) struct Admitted {
    join: Join,
    role: Role,
    /// What happened since, if the client goes on from there.
    recovered: Option<Vec<Arc<Event>>>,
}

impl Room {
    /// Lets in all who wait next to each other: they are told of everybody, each other too, by the same bytes.
    pub(super) async fn join_all(&mut self, first: Join) -> Option<Ending> {
        let (mut next, mut admitted) = (Some(first), Vec::new());
        let mut ending = None;
        while let Some(join) = next.take() {
            if self.may_move_on_for(join.since) {
                // Those before it are told of what comes then as members.
                self.seat_all(std::mem::take(&mut admitted));
            }
            match self.join(join).await {
                Ok(guest) => admitted.extend(guest),
                Err(ended) => ending = Some(ended),
            }
            if ending.is_none()
                && let Some(Command::Join(join)) = self.waiting.pop_front_if(|next| matches!(next, Command::Join(_)))
            {
                next = Some(*join);
            }
        }
        self.seat_all(admitted);
        ending
    }

    /// Judges one; who is let in is on the roster then.
    async fn join(&mut self, join: Join) -> Result<Option<Admitted>, Ending> {
        // Who comes from another log may come from a later one ([JN2]).
        if self.is_from_another_log(join.since)
            && let Err(failed) = self.catch_up_across_epochs().await
        {
            join.seat.end();
            join.reply.refuse(&match failed {
                Some(Ending::Gone) => not_found(),
                _ => busy("The project cannot be read just now."),
            });
            return failed.map_or(Ok(None), Err);
        }
        Ok(self.admit(join).await)
    }

    /// Whether the room may have to catch up to answer.
    fn may_move_on_for(&self, since: Option<Since>) -> bool {
        self.is_from_another_log(since) || since.is_some_and(|since| since.seq > self.replica.project.seq)
    }

    fn is_from_another_log(&self, since: Option<Since>) -> bool {
        since.is_some_and(|since| matches!(since.epoch, BaseEpoch::Known(known) if known != self.replica.epoch()))
    }

    async fn admit(&mut self, join: Join) -> Option<Admitted> {
        let role = self.role_of(&join.principal);
        let Some(role) = role.filter(|role| may(&join.principal, Some(*role), Action::Read) == Answer::Yes) else {
            join.seat.end();
            join.reply.refuse(&not_found());
            return None;
        };
        match self.recovered(join.since).await {
            Ok(recovered) => {
                self.roster.join(join.connection, join.principal.actor.clone(), join.presence.clone());
                Some(Admitted { join, role, recovered })
            }
            Err(error) => {
                tracing::warn!(project = %self.id, %error, "a join could not be answered");
                join.seat.end();
                join.reply.refuse(&busy("The project's history cannot be read just now."));
                None
            }
        }
    }

    fn seat_all(&mut self, admitted: Vec<Admitted>) {
        if admitted.is_empty() {
            return;
        }
        if self.members.is_empty() {
            // Nobody is here who does not get the whole roster now.
            self.roster.told_all();
        }
        let members = encode_members(self.roster.everybody());
        for guest in admitted {
            self.seat(guest, &members);
        }
        self.presence_changed();
    }

    fn seat(&mut self, guest: Admitted, members: &Arc<Chunk>) {
        let Admitted { join, role, recovered } = guest;
        let (outbox, receipt) = join.reply.take();
        let count = recovered.as_deref().map(first_part);
        let encoded = self.encoded_if(recovered.is_none());
        let state = match (&recovered, &encoded) {
            (Some(events), _) => State::Events(&events[..count.unwrap_or(0)]),
            (None, Some(encoded)) => State::Blocks { blocks: encoded.parts[0].clone(), more: encoded.parts.len() > 1 },
            // Proven: `encoded_if` gives the blocks whenever there are no events to recover with.
            (None, None) => return,
        };
        let joined = Joined {
            project: self.id,
            title: &self.replica.info.title,
            role,
            epoch: self.replica.epoch(),
            seq: joined_seq(&state, self.replica.project.seq),
            state,
            members: members.clone(),
        };
        let mut out = vec![encode(&ServerMessage::Joined { receipt, joined })];
        out.extend(encoded.iter().flat_map(|encoded| self.further_parts(encoded)));
        if let (Some(events), Some(count)) = (&recovered, count) {
            out.extend(self.event_frames(&events[count..]));
        }
        outbox.start(self.id, self.told, out);
        join.seat.give(may(&join.principal, Some(role), Action::Edit));
        let member = Member { principal: join.principal, outbox, seat: join.seat, role };
        self.members.insert(join.connection, member);
        self.idle_since = Instant::now();
    }

    fn encoded_if(&mut self, wanted: bool) -> Option<super::Encoded> {
        wanted.then(|| self.encoded())
    }

    fn event_frames(&self, events: &[Arc<Event>]) -> Vec<Arc<Frame>> {
        frames(self.id, self.replica.epoch(), &written(events)).into_iter().map(|broadcast| broadcast.frame).collect()
    }

    /// The events since, if the client can go on from there ([JN2]).
    async fn recovered(&mut self, since: Option<Since>) -> Result<Option<Vec<Arc<Event>>>, StoreError> {
        let Some(since) = since else { return Ok(None) };
        if since.epoch != BaseEpoch::Known(self.replica.epoch()) {
            return Ok(None);
        }
        if since.seq > self.replica.project.seq {
            self.catch_up().await?;
        }
        if since.seq > self.replica.project.seq {
            return Ok(None);
        }
        self.events_after(since.seq).await
    }

    /// The events after `seq`, if all are kept, none is too large, and a snapshot would not be smaller.
    async fn events_after(&mut self, seq: Seq) -> Result<Option<Vec<Arc<Event>>>, StoreError> {
        let missing = self.replica.project.seq.0 - seq.0;
        if missing * EVENT_BYTES_MIN > RECOVER_BYTES as u64 && missing * EVENT_BYTES_MIN > self.encoded().bytes as u64 {
            return Ok(None);
        }
        let events = match self.replica.past.since(seq, &self.replica.project) {
            Some(events) => events,
            None if seq < self.replica.log_start || missing > u64::from(RECOVER_EVENTS_MAX) => return Ok(None),
            None => self.env.store.events(self.id, Span::After(seq), RECOVER_EVENTS_MAX).await?,
        };
        let events: Vec<_> = events.into_iter().filter(|event| event.seq <= self.replica.project.seq).collect();
        let whole = events.len() as u64 == missing;
        let sizes: Vec<usize> = events.iter().map(|event| event_len(event)).collect();
        let bytes: usize = sizes.iter().sum();
        let small = bytes <= RECOVER_BYTES || bytes < self.encoded().bytes;
        let sendable = sizes.iter().all(|size| *size <= EVENT_BYTES_MAX);
        Ok((whole && small && sendable).then_some(events))
    }

    /// A client reads again: it gets what was dropped, or a reset ([JN6]).
    pub(super) async fn bring(&mut self, connection: ConnectionId, lag: Lag) {
        let Some(member) = self.members.get(&connection) else { return };
        // A join may have been faster than this.
        if let Some(after) = member.outbox.lag(self.id) {
            let frames = match self.events_after(after).await {
                Ok(Some(events)) => self.event_frames(&events),
                Ok(None) => self.reset_frames(ResetReason::Lagged),
                Err(error) => {
                    tracing::warn!(project = %self.id, %error, "a slow reader gets a reset: the log cannot be read");
                    self.reset_frames(ResetReason::Lagged)
                }
            };
            metrics::counter!("blockhub_lags_total").increment(1);
            if let Some(member) = self.members.get(&connection) {
                member.outbox.start(self.id, self.told, frames);
            }
        }
        self.bring_roster(connection, &lag);
    }

    /// The role of a principal, by the token, the membership and what everybody has.
    pub(super) fn role_of(&self, principal: &crate::domain::access::Principal) -> Option<Role> {
        let membership = self.replica.members.get(principal.user()).copied();
        principal.role(self.id, membership, self.replica.info.access, now())
    }
}

/// How many events fit into the answer itself ([JN4]).
fn first_part(events: &[Arc<Event>]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Arc<Event>| {
        bytes += event_len(event);
        bytes <= PART_BYTES_MAX
    };
    events.iter().take_while(fits).count()
}

fn joined_seq(state: &State<'_>, head: Seq) -> Seq {
    match state {
        State::Blocks { .. } => head,
        State::Events(events) => events.last().map_or(head, |event| event.seq),
    }
}
