//! `GET /clusters/{name}`.

use axum::Json;
use axum::extract::State;
use model::cluster::ClusterName;

use super::Cluster;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Shows a cluster.
///
/// **Permissions**: `clusters:read`; staff.
///
/// **Errors**: 404 when there is no such cluster.
#[utoipa::path(get, path = "/clusters/{name}", operation_id = "read_cluster", tag = "clusters",
    params(("name" = String, Path, description = "Its name.")),
    responses((status = 200, description = "The cluster.", body = Cluster)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(name): Id<ClusterName>,
) -> Answer<Json<Cluster>> {
    let view = state.services.cluster.get(&caller.actor, &name).await?;
    Ok(Json(view.into()))
}
