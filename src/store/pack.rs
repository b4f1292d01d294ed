//! Events as bytes, for the way between hubs: all of them, with what it takes to go back.
//!
//! Promises: what is unpacked equals what was packed, seqs included; it is the form of the log's columns, which every
//! later version reads, so that hubs of two versions understand each other.
//! Must never: panic at bytes that are something else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::body::Body;
use crate::domain::event::Event;
use crate::domain::ids::{EditId, GroupId, UserId};
use crate::domain::sequence::{Seq, Timestamp};

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    seq: Seq,
    edit: EditId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    user: UserId,
    at: i64,
    body: Body<'a>,
}

impl<'a> Packed<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            seq: event.seq,
            edit: event.edit,
            group: event.group,
            user: event.actor.id.clone(),
            at: event.at.0,
            body: Body::of(event),
        }
    }

    fn event(self) -> Event {
        Event {
            seq: self.seq,
            edit: self.edit,
            request: self.body.request,
            group: self.group,
            actor: Arc::new(self.body.actor(self.user)),
            at: Timestamp(self.at),
            merged: self.body.merged,
            overwrote: self.body.overwrote,
            changes: self.body.changes(),
        }
    }
}

/// Packs events.
///
/// # Errors
/// `Broken` if one cannot be written as JSON, which no event that is in the log is.
pub fn pack(events: &[Arc<Event>]) -> Result<Vec<u8>, StoreError> {
    let packed: Vec<_> = events.iter().map(|event| Packed::of(event)).collect();
    serde_json::to_vec(&packed).map_err(|error| StoreError::Broken(error.to_string()))
}

/// Unpacks them.
///
/// # Errors
/// `Broken` if these are no packed events.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Arc<Event>>, StoreError> {
    let packed: Vec<Packed<'_>> =
        serde_json::from_slice(bytes).map_err(|error| StoreError::Broken(format!("packed events: {error}")))?;
    Ok(packed.into_iter().map(|packed| Arc::new(packed.event())).collect())
}
