//! `/api/sessions`: a session and its metadata.
//!
//! Promises: each call but the last is a use of the session: it lives on for 24 hours.
//! Must never: tell another user that there is one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::Http;
use super::problem::Problem;
use super::request::{At, Told, Who};
use crate::domain::ids::SessionId;
use crate::hub::clock;
use crate::protocol::code::ErrorCode;
use crate::protocol::message::reply::Refusal;
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::resource::session::{SessionMetadata, SessionView};
use crate::session::{Session, SessionError};

/// Begin a session
#[utoipa::path(post, path = "/api/sessions", tag = "Sessions", request_body = SessionMetadata, responses(
    (status = 201, body = SessionView), (status = "default", body = ProblemView)))]
pub async fn create(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    Told(told): Told<SessionMetadata>,
) -> Result<Response, Problem> {
    let user = context.principal.user().clone();
    let session = Session::new(SessionId(Uuid::new_v4()), user, told.metadata.unwrap_or_default(), clock::now());
    http.hub.sessions.create(session.clone()).await.map_err(refused)?;
    let place = format!("/api/sessions/{}", session.id);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(SessionView::from(&session))).into_response())
}

/// Read a session
#[utoipa::path(get, path = "/api/sessions/{id}", tag = "Sessions", params(("id" = Uuid, Path)), responses(
    (status = 200, body = SessionView), (status = "default", body = ProblemView)))]
pub async fn read(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<SessionId>,
) -> Result<Response, Problem> {
    shown(http.hub.sessions.touch(id, context.principal.user(), clock::now()).await)
}

/// Change a session's metadata
///
/// `metadata` is a JSON merge patch (RFC 7396): null takes a field away.
#[utoipa::path(patch, path = "/api/sessions/{id}", tag = "Sessions", params(("id" = Uuid, Path)),
    request_body = SessionMetadata, responses(
    (status = 200, body = SessionView), (status = "default", body = ProblemView)))]
pub async fn change(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<SessionId>,
    Told(told): Told<SessionMetadata>,
) -> Result<Response, Problem> {
    let patch = told.metadata.unwrap_or_default();
    shown(http.hub.sessions.patch(id, context.principal.user(), patch, clock::now()).await)
}

/// End a session
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "Sessions", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = "default", body = ProblemView)))]
pub async fn end(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<SessionId>,
) -> Result<StatusCode, Problem> {
    match http.hub.sessions.end(id, context.principal.user(), clock::now()).await.map_err(refused)? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(none()),
    }
}

fn shown(found: Result<Option<Session>, SessionError>) -> Result<Response, Problem> {
    let session = found.map_err(refused)?.ok_or_else(none)?;
    Ok(Json(SessionView::from(&session)).into_response())
}

fn none() -> Problem {
    Problem::new(Refusal::new(ErrorCode::NotFound, "There is no such session, or it is not yours."))
}

fn refused(error: SessionError) -> Problem {
    let refusal = Refusal::new(ErrorCode::TooLarge, error.to_string());
    Problem::new(match error {
        SessionError::TooLarge => Refusal { limit: Some("maxMetadataBytes"), ..refusal },
        SessionError::Unavailable | SessionError::Busy => {
            Refusal { code: ErrorCode::Busy, retry_after_ms: Some(1_000), ..refusal }
        }
    })
}
