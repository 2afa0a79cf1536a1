//! `GET /regions`.

use axum::Json;
use axum::extract::State;

use super::Choice;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// Lists where an instance could be created, and why not where it could not.
///
/// **Permissions**: `clusters:read`; staff.
///
/// **Errors**: 401, 403.
#[utoipa::path(get, path = "/regions", operation_id = "list_regions", tag = "clusters",
    responses((status = 200, description = "All of them.", body = Page<Choice>)))]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Page<Choice>>> {
    let choices = state.services.cluster.choices(&caller.actor).await?;
    Ok(Json(Page::whole(choices)))
}
