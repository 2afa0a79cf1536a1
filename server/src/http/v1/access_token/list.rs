//! `GET /access-tokens`.

use axum::Json;
use axum::extract::State;

use super::AccessToken;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// Lists the caller's access tokens; staff owners see everybody's.
///
/// **Permissions**: `access-tokens:write`.
///
/// **Errors**: 401, 403.
#[utoipa::path(get, path = "/access-tokens", operation_id = "list_access_tokens",
    tag = "access tokens",
    responses((status = 200, description = "All of them.", body = Page<AccessToken>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
) -> Answer<Json<Page<AccessToken>>> {
    let tokens = state.services.access_token.list(&caller.actor).await?;
    Ok(Json(Page::whole(tokens)))
}
