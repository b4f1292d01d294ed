//! How the hub is.
//!
//! Promises: the same shape whether it is well or not.
//! Must never: name anybody, or hold what only an administrator may see.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::HubId;
use crate::protocol::view::spelling::Moment;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It serves.
    Ok,
    /// The hub is about to stop.
    Draining,
    /// It cannot be had.
    Unavailable,
}

/// How the hubs talk to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BusCondition {
    /// It goes no further than this process: right for one hub.
    Local,
    /// It reaches the other hubs.
    Ok,
    /// It does not reach them now; they compare heads with the database.
    Unavailable,
}

/// How the hub is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView<'a> {
    /// The whole of it.
    pub status: Condition,
    /// This hub.
    pub hub: &'a HubId,
    /// The hub's version.
    pub version: &'static str,
    /// The hub's clock.
    pub now: Moment,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
    /// Whether the database answers.
    pub database: Condition,
    /// How hubs talk to each other.
    pub bus: BusCondition,
    /// Open sockets.
    pub connections: usize,
    /// Open rooms.
    pub rooms: usize,
    /// Sessions; null if they cannot be counted now.
    #[schema(required)]
    pub sessions: Option<usize>,
}

/// That the process runs and answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LifeView<'a> {
    /// Always `ok`.
    pub status: Condition,
    /// This hub.
    pub hub: &'a HubId,
    /// The hub's version.
    pub version: &'static str,
    /// The hub's clock.
    pub now: Moment,
    /// Milliseconds since it started.
    pub uptime_ms: u64,
}
