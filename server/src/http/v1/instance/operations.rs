//! `GET /instances/{id}/operations`.

use axum::Json;
use axum::extract::State;
use model::InstanceId;
use serde::Deserialize;
use service::operation::OperationFilter;
use utoipa::IntoParams;

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Id, Parameters};
use crate::http::state::AppState;
use crate::http::v1::operation::Operation;
use crate::http::v1::page::Page;

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Rows {
    /// Most rows, 1 to 200; 50 unless said.
    pub limit: Option<u32>,
    /// Where to read on.
    pub cursor: Option<String>,
}

/// Lists the operations of an instance, newest first.
///
/// **Permissions**: `instances:read` and `operations:read`.
///
/// **Errors**: 404 when there is no such instance or it is another tenant's.
#[utoipa::path(get, path = "/instances/{id}/operations", operation_id = "list_instance_operations",
    tag = "instances", params(("id" = String, Path, description = "Id of the instance."), Rows),
    responses((status = 200, description = "Some of them.", body = Page<Operation>)))]
pub async fn operations(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<InstanceId>,
    Parameters(rows): Parameters<Rows>,
) -> Answer<Json<Page<Operation>>> {
    // An instance that is not the caller's is absent, not an empty list.
    state.services.instance.get(&caller.actor, &id).await?;
    let filter = OperationFilter {
        state: None,
        active: None,
        instance: Some(id),
        limit: rows.limit,
        cursor: rows.cursor,
    };
    let page = state.services.operation.list(&caller.actor, filter).await?;
    Ok(Json(Page::of(page)))
}
