//! `DELETE /access-tokens/{id}`.

use axum::extract::State;
use axum::http::StatusCode;
use model::AccessTokenId;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Revokes an access token; it is refused from this answer on.
///
/// **Permissions**: `access-tokens:write`; one's own, staff owners everybody's.
///
/// **Errors**: 404 when there is no such token or it is somebody else's.
#[utoipa::path(delete, path = "/access-tokens/{id}", operation_id = "revoke_access_token",
    tag = "access tokens", params(("id" = String, Path, description = "Its id.")),
    responses((status = 204, description = "Revoked.")))]
pub async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<AccessTokenId>,
) -> Answer<StatusCode> {
    state
        .services
        .access_token
        .revoke(&caller.actor, id, &caller.origin)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
