//! `/api/projects/{id}/events` and `/edits/{editId}`: the log.
//!
//! Promises: events have the shape they have on a socket.
//! Must never: skip one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Http;
use super::problem::Problem;
use super::request::{Asked, At, Who, malformed};
use crate::domain::ids::{EditId, ProjectId};
use crate::domain::sequence::Seq;
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::resource::project::{EventList, ReadEvents};
use crate::protocol::view::event::EventView;
use crate::store::Span;

/// Read the log
///
/// With `since` oldest first, else newest first.
#[utoipa::path(get, path = "/api/projects/{id}/events", tag = "History",
    params(("id" = uuid::Uuid, Path), ReadEvents), responses(
    (status = 200, body = EventList), (status = "default", body = ProblemView)))]
pub async fn list(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<ProjectId>,
    Asked(asked): Asked<ReadEvents>,
) -> Result<Response, Problem> {
    let span = match (asked.since, asked.before) {
        (Some(_), Some(_)) => return Err(malformed("Give `since` or `before`, not both.")),
        (Some(since), None) => Span::After(Seq(since)),
        (None, before) => Span::Before(before.map(Seq)),
    };
    let piece = http.hub.events(&context, id, span, asked.limit()).await?;
    Ok(Json(EventList::new(&piece.events, piece.more)).into_response())
}

/// Where is my edit
///
/// The event of an edit that was applied; 404 if it was not, or its event is no longer kept.
#[utoipa::path(get, path = "/api/projects/{id}/edits/{editId}", tag = "History",
    params(("id" = uuid::Uuid, Path), ("editId" = uuid::Uuid, Path)), responses(
    (status = 200, body = EventView), (status = "default", body = ProblemView)))]
pub async fn find(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At((id, edit)): At<(ProjectId, EditId)>,
) -> Result<Response, Problem> {
    let event = http.hub.find_edit(&context, id, edit).await?;
    Ok(Json(EventView::of_history(&event)).into_response())
}
