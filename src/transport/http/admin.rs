//! `/api/admin/…`: what is for administrators alone.
//!
//! Promises: nothing is shown that names a user or holds what one wrote.
//! Must never: decide who is an administrator.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Http;
use super::problem::Problem;
use super::request::{At, Who};
use crate::protocol::resource::cache::{CacheStats, KindStats};
use crate::protocol::resource::problem::ProblemView;

/// How the caches of this hub do
#[utoipa::path(get, path = "/api/admin/cache/stats", tag = "Administration", responses(
    (status = 200, body = CacheStats), (status = "default", body = ProblemView)))]
pub async fn cache_stats(State(http): State<Arc<Http>>, Who(context): Who) -> Result<Json<CacheStats>, Problem> {
    let figures = http.hub.cache_figures(&context).await?;
    let kinds = figures.into_iter().map(|(kind, figures)| {
        let stats = KindStats {
            hits: figures.hits,
            confirmed: figures.confirmed,
            misses: figures.misses,
            hit_ratio: figures.hit_ratio(),
            loads: figures.loads,
            load_failures: figures.failures,
            load_ms: figures.load_nanos as f64 / 1e6 / figures.loads.max(1) as f64,
            refreshes: figures.refreshes,
            from_redis: figures.shared,
            dropped: figures.dropped,
            entries: figures.entries,
            bytes: figures.bytes,
            max_bytes: figures.bytes_max,
            oldest_ms: figures.oldest_ms,
            ttl_ms: u64::try_from(kind.terms().ttl.as_millis()).unwrap_or(u64::MAX),
        };
        (kind.name(), stats)
    });
    Ok(Json(CacheStats { hub: http.hub.id.to_string(), kinds: kinds.collect() }))
}

/// Empty a cache
///
/// `projects`, `snapshots` or `themes`: the whole of it; `project:ID` or `theme:ID`: what is kept of that one. The other
/// hubs do the same when they hear of it.
#[utoipa::path(delete, path = "/api/admin/cache/{group}", tag = "Administration", params(("group" = String, Path)),
    responses((status = 204), (status = "default", body = ProblemView)))]
pub async fn empty_cache(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(group): At<String>,
) -> Result<StatusCode, Problem> {
    http.hub.empty_cache(&context, &group).await?;
    Ok(StatusCode::NO_CONTENT)
}
