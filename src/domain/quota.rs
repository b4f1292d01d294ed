//! How much of what anybody may do.
//!
//! Promises: one table, for every transport; who pays for more never gets less.
//! Must never: count; that is done where the time is known.

use super::access::Tier;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Edits, undos and restores.
    Edit,
    /// Joins.
    Join,
    /// Connections that begin.
    Connection,
    /// Signals.
    Signal,
    /// Changes of presence.
    Presence,
    /// Calls over HTTP, and questions over a socket.
    Call,
    /// Texts that an AI writes.
    AiText,
    /// Images that an AI makes.
    Image,
    /// Exports.
    Export,
}

impl Resource {
    /// Its word, for figures and for those who ask what is left.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Join => "join",
            Self::Connection => "connection",
            Self::Signal => "signal",
            Self::Presence => "presence",
            Self::Call => "call",
            Self::AiText => "aiText",
            Self::Image => "image",
            Self::Export => "export",
        }
    }
}

/// Every resource, in the order in which they are shown.
pub const RESOURCES: [Resource; 9] = [
    Resource::Edit,
    Resource::Join,
    Resource::Connection,
    Resource::Signal,
    Resource::Presence,
    Resource::Call,
    Resource::AiText,
    Resource::Image,
    Resource::Export,
];

/// Whose use is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A user's.
    User,
    /// An address's.
    Address,
    /// A project's.
    Project,
    /// Everybody's.
    Everybody,
}

/// Every scope, the narrowest first.
pub const SCOPES: [Scope; 4] = [Scope::User, Scope::Address, Scope::Project, Scope::Everybody];

/// So much within any time of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How much.
    pub amount: u32,
    /// Within which time, in milliseconds.
    pub window_ms: u64,
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

/// What one may spend; `None`: as much as one likes.
///
/// What a user pays for is in the contract; the other budgets are far above what people do, and there to stop programs
/// that run wild.
pub fn budget(resource: Resource, scope: Scope, tier: Tier) -> Option<Budget> {
    match scope {
        Scope::User => of_user(resource, tier),
        Scope::Address => match resource {
            Resource::Connection => per_minute(6_000),
            Resource::Call => per_minute(60_000),
            _ => None,
        },
        Scope::Project => match resource {
            Resource::Edit => per_minute(120_000),
            _ => None,
        },
        Scope::Everybody => match resource {
            Resource::Edit => per_minute(6_000_000),
            Resource::Join => per_minute(600_000),
            _ => None,
        },
    }
}

/// For who pays nothing, for pro, for enterprise.
type ByTier = [u32; 3];

fn of_user(resource: Resource, tier: Tier) -> Option<Budget> {
    let by_tier = |amounts: ByTier| match tier {
        Tier::Free => amounts[0],
        Tier::Pro => amounts[1],
        Tier::Enterprise => amounts[2],
    };
    match resource {
        Resource::Edit if tier == Tier::Free => per_minute(1_000),
        Resource::Edit => None,
        Resource::Join => per_minute(by_tier([1_200, 2_400, 6_000])),
        Resource::Connection => per_minute(by_tier([300, 600, 3_000])),
        Resource::Signal | Resource::Presence => per_minute(by_tier([6_000, 12_000, 60_000])),
        Resource::Call => per_minute(by_tier([3_000, 12_000, 60_000])),
        Resource::AiText => per_hour(by_tier([10, 50, 200])),
        Resource::Image => per_hour(by_tier([5, 25, 100])),
        Resource::Export => per_hour(by_tier([20, 100, 400])),
    }
}

fn per_minute(amount: u32) -> Option<Budget> {
    Some(Budget { amount, window_ms: MINUTE_MS })
}

fn per_hour(amount: u32) -> Option<Budget> {
    Some(Budget { amount, window_ms: HOUR_MS })
}
