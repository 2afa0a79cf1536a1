//! `POST /clusters`.

use axum::extract::State;

use super::{Cluster, Settings};
use crate::http::answer::{Answer, Created};
use crate::http::caller::Caller;
use crate::http::extract::Body;
use crate::http::state::AppState;

/// Adds a cluster after checking it.
///
/// **Permissions**: `clusters:write`; staff operators and owners.
///
/// **Errors**: 409 when the name is taken or a check fails, with what is missing; 422 with the field.
#[utoipa::path(post, path = "/clusters", operation_id = "add_cluster", tag = "clusters",
    request_body = Settings,
    responses((status = 201, description = "Added.", body = Cluster)))]
pub async fn add(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Settings>,
) -> Answer<Created<Cluster>> {
    let location = format!("/api/v1/clusters/{}", body.name);
    let view = state
        .services
        .cluster
        .add(&caller.actor, body.into(), &caller.origin)
        .await?;
    Ok(Created {
        location,
        body: view.into(),
    })
}
