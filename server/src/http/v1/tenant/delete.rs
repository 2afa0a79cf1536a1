//! `DELETE /tenants/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use model::TenantId;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Deletes a tenant that has no instances.
///
/// **Permissions**: `tenants:write`; staff owners.
///
/// **Errors**: 404, 409 while it has instances.
#[utoipa::path(delete, path = "/tenants/{id}", operation_id = "delete_tenant", tag = "tenants",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "Deleted.")))]
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
) -> Answer<StatusCode> {
    state
        .services
        .tenant
        .delete(&caller.actor, id, &caller.origin)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
