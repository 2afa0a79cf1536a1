//! `POST /tenants/{id}/tokens/revoke-all`.

use axum::extract::State;
use model::{TenantId, UserId};
use serde::Deserialize;
use service::token::RevokeAll;
use utoipa::ToSchema;

use super::Revoked;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::{Id, OptionalBody};
use crate::http::state::AppState;

/// Whose tokens.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = TokensOf)]
pub struct Whose {
    /// Only those this person answers for; everybody's unless said.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub owner: Option<UserId>,
}

/// Revokes every live token of a tenant, or those that one person answers for.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404.
#[utoipa::path(post, path = "/tenants/{id}/tokens/revoke-all", operation_id = "revoke_tenant_tokens",
    tag = "tokens", params(("id" = String, Path, format = "uuid", description = "The tenant's id.")),
    request_body = Option<Whose>,
    responses((status = 202, description = "They are being revoked.", body = Revoked)))]
pub async fn revoke_all(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
    OptionalBody(body): OptionalBody<Whose>,
) -> Answer<Accepted<Revoked>> {
    let which = match body.unwrap_or_default().owner {
        Some(owner) => RevokeAll::Owner(id, owner),
        None => RevokeAll::Tenant(id),
    };
    let service = &state.services.token;
    let views = service
        .revoke_all(&caller.actor, which, &caller.origin)
        .await?;
    Ok(Accepted {
        location: format!("/api/v1/tokens?tenant={id}"),
        body: Revoked::of(views),
    })
}
