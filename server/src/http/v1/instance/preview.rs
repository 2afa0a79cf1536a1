//! `POST /instances/{id}/preview`.

use axum::Json;
use axum::extract::State;
use model::InstanceId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::detail::EffectiveValue;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// Overrides to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OverridesPreview)]
pub struct Preview {
    /// Helm values as YAML text.
    pub overrides: String,
}

/// Shows which values an instance would have with other overrides, and where each comes from, without
/// changing anything.
///
/// **Permissions**: `instances:read`; staff.
///
/// **Errors**: 404; 422 when the overrides cannot be used, with the reason.
#[utoipa::path(post, path = "/instances/{id}/preview", operation_id = "preview_overrides",
    tag = "instances", params(("id" = String, Path, description = "Id of the instance.")),
    request_body = Preview,
    responses((status = 200, description = "The values.", body = Page<EffectiveValue>)))]
pub async fn preview(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    Body(body): Body<Preview>,
) -> Answer<Json<Page<EffectiveValue>>> {
    let service = &state.services.instance;
    let values = service
        .preview(&caller.actor, Some(&id), &body.overrides)
        .await?;
    Ok(Json(Page::whole(values)))
}
