//! The only clock of the hub: everything below is told the time.
//!
//! Promises: milliseconds since 1970; before that, 0.
//! Must never: be asked by `domain`.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::sequence::Timestamp;

/// This moment.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
