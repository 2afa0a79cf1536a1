//! `PATCH /tenants/{id}/token-policy`.

use axum::Json;
use axum::extract::State;
use model::TenantId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::policy::{TokenPolicies, TokenPolicy};
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;

/// The tenant's own policy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenPolicyChange {
    /// Never laxer than the staff's; null to follow the staff's.
    pub own: Option<TokenPolicy>,
}

/// Sets or takes away a tenant's own policy. Tokens that live already keep their end.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404; 422 when it is laxer than the staff's.
#[utoipa::path(patch, path = "/tenants/{id}/token-policy", operation_id = "set_token_policy",
    tag = "tokens", params(("id" = String, Path, format = "uuid", description = "The tenant's id.")),
    request_body = TokenPolicyChange,
    responses((status = 200, description = "What holds now.", body = TokenPolicies)))]
pub async fn set(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
    Body(body): Body<TokenPolicyChange>,
) -> Answer<Json<TokenPolicies>> {
    let own = body.own.map(Into::into);
    let service = &state.services.token;
    let set = service
        .set_policy(&caller.actor, id, own, &caller.origin)
        .await?;
    Ok(Json(set.into()))
}
