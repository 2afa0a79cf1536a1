//! `GET /instances/{id}`.

use axum::Json;
use axum::extract::State;
use model::InstanceId;

use super::detail::InstanceDetail;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Shows an instance with its parts, its effective values and where it could be upgraded to.
///
/// **Permissions**: `instances:read`; overrides only for staff.
///
/// **Errors**: 404 when there is no such instance or it is another tenant's.
#[utoipa::path(get, path = "/instances/{id}", operation_id = "read_instance", tag = "instances",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The instance.", body = InstanceDetail)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
) -> Answer<Json<InstanceDetail>> {
    let detail = state.services.instance.detail(&caller.actor, &id).await?;
    Ok(Json(detail.into()))
}
