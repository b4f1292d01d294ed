//! What every answer has: an id, a log line, a measure, and a document if it is an error.
//!
//! Promises: a panic in a handler is `internal` for that request alone. What says nothing of being kept is kept nowhere,
//! errors above all.
//! Must never: log a query, a header or a body: those may hold what is nobody's business.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;
use tracing::field::Empty;

use super::caching;
use super::problem::Problem;
use super::rate::Counted;
use crate::domain::ids::RequestId;
use crate::transport::arrived::Arrived;
use crate::transport::proxies::Proxies;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_SNIFFING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));

/// The outermost layer.
pub async fn complete(State(proxies): State<Arc<Proxies>>, mut request: Request, next: Next) -> Response {
    let arrived = Arrived::now(&request, &proxies);
    let Arrived { request: id, at: began, address } = arrived;
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let counted = Counted::default();
    request.extensions_mut().insert(arrived);
    request.extensions_mut().insert(counted.clone());
    let (path_asked, address) = (request.uri().path(), address.map(tracing::field::display));
    // Whose it is, is found out later.
    let span =
        tracing::info_span!("http", request = %id, %method, path = path_asked, address, user = Empty, tier = Empty);
    async {
        let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| panicked());
        let mut answer = with_document(answer, id);
        counted.write(answer.headers_mut());
        tracing::debug!(status = answer.status().as_u16(), "answered");
        measure(&method, path, answer.status(), began);
        answer
    }
    .instrument(span)
    .await
}

/// The panic itself was logged where it happened.
fn panicked() -> Response {
    tracing::error!("a request ended in a panic");
    let mut response = Response::default();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn with_document(mut answer: Response, id: RequestId) -> Response {
    let status = answer.status();
    let problem = answer.extensions_mut().remove::<Problem>();
    let bare = status.is_client_error() || status.is_server_error();
    if let Some(problem) = problem.or_else(|| (bare && !has_document(&answer)).then(|| Problem::of_status(status))) {
        let document = problem.document(id);
        let (parts, body) = document.into_parts();
        *answer.body_mut() = body;
        answer.headers_mut().remove("content-length");
        answer.headers_mut().extend(parts.headers);
    }
    // A UUID is text that a header can carry.
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer.headers_mut().insert(NO_SNIFFING.0, NO_SNIFFING.1);
    caching::not_kept(answer.headers_mut());
    answer
}

/// Health answers 503 with its own shape.
fn has_document(answer: &Response) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/"))
}

fn measure(method: &Method, path: String, status: StatusCode, began: Instant) {
    // Methods are the client's to invent; a measure's labels are not.
    let method = if method.is_safe() { "read" } else { "write" };
    let labels = [("path", path), ("kind", method.to_owned()), ("status", status.as_u16().to_string())];
    metrics::histogram!("blockhub_http_seconds", &labels).record(began.elapsed().as_secs_f64());
}
