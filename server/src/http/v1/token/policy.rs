//! `GET /tenants/{id}/token-policy`.

use axum::Json;
use axum::extract::State;
use model::TenantId;
use model::token::{self, OnLeak, TokenPolicyView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::http::v1::words;

/// How long tokens may live and what a leak does.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenPolicy {
    /// Days a token lives unless it says otherwise.
    pub default_days: u32,
    /// Most days a token may live.
    pub max_days: u32,
    /// What a reported leak does.
    #[schema(schema_with = words::on_leak)]
    pub on_leak: OnLeak,
}

impl From<token::TokenPolicy> for TokenPolicy {
    fn from(it: token::TokenPolicy) -> Self {
        Self {
            default_days: it.default_days,
            max_days: it.max_days,
            on_leak: it.on_leak,
        }
    }
}

impl From<TokenPolicy> for token::TokenPolicy {
    fn from(it: TokenPolicy) -> Self {
        Self {
            default_days: it.default_days,
            max_days: it.max_days,
            on_leak: it.on_leak,
        }
    }
}

/// The policy of a tenant: the staff's, its own, and what follows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenPolicies {
    /// The staff's.
    pub staff: TokenPolicy,
    /// The tenant's own; null when it follows the staff's.
    pub own: Option<TokenPolicy>,
    /// What holds.
    pub effective: TokenPolicy,
}

impl From<TokenPolicyView> for TokenPolicies {
    fn from(it: TokenPolicyView) -> Self {
        Self {
            staff: it.staff.into(),
            own: it.own.map(Into::into),
            effective: it.effective.into(),
        }
    }
}

/// Reads how long the tokens of a tenant may live.
///
/// **Permissions**: `tokens:read`.
///
/// **Errors**: 404.
#[utoipa::path(get, path = "/tenants/{id}/token-policy", operation_id = "read_token_policy",
    tag = "tokens", params(("id" = String, Path, format = "uuid", description = "The tenant's id.")),
    responses((status = 200, description = "The policy.", body = TokenPolicies)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TenantId>,
) -> Answer<Json<TokenPolicies>> {
    let found = state.services.token.policy(&caller.actor, id).await?;
    Ok(Json(found.into()))
}
