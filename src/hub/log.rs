//! The log of a project from outside its room ([HI1], [HI3]).
//!
//! Promises: a piece of the log has no hole; asking for what was dropped is `not_found`.
//! Must never: wait for a room.

use std::sync::Arc;

use super::projects::{State, unavailable};
use super::room::not_found;
use super::{Caller, Hub};
use crate::domain::access::Action;
use crate::domain::event::Event;
use crate::domain::ids::{EditId, ProjectId};
use crate::domain::sequence::Seq;
use crate::protocol::message::reply::Refusal;
use crate::store::Span;

/// A piece of the log.
#[derive(Clone, Debug)]
pub struct Piece {
    /// In the order that was asked for.
    pub events: Vec<Arc<Event>>,
    /// Whether there is more in this direction.
    pub more: bool,
}

impl Hub {
    /// At most `limit` events.
    pub async fn events(&self, caller: &Caller, id: ProjectId, span: Span, limit: u32) -> Result<Piece, Refusal> {
        let project = self.look_up(caller, id, Action::Read, State::Alive).await?;
        let events = self.store.events(id, span, limit.saturating_add(1)).await;
        let mut events = events.map_err(|error| unavailable(caller, &error))?;
        if was_dropped(span, project.info.seq, events.first().map(|event| event.seq)) {
            let message = "These events are no longer kept.".to_owned();
            return Err(Refusal { message, ..not_found() });
        }
        let more = events.len() > limit as usize;
        events.truncate(limit as usize);
        Ok(Piece { events, more })
    }

    /// Where is my edit: its event.
    pub async fn find_edit(&self, caller: &Caller, id: ProjectId, edit: EditId) -> Result<Arc<Event>, Refusal> {
        self.look_up(caller, id, Action::Read, State::Alive).await?;
        let found = self.store.event_of_edit(id, edit).await.map_err(|error| unavailable(caller, &error))?;
        found.ok_or_else(|| Refusal { message: "There is no event of this edit.".to_owned(), ..not_found() })
    }
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
