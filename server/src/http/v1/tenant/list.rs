//! `GET /tenants`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use service::tenant::TenantFilter;
use utoipa::IntoParams;

use super::Tenant;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::http::v1::page::Page;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only tenants whose name contains this.
    pub q: Option<String>,
    /// Most rows, 1 to 200; 50 unless said.
    pub limit: Option<u32>,
    /// Where to read on.
    pub cursor: Option<String>,
}

/// Lists tenants by name.
///
/// **Permissions**: `tenants:read`; people of tenants see their own.
///
/// **Errors**: 422 for a cursor or limit that is none.
#[utoipa::path(get, path = "/tenants", operation_id = "list_tenants", tag = "tenants",
    params(Filter), responses((status = 200, description = "Some of them.", body = Page<Tenant>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(filter): Parameters<Filter>,
) -> Answer<Json<Page<Tenant>>> {
    let filter = TenantFilter {
        q: filter.q,
        limit: filter.limit,
        cursor: filter.cursor,
    };
    let page = state.services.tenant.list(&caller.actor, filter).await?;
    Ok(Json(Page::of(page)))
}
