//! `/api/health` and `/metrics`: how the hub is, for those who watch over it.
//!
//! Promises: answers within `CHECK_WITHIN`, whatever the database does; needs no token, and names nobody.
//! Must never: be taken for liveness where it is readiness: a database that is away is no reason to kill a hub.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::Http;
use crate::bus::BusState;
use crate::hub::clock;
use crate::protocol::resource::health::{BusCondition, Condition, HealthView, LifeView};
use crate::protocol::view::spelling::Moment;

/// How long the database, and whatever counts the sessions, may take to answer.
const CHECK_WITHIN: Duration = Duration::from_secs(2);

/// How the hub is
///
/// 503 while it is not ready.
#[utoipa::path(get, path = "/api/health", tag = "Health", security(()), responses(
    (status = 200, body = HealthView), (status = 503, body = HealthView)))]
pub async fn health(State(http): State<Arc<Http>>) -> Response {
    let (checked, sessions) = tokio::join!(
        tokio::time::timeout(CHECK_WITHIN, http.hub.store.check()),
        tokio::time::timeout(CHECK_WITHIN, http.hub.sessions.count()),
    );
    let database = if let Ok(Ok(())) = checked { Condition::Ok } else { Condition::Unavailable };
    let status = if http.hub.roll.draining().is_some() { Condition::Draining } else { database };
    let figures = http.hub.figures();
    let view = HealthView {
        status,
        hub: &http.hub.id,
        version: env!("CARGO_PKG_VERSION"),
        now: Moment(clock::now()),
        uptime_ms: uptime_ms(&http),
        database,
        bus: bus(http.hub.bus.state()),
        connections: figures.connections,
        rooms: figures.rooms,
        sessions: sessions.ok().and_then(Result::ok),
    };
    let code = if status == Condition::Ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(CACHE_CONTROL, "no-store")], Json(view)).into_response()
}

fn bus(state: BusState) -> BusCondition {
    match state {
        BusState::Local => BusCondition::Local,
        BusState::Connected => BusCondition::Ok,
        BusState::Away => BusCondition::Unavailable,
    }
}

/// Whether the process answers
#[utoipa::path(get, path = "/api/health/live", tag = "Health", security(()), responses((status = 200, body = LifeView)))]
pub async fn live(State(http): State<Arc<Http>>) -> Response {
    let view = LifeView {
        status: Condition::Ok,
        hub: &http.hub.id,
        version: env!("CARGO_PKG_VERSION"),
        now: Moment(clock::now()),
        uptime_ms: uptime_ms(&http),
    };
    ([(CACHE_CONTROL, "no-store")], Json(view)).into_response()
}

/// Whether the hub may be sent work
#[utoipa::path(get, path = "/api/health/ready", tag = "Health", security(()), responses(
    (status = 200, body = HealthView), (status = 503, body = HealthView)))]
pub async fn ready(http: State<Arc<Http>>) -> Response {
    health(http).await
}

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "Health", security(()), responses(
    (status = 200, body = String, content_type = "text/plain")))]
pub async fn figures(State(http): State<Arc<Http>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], http.metrics.render()).into_response()
}

fn uptime_ms(http: &Http) -> u64 {
    u64::try_from(http.started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
