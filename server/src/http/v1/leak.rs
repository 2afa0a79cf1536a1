//! Leaked tokens: whoever finds one may report it, signed in or not. The answer is the same whether it
//! was real, so that reporting tells nobody which tokens exist.

pub mod github;
pub mod report;

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(report::report))
        .routes(routes!(github::report))
}

/// What every report is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct Thanks {
    /// A sentence for whoever reported.
    pub message: &'static str,
}

/// The answer to every report.
fn thanks() -> (StatusCode, axum::Json<Thanks>) {
    let message = "Thank you. Tokens of ours that are still live are dealt with now, and their people are told.";
    (StatusCode::ACCEPTED, axum::Json(Thanks { message }))
}
