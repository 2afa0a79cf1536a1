//! `GET /tenants/{id}`.

use axum::Json;
use axum::extract::State;
use model::TenantId;

use super::Tenant;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Shows a tenant.
///
/// **Permissions**: `tenants:read`.
///
/// **Errors**: 404 when there is no such tenant or it is not the caller's.
#[utoipa::path(get, path = "/tenants/{id}", operation_id = "read_tenant", tag = "tenants",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The tenant.", body = Tenant)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
) -> Answer<Json<Tenant>> {
    let view = state.services.tenant.get(&caller.actor, id).await?;
    Ok(Json(view.into()))
}
