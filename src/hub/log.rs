//! The log of a project from outside its room ([HI1], [HI3]).
//!
//! Promises: a piece of the log has no hole; asking for what was dropped is `not_found`.
//! Must never: wait for a room.

use std::sync::Arc;

use super::Hub;
use super::context::Context;
use super::projects::{State, unavailable};
use super::room::not_found;
use crate::domain::access::Action;
use crate::domain::event::Event;
use crate::domain::ids::{EditId, ProjectId};
use crate::domain::sequence::Seq;
use crate::protocol::message::encode::event_len;
use crate::protocol::message::reply::Refusal;
use crate::store::Span;

/// Bytes of the events in one piece, the first aside: no more than may wait for a client that does not read ([JN6]).
const PIECE_BYTES_MAX: usize = 1 << 20;

/// A piece of the log.
#[derive(Clone, Debug)]
pub struct Piece {
    /// In the order that was asked for.
    pub events: Vec<Arc<Event>>,
    /// Whether there is more in this direction.
    pub more: bool,
}

impl Piece {
    /// At most `limit` of the events that were read for `span`, of which one more was asked for. `head` was read before
    /// them: more may have come.
    pub fn of(mut events: Vec<Arc<Event>>, span: Span, head: Seq, limit: u32) -> Result<Self, Refusal> {
        if was_dropped(span, head, events.first().map(|event| event.seq)) {
            let message = "These events are no longer kept.".to_owned();
            return Err(Refusal { message, ..not_found() });
        }
        let fitting = fitting(&events).min(limit as usize);
        let more = events.len() > fitting;
        events.truncate(fitting);
        Ok(Self { events, more })
    }
}

impl Hub {
    /// At most `limit` events.
    pub async fn events(&self, context: &Context, id: ProjectId, span: Span, limit: u32) -> Result<Piece, Refusal> {
        let project = self.look_up(context, id, Action::Read, State::Alive).await?;
        let events = self.store.events(id, span, limit.saturating_add(1)).await;
        let events = events.map_err(|error| unavailable(context, &error))?;
        Piece::of(events, span, project.info.seq, limit)
    }

    /// Where is my edit: its event.
    pub async fn find_edit(&self, context: &Context, id: ProjectId, edit: EditId) -> Result<Arc<Event>, Refusal> {
        self.look_up(context, id, Action::Read, State::Alive).await?;
        let found = self.store.event_of_edit(id, edit).await.map_err(|error| unavailable(context, &error))?;
        found.ok_or_else(|| Refusal { message: "There is no event of this edit.".to_owned(), ..not_found() })
    }
}

/// How many of the events fit into one piece; the first always does.
fn fitting(events: &[Arc<Event>]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Arc<Event>| {
        bytes += event_len(event);
        bytes <= PIECE_BYTES_MAX
    };
    events.iter().take_while(fits).count().max(1)
}

/// Whether a span begins where the log no longer does. `head` was read before the events: more may have come.
fn was_dropped(span: Span, head: Seq, first: Option<Seq>) -> bool {
    match span {
        Span::After(seq) if seq < head => first != Some(seq.next()),
        Span::Before(Some(before)) if before > Seq(1) && before <= head.next() => first.map(Seq::next) != Some(before),
        Span::Before(None) if head > Seq(0) => first.is_none(),
        _ => false,
    }
}
