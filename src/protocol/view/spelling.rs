//! How the wire spells moments and epochs; its words are in `protocol::word`.
//!
//! Promises: one spelling per value.
//! Must never: depend on the machine's language or time zone.

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::domain::sequence::{Epoch, Timestamp};

/// A moment: RFC 3339, UTC, with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0.0) * 1_000_000;
        // Beyond the year 9999 there is no RFC 3339: 1970 then, rather than no message.
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second, milli) = at.to_hms_milli();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z", u8::from(month))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An epoch, opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochText(pub Epoch);

impl Serialize for EpochText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
