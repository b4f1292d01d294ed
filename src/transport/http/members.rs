//! `/api/projects/{id}/members`: roles.
//!
//! Promises: a change counts for the next message on every hub.
//! Must never: tell whether a user exists; hubs do not know users, only names.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Http;
use super::problem::Problem;
use super::request::{At, Told, Who, malformed};
use crate::domain::ids::{ProjectId, UserId};
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::resource::project::{MemberList, MemberView, SetRole};
use crate::transport::auth::claims::is_user_text;

/// List the members
#[utoipa::path(get, path = "/api/projects/{id}/members", tag = "Members", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = MemberList), (status = "default", body = ProblemView)))]
pub async fn list(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<ProjectId>,
) -> Result<Json<MemberList>, Problem> {
    let members = http.hub.members(&context, id).await?;
    let members = members.into_iter().map(|(user, role)| MemberView { user, role }).collect();
    Ok(Json(MemberList { members }))
}

/// Make a user a member, or change what they may do
#[utoipa::path(put, path = "/api/projects/{id}/members/{user}", tag = "Members",
    params(("id" = uuid::Uuid, Path), ("user" = String, Path)), request_body = SetRole, responses(
    (status = 200, body = MemberView), (status = "default", body = ProblemView)))]
pub async fn set(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At((id, user)): At<(ProjectId, UserId)>,
    Told(told): Told<SetRole>,
) -> Result<Json<MemberView>, Problem> {
    let user = a_user(user)?;
    http.hub.set_member(&context, id, user.clone(), told.role).await?;
    Ok(Json(MemberView { user, role: told.role }))
}

/// End a membership
#[utoipa::path(delete, path = "/api/projects/{id}/members/{user}", tag = "Members",
    params(("id" = uuid::Uuid, Path), ("user" = String, Path)), responses(
    (status = 204), (status = "default", body = ProblemView)))]
pub async fn remove(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At((id, user)): At<(ProjectId, UserId)>,
) -> Result<StatusCode, Problem> {
    http.hub.remove_member(&context, id, a_user(user)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn a_user(user: UserId) -> Result<UserId, Problem> {
    if is_user_text(user.as_str()) {
        Ok(user)
    } else {
        Err(malformed("A user's id is 1 to 256 characters, without NUL."))
    }
}
