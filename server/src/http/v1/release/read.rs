//! `GET /releases/{version}`.

use axum::Json;
use axum::extract::State;
use model::release::Version;

use super::Release;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;

/// Shows an entry of the catalogue.
///
/// **Permissions**: `releases:read`.
///
/// **Errors**: 404 when there is no such release.
#[utoipa::path(get, path = "/releases/{version}", operation_id = "read_release", tag = "releases",
    params(("version" = String, Path, description = "Its version.")),
    responses((status = 200, description = "The release.", body = Release)))]
pub async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Id(version): Id<Version>,
) -> Answer<Json<Release>> {
    let view = state.services.release.get(&caller.actor, version).await?;
    Ok(Json(view.into()))
}
