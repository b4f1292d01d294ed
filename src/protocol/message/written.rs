//! An event as JSON, written once: for its length, and for every message that holds it.
//!
//! Promises: what is measured is what is sent.
//! Must never: be written again for another recipient.

use crate::domain::event::Event;
use crate::domain::sequence::Seq;
use crate::protocol::json;
use crate::protocol::view::event::EventView;

/// An event as JSON.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its number.
    pub seq: Seq,
    json: Vec<u8>,
}

impl Written {
    /// Writes an event.
    pub fn of(event: &Event) -> Self {
        Self { seq: event.seq, json: json::text(&EventView::from(event)) }
    }

    /// Bytes of JSON.
    pub fn size(&self) -> usize {
        self.json.len()
    }

    /// A JSON array of these, in order.
    pub(super) fn array(events: &[Self]) -> Vec<u8> {
        let mut array = Vec::with_capacity(events.iter().map(|event| event.size() + 1).sum::<usize>() + 1);
        for event in events {
            array.push(if array.is_empty() { b'[' } else { b',' });
            array.extend_from_slice(&event.json);
        }
        if array.is_empty() {
            array.push(b'[');
        }
        array.push(b']');
        array
    }
}
