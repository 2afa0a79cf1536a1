//! `POST /tenants`.

use axum::extract::State;
use serde::Deserialize;
use service::tenant::CreateTenant;
use utoipa::ToSchema;

use super::Tenant;
use crate::http::answer::{Answer, Created};
use crate::http::caller::Caller;
use crate::http::extract::Body;
use crate::http::state::AppState;

/// A tenant to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// What it is called; no other tenant may be called so.
    #[schema(example = "Acme Ltd")]
    pub name: String,
}

/// Creates a tenant.
///
/// **Permissions**: `tenants:write`; staff operators and owners.
///
/// **Errors**: 409 when the name is taken, 422 when it cannot be a name.
#[utoipa::path(post, path = "/tenants", operation_id = "create_tenant", tag = "tenants",
    request_body = NewTenant,
    responses((status = 201, description = "Created.", body = Tenant)))]
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<NewTenant>,
) -> Answer<Created<Tenant>> {
    let command = CreateTenant { name: body.name };
    let view = state
        .services
        .tenant
        .create(&caller.actor, command, &caller.origin)
        .await?;
    Ok(Created {
        location: format!("/api/v1/tenants/{}", view.id),
        body: view.into(),
    })
}
