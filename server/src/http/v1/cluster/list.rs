//! `GET /clusters`.

use axum::Json;
use axum::extract::State;

use super::Cluster;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// Lists clusters by name.
///
/// **Permissions**: `clusters:read`; staff.
///
/// **Errors**: 401, 403.
#[utoipa::path(get, path = "/clusters", operation_id = "list_clusters", tag = "clusters",
    responses((status = 200, description = "All of them.", body = Page<Cluster>)))]
pub async fn list(State(state): State<AppState>, caller: Caller) -> Answer<Json<Page<Cluster>>> {
    let clusters = state.services.cluster.list(&caller.actor).await?;
    Ok(Json(Page::whole(clusters)))
}
