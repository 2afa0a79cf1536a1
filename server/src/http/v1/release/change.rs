//! `PATCH /releases/{version}`.

use axum::Json;
use axum::extract::State;
use model::release::{Channel, Version};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Release;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;
use crate::http::v1::words;

/// What to change of a release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseChange {
    /// Where it is to be in its life.
    #[schema(schema_with = words::channel)]
    pub channel: Channel,
}

/// Moves a release to another channel.
///
/// **Permissions**: `releases:write`; staff operators and owners.
///
/// **Errors**: 404 when there is no such release.
#[utoipa::path(patch, path = "/releases/{version}", operation_id = "change_release",
    tag = "releases", params(("version" = String, Path, description = "Its version.")),
    request_body = ReleaseChange,
    responses((status = 200, description = "As it is now.", body = Release)))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Id(version): Id<Version>,
    Body(body): Body<ReleaseChange>,
) -> Answer<Json<Release>> {
    let service = &state.services.release;
    let view = service
        .set_channel(&caller.actor, version, body.channel, &caller.origin)
        .await?;
    Ok(Json(view.into()))
}
