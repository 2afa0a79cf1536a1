//! `GET /releases`.

use axum::Json;
use axum::extract::State;

use super::Release;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// Lists the catalogue, newest first.
///
/// **Permissions**: `releases:read`.
///
/// **Errors**: 401, 403.
#[utoipa::path(get, path = "/releases", operation_id = "list_releases", tag = "releases",
    responses((status = 200, description = "All of them.", body = Page<Release>)))]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Page<Release>>> {
    let releases = state.services.release.list(&caller.actor).await?;
    Ok(Json(Page::whole(releases)))
}
