//! Who is let in, before anything is looked at: hosts, web pages of other origins, the drain, time-outs ([CN3], [CN6]).
//!
//! Promises: exactly the configured origins get CORS answers.
//! Must never: hold a request for longer than a request may take.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Http;
use super::problem::Problem;
use super::rate::Counted;
use crate::domain::quota::Resource;
use crate::hub::context::WITHIN;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;
use crate::transport::arrived::Arrived;
use crate::transport::origin::{host, is_loopback, origin_allowed};

/// What a client is asked to wait: by then a load balancer has another hub for it.
const RETRY_MS: u64 = 1_000;

const CORS: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, if-none-match, x-blockhub-user"),
    (ACCESS_CONTROL_MAX_AGE, "600"),
];

/// Ends what takes too long. Writes that have begun are finished all the same: they run in tasks of their own.
pub async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(WITHIN, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => again(ErrorCode::Busy, "This took too long.").into_response(),
    }
}

/// Lets in who may come.
pub async fn admit(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method(), request.headers());
    if http.hub.authenticator.is_open() && !host(&request).ok().flatten().is_some_and(is_loopback) {
        let message = "This hub is open to its own machine only: call it as 127.0.0.1 or localhost.";
        return Problem::new(Refusal::new(ErrorCode::Forbidden, message)).into_response();
    }
    let granted = granted(headers, &http.origins);
    if let (Some(origin), true) = (&granted, is_preflight(method, headers)) {
        return with_cors(preflight(), Some(origin), &http.origins);
    }
    let allowed = may_go_on(&http, &request);
    let answer = match (allowed, count(&http, &request).await) {
        (Ok(()), Ok(())) => next.run(request).await,
        (Err(problem), _) | (_, Err(problem)) => problem.into_response(),
    };
    with_cors(answer, granted.as_ref(), &http.origins)
}

/// Calls from one address are counted, whoever makes them; those that keep watch over the hub are not.
fn count<'a>(http: &'a Http, request: &Request) -> impl Future<Output = Result<(), Problem>> + Send + use<'a> {
    let watches = request.uri().path().starts_with("/api/health");
    let address = Arrived::of(request.extensions()).address.filter(|_| !watches);
    let counted = Counted::of(request.extensions());
    async move {
        match http.hub.spend_from(address, Resource::Call).await {
            // How much others of the same address do is not the caller's business, until it is too much.
            Ok(_) => Ok(()),
            refused => counted.take(Resource::Call, refused),
        }
    }
}

/// What changes nothing may always go on.
fn may_go_on(http: &Http, request: &Request) -> Result<(), Problem> {
    if request.method().is_safe() {
        return Ok(());
    }
    // Two origins are as good as none that is known: whoever sends them is no browser of ours.
    let mut origins = request.headers().get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or("(no text)"));
    let (origin, another) = (origins.next(), origins.next());
    if another.is_some() || !origin_allowed(origin, host(request).ok().flatten(), &http.origins) {
        let message = "Web pages of this origin may not use this hub; see BLOCKHUB_ALLOWED_ORIGINS.";
        return Err(Problem::new(Refusal::new(ErrorCode::Forbidden, message)));
    }
    match http.hub.roll.draining() {
        Some(_) => Err(draining()),
        None => Ok(()),
    }
}

/// The answer of a hub that is about to stop ([DR1]).
pub fn draining() -> Problem {
    again(ErrorCode::Draining, "This hub is about to stop.")
}

/// There is no place for another connection.
pub fn full() -> Problem {
    again(ErrorCode::Busy, "This hub is full.")
}

fn again(code: ErrorCode, message: &str) -> Problem {
    Problem::new(Refusal { retry_after_ms: Some(RETRY_MS), ..Refusal::new(code, message) })
}

/// The request's origin, if it is one of those that are named.
fn granted(headers: &HeaderMap, origins: &[String]) -> Option<HeaderValue> {
    headers.get(ORIGIN).filter(|origin| is_named(origin, origins)).cloned()
}

/// Whether it is one of those that are named.
pub fn is_named(origin: &HeaderValue, origins: &[String]) -> bool {
    origins.iter().any(|known| known.as_bytes() == origin.as_bytes())
}

fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a browser may do that asks before it calls.
pub fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(CORS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// What a page of the granted origin may read.
pub fn with_cors(mut answer: Response, granted: Option<&HeaderValue>, origins: &[String]) -> Response {
    let headers = answer.headers_mut();
    if let Some(origin) = granted {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("etag, ratelimit, ratelimit-policy, retry-after, x-request-id"),
        );
    }
    if !origins.is_empty() {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    answer
}
