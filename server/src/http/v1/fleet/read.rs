//! `GET /fleet`.

use axum::Json;
use axum::extract::State;

use super::Fleet;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::state::AppState;

/// Shows the fleet on one page: counts by health, the map, what needs attention, what is under way.
///
/// **Permissions**: `instances:read`; people of tenants see their own part of it.
///
/// **Errors**: 401, 403.
#[utoipa::path(get, path = "/fleet", operation_id = "read_fleet", tag = "fleet",
    responses((status = 200, description = "The fleet.", body = Fleet)))]
pub async fn read(State(state): State<AppState>, caller: Caller) -> Answer<Json<Fleet>> {
    let view = state.services.fleet.fleet(&caller.actor).await?;
    Ok(Json(view.into()))
}
