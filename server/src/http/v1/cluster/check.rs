//! `POST /clusters/check`.

use axum::Json;
use axum::extract::State;
use model::view::CheckLine;
use serde::Serialize;
use utoipa::ToSchema;

use super::Settings;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Body;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// One thing that a cluster needs to have.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClusterCheck {
    /// What was looked at.
    pub name: String,
    /// Whether it is as needed.
    pub ok: bool,
    /// What was found, and what to do when it is not as needed.
    pub detail: String,
}

impl From<CheckLine> for ClusterCheck {
    fn from(it: CheckLine) -> Self {
        Self {
            name: it.name,
            ok: it.ok,
            detail: it.detail,
        }
    }
}

/// Checks a cluster without adding it: reachable, rights, custom resources, namespaces, project.
///
/// **Permissions**: `clusters:write`; staff operators and owners.
///
/// **Errors**: 422 with the field.
#[utoipa::path(post, path = "/clusters/check", operation_id = "check_cluster", tag = "clusters",
    request_body = Settings,
    responses((status = 200, description = "What was found.", body = Page<ClusterCheck>)))]
pub async fn check(
    State(state): State<AppState>,
    caller: Caller,
    Body(body): Body<Settings>,
) -> Answer<Json<Page<ClusterCheck>>> {
    let lines = state
        .services
        .cluster
        .check(&caller.actor, body.into())
        .await?;
    Ok(Json(Page::whole(lines)))
}
