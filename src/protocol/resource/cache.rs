//! How the caches do.
//!
//! Promises: figures since the hub started, by kind.
//! Must never: hold anything that is cached.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// The caches of one hub.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CacheStats {
    /// Which hub.
    pub hub: String,
    /// By kind: `projects`, `snapshots`, `themes`.
    #[schema(value_type = BTreeMap<String, KindStats>)]
    pub kinds: BTreeMap<&'static str, KindStats>,
}

/// The cache of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KindStats {
    /// Reads answered in process, without asking anybody.
    pub hits: u64,
    /// Reads answered in process, after the database was asked whether it is still so.
    pub confirmed: u64,
    /// Reads that were not answered in process.
    pub misses: u64,
    /// `hits` of all reads; 1 if there were none.
    pub hit_ratio: f64,
    /// Loads.
    pub loads: u64,
    /// Loads that failed.
    pub load_failures: u64,
    /// Milliseconds that a load took on average.
    pub load_ms: f64,
    /// Loads ahead of an entry's end.
    pub refreshes: u64,
    /// Misses that Redis answered.
    pub from_redis: u64,
    /// Values in Redis that were not what was written.
    pub dropped: u64,
    /// Entries now.
    pub entries: u64,
    /// Their bytes, about.
    pub bytes: u64,
    /// The bound of those.
    pub max_bytes: u64,
    /// The age of the oldest, in milliseconds; null if there is none.
    #[schema(required)]
    pub oldest_ms: Option<u64>,
    /// How old an entry can be, in milliseconds.
    pub ttl_ms: u64,
}
