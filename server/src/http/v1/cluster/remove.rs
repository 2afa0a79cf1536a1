//! `DELETE /clusters/{name}`.

use axum::extract::State;
use axum::http::StatusCode;
use model::cluster::ClusterName;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Removes a cluster that holds no instances; nothing on the cluster itself is touched.
///
/// **Permissions**: `clusters:write`; staff operators and owners.
///
/// **Errors**: 404; 409 while it holds instances.
#[utoipa::path(delete, path = "/clusters/{name}", operation_id = "remove_cluster",
    tag = "clusters", params(("name" = String, Path, description = "Its name.")),
    responses((status = 204, description = "Removed.")))]
pub async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Id(name): Id<ClusterName>,
) -> Answer<StatusCode> {
    state
        .services
        .cluster
        .remove(&caller.actor, &name, &caller.origin)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
