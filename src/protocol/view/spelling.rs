//! How the wire spells what is no object: words and times.
//!
//! Promises: one spelling per value.
//! Must never: depend on the machine's language or time zone.

use std::fmt;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::domain::access::{Access, Role, Tier};
use crate::domain::event::ActorKind;
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

/// Person or program.
pub fn actor_kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Human => "human",
        ActorKind::Agent => "agent",
    }
}

/// What a user pays for.
pub fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Free => "free",
        Tier::Pro => "pro",
        Tier::Enterprise => "enterprise",
    }
}

/// What somebody is in a project.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

/// What everybody has in a project.
pub fn access(access: Access) -> &'static str {
    match access {
        Access::None => "none",
        Access::Viewer => "viewer",
        Access::Editor => "editor",
    }
}
