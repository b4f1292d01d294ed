//! `/api/themes/{id}`: named colours, fonts and spacing.
//!
//! Promises: what is read was valid when it was written.
//! Must never: keep what is no theme.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::Http;
use super::problem::Problem;
use super::request::{At, Told, Who, malformed};
use crate::protocol::resource::problem::ProblemView;
use crate::protocol::resource::theme::{Theme, ThemeView};

/// Read a theme
#[utoipa::path(get, path = "/api/themes/{id}", tag = "Themes", params(("id" = String, Path)), responses(
    (status = 200, body = ThemeView), (status = "default", body = ProblemView)))]
pub async fn read(State(http): State<Arc<Http>>, Who(context): Who, At(id): At<String>) -> Result<Response, Problem> {
    let (owner, json) = http.hub.read_theme(&context, &id).await?;
    // What an older version wrote may hold what this one does not know: that is left out.
    let theme = serde_json::from_str(&json).unwrap_or_default();
    Ok(Json(ThemeView { id: &id, owner: owner.as_str(), theme }).into_response())
}

/// Write a theme
///
/// Who writes one first owns it.
#[utoipa::path(put, path = "/api/themes/{id}", tag = "Themes", params(("id" = String, Path)), request_body = Theme,
    responses((status = 200, body = ThemeView), (status = "default", body = ProblemView)))]
pub async fn write(
    State(http): State<Arc<Http>>,
    Who(context): Who,
    At(id): At<String>,
    Told(theme): Told<Theme>,
) -> Result<Response, Problem> {
    if let Some(flaw) = theme.flaw() {
        return Err(malformed(&format!("This is no theme: {flaw}.")));
    }
    let json = crate::protocol::json::text(&theme);
    // JSON is UTF-8.
    http.hub.write_theme(&context, id.clone(), String::from_utf8_lossy(&json).into_owned()).await?;
    Ok(Json(ThemeView { id: &id, owner: context.principal.user().as_str(), theme }).into_response())
}
