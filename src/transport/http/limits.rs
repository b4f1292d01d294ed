//! `/api/me/limits` and `/api/admin/rate-limits`: what is left, who is blocked, and what an admin can do about it.
//!
//! Promises: everybody sees their own; everybody's is an admin's only.
//! Must never: count; asking what is left is a call like any other.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};

use super::Http;
use super::problem::Problem;
use super::request::{Asked, At, Who};
use crate::domain::ids::UserId;
use crate::hub::quotas::Quotas;
use crate::protocol::resource::limits::{AskedTier, LimitFiguresView, QuotaView, QuotasView};
use crate::protocol::resource::problem::ProblemView;

/// Read what is left of one's quotas
#[utoipa::path(get, path = "/api/me/limits", tag = "Limits", responses(
    (status = 200, body = QuotasView), (status = "default", body = ProblemView)))]
pub async fn own(State(http): State<Arc<Http>>, Who(context): Who) -> Result<Response, Problem> {
    Ok(shown(&http.hub.own_quotas(&context).await?))
}

/// Read the figures of the limits
///
/// For admins.
#[utoipa::path(get, path = "/api/admin/rate-limits/stats", tag = "Limits", responses(
    (status = 200, body = LimitFiguresView), (status = "default", body = ProblemView)))]
pub async fn figures(State(http): State<Arc<Http>>, Who(context): Who) -> Result<Json<LimitFiguresView>, Problem> {
    Ok(Json(http.hub.limits_figures(&context)?.into()))
}

/// Read what is left of a user's quotas, and whether they are blocked
///
/// For admins.
#[utoipa::path(get, path = "/api/admin/rate-limits/users/{user}", tag = "Limits",
    params(("user" = String, Path), AskedTier), responses(
    (status = 200, body = QuotasView), (status = "default", body = ProblemView)))]
pub async fn of_user(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(user): At<UserId>,
    Asked(asked): Asked<AskedTier>,
) -> Result<Response, Problem> {
    Ok(shown(&http.hub.quotas_of(&context, &user, asked.tier).await?))
}

/// Lift a user's block, and begin all their quotas anew
///
/// For admins.
#[utoipa::path(delete, path = "/api/admin/rate-limits/users/{user}", tag = "Limits",
    params(("user" = String, Path)), responses((status = 204), (status = "default", body = ProblemView)))]
pub async fn pardon(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(user): At<UserId>,
) -> Result<StatusCode, Problem> {
    http.hub.pardon(&context, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(quotas: &Quotas) -> Response {
    let limits = quotas.quotas.iter().map(QuotaView::from).collect();
    let view = QuotasView { user: &quotas.user, tier: quotas.tier, limits, blocked_ms: quotas.blocked_ms };
    ([(CACHE_CONTROL, "no-store")], Json(view)).into_response()
}
