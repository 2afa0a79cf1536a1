//! `GET /tokens/{id}`.

use axum::Json;
use axum::extract::State;
use model::TokenId;

use super::TokenDetail;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Reads a token: how it stands, how far its proof is, what is known of its use. Never its text.
///
/// **Permissions**: `tokens:read`.
///
/// **Errors**: 404.
#[utoipa::path(get, path = "/tokens/{id}", operation_id = "read_token", tag = "tokens",
    params(("id" = String, Path, format = "uuid", description = "Its id.")),
    responses((status = 200, description = "The token.", body = TokenDetail)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<TokenId>,
) -> Answer<Json<TokenDetail>> {
    let found = state.services.token.get(&caller.actor, id).await?;
    Ok(Json(found.into()))
}
