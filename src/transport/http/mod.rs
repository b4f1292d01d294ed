//! HTTP: one file per resource.
//!
//! Promises: every answer carries `X-Request-Id`, and every error is a problem document (RFC 9457).
//! Must never: decide; what a caller may do, the hub says.

mod answer;
mod coding;
mod describe;
mod edits;
mod events;
mod guard;
mod health;
mod limits;
mod members;
mod page;
mod problem;
mod projects;
mod rate;
mod request;
mod sessions;
mod themes;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::quota::Resource;
use crate::hub::{Hub, quotas};
use crate::limit::Denied;
use crate::protocol::code::ErrorCode;
use crate::transport::http::problem::Problem;
use crate::transport::proxies::Proxies;

/// What HTTP needs.
pub struct Http {
    /// Whom it speaks for.
    pub hub: Arc<Hub>,
    /// Web pages that may use the hub; empty: those of its own host.
    pub origins: Vec<String>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// When the hub started.
    pub started: Instant,
}

/// Every call but the socket's.
pub fn router(http: Http) -> Router {
    let http = Arc::new(http);
    let (router, description) = described().with_state(http.clone()).split_for_parts();
    router
        .merge(describe::pages(description))
        .merge(page::pages())
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::no_such_method())
        .layer(DefaultBodyLimit::max(http.hub.limits.message_bytes_max))
        .layer(from_fn(guard::in_time))
        .layer(from_fn_with_state(http, guard::admit))
}

/// What comes in is named, answered, logged and measured, whatever becomes of it.
pub fn answered(router: Router, proxies: Proxies) -> Router {
    router.layer(from_fn_with_state(Arc::new(proxies), answer::complete))
}

/// A refusal, as every other is written.
pub fn refused(status: StatusCode, message: &str) -> Response {
    let code = if status == StatusCode::FORBIDDEN { ErrorCode::Forbidden } else { ErrorCode::Malformed };
    Problem::with_status(status, code, message).into_response()
}

/// The hub is about to stop ([DR1]).
pub fn draining() -> Response {
    guard::draining().into_response()
}

/// There is no place for another connection.
pub fn full() -> Response {
    guard::full().into_response()
}

/// Too much of this.
pub fn denied(resource: Resource, denied: Denied) -> Response {
    Problem::new(quotas::denied(resource, denied)).into_response()
}

/// What a browser may do that asks before it calls; with what `for_pages_of` says of the page.
pub fn preflight() -> Response {
    guard::preflight()
}

/// An answer that pages of these origins may read.
pub fn for_pages_of(allowed: &[String], origin: Option<&HeaderValue>, answer: Response) -> Response {
    let granted = origin.filter(|origin| guard::is_named(origin, allowed));
    guard::with_cors(answer, granted, allowed)
}

fn described() -> OpenApiRouter<Arc<Http>> {
    describe::api()
        .routes(routes!(projects::create, projects::list))
        .routes(routes!(projects::read, projects::change, projects::delete))
        .routes(routes!(projects::recover))
        .routes(routes!(projects::blocks))
        .routes(routes!(edits::edit))
        .routes(routes!(edits::undo))
        .routes(routes!(edits::restore))
        .routes(routes!(events::list))
        .routes(routes!(events::find))
        .routes(routes!(members::list))
        .routes(routes!(members::set, members::remove))
        .routes(routes!(sessions::create))
        .routes(routes!(sessions::read, sessions::change, sessions::end))
        .routes(routes!(themes::read, themes::write))
        .routes(routes!(limits::own))
        .routes(routes!(limits::figures))
        .routes(routes!(limits::of_user, limits::pardon))
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::figures))
}
