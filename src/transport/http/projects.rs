//! `/api/projects`: projects and their blocks.
//!
//! Promises: a snapshot says which one it is, so that it need not be sent twice.
//! Must never: decide who may see what.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::Http;
use super::problem::Problem;
use super::request::{Asked, At, Told, Who, malformed};
use crate::domain::ids::{BlockId, ProjectId};
use crate::domain::seed::Seed;
use crate::domain::sequence::Seq;
use crate::hub::projects::{Plan, Seen};
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::resource::project::{
    ChangeProject, CreateProject, ListProjects, NewBlock, Place, ProjectList, ProjectView, ReadBlocks, SnapshotView,
};
use crate::protocol::view::spelling::{EpochText, Moment};
use crate::store::ProjectChange;

type Answer<T> = Result<T, Problem>;

impl From<Seen> for ProjectView {
    fn from(seen: Seen) -> Self {
        Self {
            id: seen.info.id,
            title: seen.info.title,
            access: seen.info.access,
            theme: seen.info.theme,
            role: seen.role,
            epoch: EpochText(seen.info.epoch),
            seq: seen.info.seq,
            created_at: Moment(seen.info.created),
            updated_at: Moment(seen.info.updated),
        }
    }
}

/// Create a project
///
/// The caller becomes its owner.
#[utoipa::path(post, path = "/api/projects", tag = "Projects", request_body = CreateProject, responses(
    (status = 201, body = ProjectView), (status = "default", body = ProblemView)))]
pub async fn create(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    Told(told): Told<CreateProject>,
) -> Answer<impl IntoResponse> {
    let blocks = told.blocks.unwrap_or_default().into_iter().map(draft).collect();
    let plan = Plan { title: told.title, access: told.access, blocks };
    let project = ProjectView::from(http.hub.create_project(&context, plan).await?);
    let place = format!("/api/projects/{}", project.id);
    Ok((StatusCode::CREATED, [(LOCATION, place)], Json(project)))
}

fn draft(block: NewBlock) -> Seed {
    Seed {
        id: BlockId(block.id.unwrap_or_else(Uuid::now_v7)),
        kind: block.kind.into(),
        parent: block.parent.map(BlockId),
        content: block.content,
    }
}

/// List projects
///
/// Those that the caller is a member of or has a token for, newest change first; on an open hub all that are shared.
#[utoipa::path(get, path = "/api/projects", tag = "Projects", params(ListProjects), responses(
    (status = 200, body = ProjectList), (status = "default", body = ProblemView)))]
pub async fn list(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    Asked(asked): Asked<ListProjects>,
) -> Answer<Json<ProjectList>> {
    let after = asked.after().map_err(|_| malformed("`cursor` is not the `next` of a list."))?;
    let limit = asked.limit();
    let after = after.map(|Place(updated, id)| (updated, id));
    let mut found = http.hub.list_projects(&context, limit + 1, after).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| Place(last.info.updated, last.info.id).to_string());
    Ok(Json(ProjectList { projects: found.into_iter().map(ProjectView::from).collect(), next }))
}

/// Read a project
#[utoipa::path(get, path = "/api/projects/{id}", tag = "Projects", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ProjectView), (status = "default", body = ProblemView)))]
pub async fn read(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<ProjectId>,
) -> Answer<Json<ProjectView>> {
    Ok(Json(http.hub.read_project(&context, id).await?.into()))
}

/// Rename a project, change who may see it, or its theme
#[utoipa::path(patch, path = "/api/projects/{id}", tag = "Projects", params(("id" = Uuid, Path)),
    request_body = ChangeProject, responses(
    (status = 200, body = ProjectView), (status = "default", body = ProblemView)))]
pub async fn change(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<ProjectId>,
    Told(told): Told<ChangeProject>,
) -> Answer<Json<ProjectView>> {
    let theme = told.theme.map(|theme| Some(theme).filter(|theme| !theme.is_empty()));
    let change = ProjectChange { title: told.title, access: told.access, theme };
    Ok(Json(http.hub.change_project(&context, id, change).await?.into()))
}

/// Delete a project
///
/// It is kept for 30 days and can be recovered.
#[utoipa::path(delete, path = "/api/projects/{id}", tag = "Projects", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = "default", body = ProblemView)))]
pub async fn delete(State(http): State<Arc<Http>>, Who(context): Who, At(id): At<ProjectId>) -> Answer<StatusCode> {
    http.hub.delete_project(&context, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Recover a deleted project
#[utoipa::path(post, path = "/api/projects/{id}/recover", tag = "Projects", params(("id" = Uuid, Path)), responses(
    (status = 200, body = ProjectView), (status = "default", body = ProblemView)))]
pub async fn recover(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<ProjectId>,
) -> Answer<Json<ProjectView>> {
    Ok(Json(http.hub.recover_project(&context, id).await?.into()))
}

/// Read a project's blocks
///
/// As they are now, or as they were after `at`. With `If-None-Match` of an earlier answer: 304 if nothing changed.
#[utoipa::path(get, path = "/api/projects/{id}/blocks", tag = "Blocks", params(("id" = Uuid, Path), ReadBlocks),
    responses((status = 200, body = SnapshotView), (status = 304), (status = "default", body = ProblemView)))]
pub async fn blocks(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<ProjectId>,
    Asked(asked): Asked<ReadBlocks>,
    headers: HeaderMap,
) -> Answer<Response> {
    let snapshot = http.hub.snapshot(&context, id, asked.at.map(Seq), asked.min_seq.map(Seq)).await?;
    let tag = format!("\"{}.{}\"", snapshot.epoch, snapshot.seq);
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags.as_bytes(), &tag));
    let about = [(ETAG, tag), (CACHE_CONTROL, "private, no-cache".to_owned())];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let view = SnapshotView::new(id, snapshot.epoch, snapshot.seq, &snapshot.blocks);
    Ok((about, Json(view)).into_response())
}

/// Whether an `If-None-Match` names the tag; weakly compared (RFC 9110, section 13.1.2). Our tags hold no comma.
fn names(tags: &[u8], tag: &str) -> bool {
    let mut tags = tags.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|named| named == b"*" || named.strip_prefix(b"W/").unwrap_or(named) == tag.as_bytes())
}
