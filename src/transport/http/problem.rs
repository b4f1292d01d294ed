//! Refusals as HTTP answers.
//!
//! Promises: a handler says what is wrong; `answer` writes the document, where the request's id is known.
//! Must never: be written twice.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::domain::ids::RequestId;
use crate::protocol::code::ErrorCode;
use crate::protocol::json;
use crate::protocol::message::reply::{ConflictReport, Refusal};
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::view::conflict::ConflictView;

/// Something that cannot be done.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    refusal: Refusal,
    /// Fields beside those that every problem has.
    more: Map<String, Value>,
}

impl Problem {
    /// The status that the contract gives to the refusal's code.
    pub fn new(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, refusal, more: Map::new() }
    }

    /// Another status than the code's own, where HTTP has a word that the contract lacks.
    pub fn with_status(status: StatusCode, code: ErrorCode, message: &str) -> Self {
        Self { status, ..Self::new(Refusal::new(code, message)) }
    }

    /// An edit that conflicts, with all it takes to settle it.
    pub fn conflict(report: &ConflictReport) -> Self {
        let refusal = Refusal::new(ErrorCode::Conflict, "The edit conflicts with what others have changed.");
        let more = match serde_json::to_value(ConflictView::fitting(report)) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        Self { more, ..Self::new(refusal) }
    }

    /// No resource of this path.
    pub fn no_such_path() -> Self {
        Self::new(Refusal::new(ErrorCode::NotFound, "There is nothing at this path. See /api/docs/."))
    }

    /// The resource has other methods.
    pub fn no_such_method() -> Self {
        let message = "This method is not for this path; the header Allow names those that are.";
        Self::with_status(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, message)
    }

    /// What a status means that something below us answered with, without a document.
    pub fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            _ if status.is_server_error() => ErrorCode::Internal,
            _ => ErrorCode::Malformed,
        };
        Self::with_status(status, code, status.canonical_reason().unwrap_or("The request cannot be answered."))
    }

    /// The document.
    pub fn document(&self, request: RequestId) -> Response {
        let view = ProblemView {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &self.refusal.message,
            code: self.refusal.code.as_str(),
            request_id: request,
            retry_after_ms: self.refusal.retry_after_ms,
            limit: self.refusal.limit,
            op: self.refusal.op,
            more: &self.more,
        };
        let mut response = Response::new(Body::from(json::text(&view)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(ms) = self.refusal.retry_after_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
