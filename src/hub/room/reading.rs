//! Reading: the blocks now or as they were, and the log ([HI1]).
//!
//! Promises: a read of the log waits for the database in a task of its own, not in the room's.
//! Must never: show what is not committed: reads are handled between commits.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Room;
use super::command::{Reply, busy, internal};
use super::replica::PAGE;
use crate::domain::access::Action;
use crate::domain::block::Project;
use crate::domain::ids::{ConnectionId, ProjectId};
use crate::domain::sequence::Seq;
use crate::hub::Snapshot;
use crate::hub::log::Piece;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::Refusal;
use crate::protocol::message::server::ServerMessage;
use crate::store::{Span, Store};

/// A seq that is not in the log, or no longer.
fn no_such_seq() -> Refusal {
    Refusal::new(ErrorCode::NotFound, "There is no such seq in this project, or it is no longer kept.")
}

/// The project as it was after `seq`, going back from `now`; `not_found` beyond the head and before what is kept.
pub async fn blocks_at(
    store: &dyn Store,
    id: ProjectId,
    now: &Project,
    seq: Seq,
    log_start: Seq,
) -> Result<Project, Refusal> {
    if seq > now.seq || seq < log_start {
        return Err(no_such_seq());
    }
    let mut then = now.clone();
    while then.seq > seq {
        let page = store.events(id, Span::Before(Some(then.seq.next())), PAGE).await;
        let page = page.map_err(|error| {
            tracing::warn!(project = %id, %error, "the past could not be read");
            busy("The project's history cannot be read just now.")
        })?;
        if page.first().is_none_or(|event| event.seq != then.seq) {
            return Err(no_such_seq());
        }
        for event in page.iter().take_while(|event| event.seq > seq) {
            then.take_back(event).map_err(|_| {
                tracing::error!(project = %id, seq = %event.seq, "an event cannot be taken back");
                internal()
            })?;
            then.seq = Seq(event.seq.0 - 1);
        }
    }
    Ok(then)
}

impl Room {
    /// The blocks now, never older than `min_seq`.
    pub(super) async fn read(&mut self, min_seq: Option<Seq>, reply: oneshot::Sender<Result<Snapshot, Refusal>>) {
        if min_seq.is_some_and(|seq| seq > self.replica.project.seq)
            && let Err(error) = self.catch_up().await
        {
            tracing::warn!(project = %self.id, %error, "a read could not catch up");
            return drop(reply.send(Err(busy("The project cannot be read just now."))));
        }
        if min_seq.is_some_and(|seq| seq > self.replica.project.seq) {
            return drop(reply.send(Err(no_such_seq())));
        }
        let snapshot = Snapshot {
            epoch: self.replica.epoch(),
            seq: self.replica.project.seq,
            log_start: self.replica.log_start,
            blocks: self.replica.project.in_order().into_iter().cloned().collect(),
        };
        let _ = reply.send(Ok(snapshot));
    }

    /// Events, newest first.
    pub(super) fn history(&self, connection: ConnectionId, before: Option<Seq>, limit: u32, reply: Reply) {
        if let Err(refusal) = self.permit_member(connection, Action::Read) {
            return reply.refuse(&refusal);
        }
        let Some(place) = self.env.readers.admit() else {
            return reply.refuse(&busy("Too much history is being read just now."));
        };
        let (store, project): (Arc<dyn Store>, _) = (self.env.store.clone(), self.id);
        let (span, head) = (Span::Before(before), self.replica.project.seq);
        tokio::spawn(async move {
            match place.read(store.events(project, span, limit + 1)).await {
                Ok(events) => match Piece::of(events, span, head, limit) {
                    Ok(Piece { events, more }) => {
                        let (outbox, receipt) = reply.take();
                        outbox.reply(encode(&ServerMessage::History { receipt, project, events: &events, more }));
                    }
                    Err(refusal) => reply.refuse(&refusal),
                },
                Err(error) => {
                    tracing::warn!(%project, %error, "history could not be read");
                    reply.refuse(&busy("The project's history cannot be read just now."));
                }
            }
        });
    }
}
