//! `POST /instances/{id}/tokens/revoke-all`.

use axum::extract::State;
use model::InstanceId;
use service::token::RevokeAll;

use super::Revoked;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Revokes every live token of an instance, with one move of its gate.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404.
#[utoipa::path(post, path = "/instances/{id}/tokens/revoke-all", operation_id = "revoke_instance_tokens",
    tag = "tokens", params(("id" = String, Path, description = "The instance's id.")),
    responses((status = 202, description = "They are being revoked.", body = Revoked)))]
pub async fn revoke_all(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
) -> Answer<Accepted<Revoked>> {
    let location = format!("/api/v1/instances/{id}/tokens");
    let service = &state.services.token;
    let which = RevokeAll::Instance(id);
    let views = service
        .revoke_all(&caller.actor, which, &caller.origin)
        .await?;
    Ok(Accepted {
        location,
        body: Revoked::of(views),
    })
}
