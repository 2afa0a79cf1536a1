//! `GET /operations`.

use axum::Json;
use axum::extract::State;
use model::InstanceId;
use model::operation::OperationState;
use serde::Deserialize;
use service::operation::OperationFilter;
use utoipa::IntoParams;

use super::Operation;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::http::v1::page::Page;
use crate::http::v1::words;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only operations in this state.
    #[param(schema_with = words::operation_state)]
    pub state: Option<OperationState>,
    /// Only those under way (true) or ended (false).
    pub active: Option<bool>,
    /// Only those of one instance.
    #[param(value_type = Option<String>)]
    pub instance: Option<InstanceId>,
    /// Most rows, 1 to 200; 50 unless said.
    pub limit: Option<u32>,
    /// Where to read on.
    pub cursor: Option<String>,
}

impl From<Filter> for OperationFilter {
    fn from(it: Filter) -> Self {
        Self {
            state: it.state,
            active: it.active,
            instance: it.instance,
            limit: it.limit,
            cursor: it.cursor,
        }
    }
}

/// Lists operations, newest first.
///
/// **Permissions**: `operations:read`; people of tenants see those of their own instances.
///
/// **Errors**: 422 for a filter that is not one.
#[utoipa::path(get, path = "/operations", operation_id = "list_operations", tag = "operations",
    params(Filter), responses((status = 200, description = "Some of them.", body = Page<Operation>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(filter): Parameters<Filter>,
) -> Answer<Json<Page<Operation>>> {
    let page = state
        .services
        .operation
        .list(&caller.actor, filter.into())
        .await?;
    Ok(Json(Page::of(page)))
}
