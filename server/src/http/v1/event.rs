//! What happens, as a stream of server-sent events.

pub mod listen;
pub mod reader;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(listen::listen))
}
