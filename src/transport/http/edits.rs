//! `/api/projects/{id}/edits`, `/undo`, `/restore`: what changes blocks.
//!
//! Promises: the same bodies as the messages of a socket, and the same answers.
//! Must never: apply anything itself.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Http;
use super::problem::Problem;
use super::rate::Counted;
use super::request::{At, Text, Who};
use crate::domain::access::Action;
use crate::domain::ids::ProjectId;
use crate::domain::quota::Resource;
use crate::hub::context::Context;
use crate::hub::{Intent, Outcome};
use crate::protocol::message::decode::{decode_edit, decode_restore, decode_undo};
use crate::protocol::message::encode::encode;
use crate::protocol::message::reply::Receipt;
use crate::protocol::message::server::ServerMessage;
use crate::protocol::resource::edit::{EditBody, RestoreBody, UndoBody};
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::view::AckView;

/// Change blocks
///
/// The body is that of the `edit` message: `editId`, `ops`, and perhaps `onConflict`, `epoch`, `group`. Sent again with
/// the same `editId` it is answered as before, and applied once.
#[utoipa::path(post, path = "/api/projects/{id}/edits", tag = "Blocks", params(("id" = uuid::Uuid, Path)),
    request_body = EditBody, responses(
    (status = 200, body = AckView), (status = 409, description = "A problem with the conflict's fields",
    body = ProblemView), (status = "default", body = ProblemView)))]
pub async fn edit(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    counted: Counted,
    At(id): At<ProjectId>,
    Text(body): Text,
) -> Result<Response, Problem> {
    let edit = decode_edit(&body, &http.hub.limits)?;
    submit(&http, &context, &counted, id, Intent::Edit(edit)).await
}

/// Reverse an edit, or a group of edits
#[utoipa::path(post, path = "/api/projects/{id}/undo", tag = "Blocks", params(("id" = uuid::Uuid, Path)),
    request_body = UndoBody, responses((status = 200, body = AckView), (status = 409, body = ProblemView),
    (status = "default", body = ProblemView)))]
pub async fn undo(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    counted: Counted,
    At(id): At<ProjectId>,
    Text(body): Text,
) -> Result<Response, Problem> {
    let (target, edit) = decode_undo(&body)?;
    submit(&http, &context, &counted, id, Intent::Undo { target, edit }).await
}

/// Make the blocks what they were after a seq
#[utoipa::path(post, path = "/api/projects/{id}/restore", tag = "Blocks", params(("id" = uuid::Uuid, Path)),
    request_body = RestoreBody, responses((status = 200, body = AckView), (status = "default", body = ProblemView)))]
pub async fn restore(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    counted: Counted,
    At(id): At<ProjectId>,
    Text(body): Text,
) -> Result<Response, Problem> {
    let (seq, edit) = decode_restore(&body)?;
    submit(&http, &context, &counted, id, Intent::Restore { seq, edit }).await
}

async fn submit(
    http: &Http,
    context: &Context,
    counted: &Counted,
    id: ProjectId,
    intent: Intent,
) -> Result<Response, Problem> {
    // A project's budget is for those who may edit it: nobody else uses any of it up.
    let project = http.hub.permit(context, id, Action::Edit).await.is_ok().then_some(id);
    counted.take(Resource::Edit, http.hub.spend(context, Resource::Edit, project).await)?;
    match http.hub.submit(context, id, intent).await {
        Outcome::Acked(ack) => {
            let receipt = Receipt { id: None, request: context.request, callback: None };
            let frame = encode(&ServerMessage::Ack { receipt, ack: &ack });
            Ok(([(CONTENT_TYPE, "application/json")], frame.json()).into_response())
        }
        Outcome::Conflict(report) => Err(Problem::conflict(&report)),
        Outcome::Refused(refusal) => Err(refusal.into()),
    }
}
