//! What a request says: who asks, about what, in which words.
//!
//! Promises: what cannot be read is a problem that says why; bodies are held to the rules of messages ([MS2]).
//! Must never: look at a body before it knows who asks.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde::de::DeserializeOwned;
use tracing::Span;

use super::Http;
use super::problem::Problem;
use super::rate::Counted;
use crate::domain::ids::UserId;
use crate::domain::quota::Resource;
use crate::hub::clock;
use crate::hub::context::{Context, Via};
use crate::protocol::code::ErrorCode;
use crate::protocol::message::client::NamedUser;
use crate::protocol::message::reply::Refusal;
use crate::protocol::scan;
use crate::transport::arrived::Arrived;
use crate::transport::auth::claims::is_user_text;

const USER: HeaderName = HeaderName::from_static("x-blockhub-user");

/// Who asks.
pub struct Who(pub Context);

impl FromRequestParts<Arc<Http>> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Problem> {
        let Arrived { request, at: began, address } = Arrived::of(&parts.extensions);
        let user = named_user(&parts.headers)?;
        let principal = http.hub.authenticator.authenticate(bearer(&parts.headers), user, clock::now())?;
        let context = Context { request, principal, via: Via::Call { address }, began };
        context.tell(&Span::current());
        let spent = http.hub.spend(&context, Resource::Call, None).await;
        Counted::of(&parts.extensions).take(Resource::Call, spent)?;
        Ok(Self(context))
    }
}

/// The token of `Authorization: Bearer`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whom an open hub takes the caller for ([CN6]).
fn named_user(headers: &HeaderMap) -> Result<Option<NamedUser>, Problem> {
    let Some(value) = headers.get(USER) else { return Ok(None) };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(id) if !id.is_empty() && is_user_text(id) => Ok(Some(NamedUser { id: UserId::from(id), name: None })),
        _ => Err(malformed("X-BlockHub-User is 1 to 256 characters of UTF-8.")),
    }
}

/// What the path names. What cannot be a name is the name of nothing.
pub struct At<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::<T>::from_request_parts(parts, state).await;
        named.map(|Path(named)| Self(named)).map_err(|_| Problem::no_such_path())
    }
}

/// What the query asks for.
pub struct Asked<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asked = Query::<T>::from_request_parts(parts, state).await;
        asked.map(|Query(asked)| Self(asked)).map_err(|error| malformed(&error.body_text()))
    }
}

/// A body of JSON text that a message could be made of.
pub struct Text(pub String);

impl<S: Send + Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let message = "The body must be JSON: Content-Type: application/json.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(Problem::with_status(status, ErrorCode::Unsupported, message));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => too_large(),
            _ => malformed("The body ended early."),
        })?;
        let text = String::from_utf8(bytes.into()).map_err(|_| malformed("The body is no UTF-8."))?;
        scan::check(&text).map_err(|flaw| malformed(&format!("The body cannot be taken: {}.", flaw.message())))?;
        Ok(Self(text))
    }
}

/// A body of this shape.
pub struct Told<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Told<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Text(text) = Text::from_request(request, state).await?;
        if !text.trim_start().starts_with('{') {
            return Err(malformed("The body must be a JSON object."));
        }
        let told = Json::<T>::from_bytes(text.as_bytes());
        told.map(|Json(told)| Self(told)).map_err(|error| malformed(&error.body_text()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// A problem of the request's words.
pub fn malformed(message: &str) -> Problem {
    Problem::new(Refusal::new(ErrorCode::Malformed, message))
}

fn too_large() -> Problem {
    let refusal = Refusal::new(ErrorCode::TooLarge, "The body is larger than a message may be.");
    Problem::new(Refusal { limit: Some("maxMessageBytes"), ..refusal })
}
