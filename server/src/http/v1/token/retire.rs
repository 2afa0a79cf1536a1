//! `POST /tokens/{id}/retire`.

use axum::extract::State;
use model::TokenId;

use super::Token;
use crate::http::answer::{Accepted, Answer};
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Ends the overlap of a rotated token now instead of later.
///
/// **Permissions**: `tokens:write`; admins of the tenant, staff operators and owners.
///
/// **Errors**: 404; 409 when no other token has taken its place.
#[utoipa::path(post, path = "/tokens/{id}/retire", operation_id = "retire_token", tag = "tokens",
    params(("id" = String, Path, format = "uuid", description = "Id of the old one.")),
    responses((status = 202, description = "It is being revoked.", body = Token)))]
pub async fn retire(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TokenId>,
) -> Answer<Accepted<Token>> {
    let service = &state.services.token;
    let view = service.retire(&caller.actor, id, &caller.origin).await?;
    Ok(Accepted {
        location: format!("/api/v1/tokens/{id}"),
        body: view.into(),
    })
}
