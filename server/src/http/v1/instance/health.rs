//! `GET /instances/{id}/health`.

use axum::Json;
use axum::extract::State;
use model::InstanceId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::http::v1::health::{Health, Part, Span};

/// The health of an instance with its parts and its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthDetail {
    /// What lists show as well.
    #[serde(flatten)]
    pub health: Health,
    /// Its parts, each with its own health.
    pub parts: Vec<Part>,
    /// The last 90 days, oldest first.
    pub history: Vec<Span>,
}

/// Shows the health of an instance: roll-up, named cause, three opinions, parts, history.
///
/// **Permissions**: `instances:read`.
///
/// **Errors**: 404 when there is no such instance or it is another tenant's.
#[utoipa::path(get, path = "/instances/{id}/health", operation_id = "read_instance_health",
    tag = "instances", params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "Its health.", body = HealthDetail)))]
pub async fn health(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
) -> Answer<Json<HealthDetail>> {
    let detail = state.services.instance.detail(&caller.actor, &id).await?;
    Ok(Json(HealthDetail {
        health: detail.instance.health.into(),
        parts: detail.parts.into_iter().map(Into::into).collect(),
        history: detail.history.into_iter().map(Into::into).collect(),
    }))
}
