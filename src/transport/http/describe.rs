//! `/api/openapi.json`, a page to browse it, and the README's example of a page that needs no library.
//!
//! Promises: the description is made from the handlers themselves; the pages need nothing but this hub.
//! Must never: describe what is not there.

use axum::Router;
use axum::response::{Html, Redirect};
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// A list that is edited together, in twenty lines.
const EXAMPLE: &str = include_str!("../../../examples/browser.html");

const ABOUT: &str = "Projects of blocks that several people edit at once. Live editing goes over the WebSocket at \
    `/ws`; what is here is for everything else, and for backends.\n\nA hub with a key takes tokens (JWT) as \
    `Authorization: Bearer`. One without is open to its own machine, and `X-BlockHub-User` names the context.";

/// The description's frame; the handlers fill it.
pub fn api<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = ComponentsBuilder::new().security_scheme("bearer", SecurityScheme::Http(bearer)).build();
    let info = InfoBuilder::new().title("BlockHub").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT));
    let none = SecurityRequirement::default();
    let token = SecurityRequirement::new("bearer", Vec::<String>::new());
    OpenApiRouter::with_openapi(
        OpenApiBuilder::new().info(info.build()).components(Some(components)).security(Some([token, none])).build(),
    )
}

/// The description and its page. Swagger UI would ask a server on the internet whether the description is valid;
/// `none` keeps it from that.
pub fn pages(description: OpenApi) -> Router {
    let config = Config::from("/api/openapi.json").validator_url("none").try_it_out_enabled(true);
    let pages = SwaggerUi::new("/api/docs").url("/api/openapi.json", description).config(config);
    Router::from(pages)
        .route("/examples/browser.html", get(async || Html(EXAMPLE)))
        .route("/api", get(async || Redirect::temporary("/api/docs/")))
}
