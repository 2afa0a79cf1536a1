//! `GET /me`.

use axum::Json;
use axum::extract::State;

use super::Me;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;

/// Shows who asks and what they may do.
///
/// **Permissions**: anybody who has said who they are.
///
/// **Errors**: 401.
#[utoipa::path(get, path = "/me", operation_id = "read_me", tag = "me",
    responses((status = 200, description = "Who asks.", body = Me)))]
pub async fn read(State(state): State<AppState>, caller: Caller) -> Answer<Json<Me>> {
    let view = state.services.user.me(&caller.actor).await?;
    Ok(Json(view.into()))
}
