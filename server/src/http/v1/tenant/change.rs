//! `PATCH /tenants/{id}`.

use axum::Json;
use axum::extract::State;
use model::TenantId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Tenant;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;

/// What to change of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// What it is to be called.
    pub name: String,
}

/// Renames a tenant.
///
/// **Permissions**: `tenants:write`; staff operators and owners.
///
/// **Errors**: 404, 409 when the name is taken, 422 when it cannot be a name.
#[utoipa::path(patch, path = "/tenants/{id}", operation_id = "change_tenant", tag = "tenants",
    params(("id" = String, Path, description = "Its id.")), request_body = TenantChange,
    responses((status = 200, description = "As it is now.", body = Tenant)))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
    Body(body): Body<TenantChange>,
) -> Answer<Json<Tenant>> {
    let service = &state.services.tenant;
    let view = service
        .rename(&caller.actor, id, &body.name, &caller.origin)
        .await?;
    Ok(Json(view.into()))
}
