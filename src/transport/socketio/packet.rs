//! An event of Socket.IO as the client wrote it: a JSON array of its name and what goes with it.
//!
//! Promises: the object is not read, only found.
//! Must never: know a message.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What stands for an object that was left out.
const EMPTY: &str = "{}";

/// One event.
pub struct Event<'a> {
    /// Its name: the `type` of a message.
    pub name: Cow<'a, str>,
    /// The one object that goes with it; empty if it was left out.
    pub object: &'a str,
}

/// Reads an event. None if it is no name with at most one thing behind it.
pub fn read(array: &str) -> Option<Event<'_>> {
    serde_json::from_str(array).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Event<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Parts)
    }
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Event<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, and an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let too_few = || serde::de::Error::invalid_length(0, &self);
        let Name(name) = array.next_element()?.ok_or_else(too_few)?;
        let object = array.next_element::<&RawValue>()?.map_or(EMPTY, RawValue::get);
        match array.next_element::<IgnoredAny>()? {
            None => Ok(Event { name, object }),
            Some(_) => Err(serde::de::Error::invalid_length(3, &self)),
        }
    }
}

/// Borrowed wherever it holds no escape.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
