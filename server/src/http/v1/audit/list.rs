//! `GET /audit`.

use axum::Json;
use axum::extract::State;
use model::TenantId;
use serde::Deserialize;
use service::audit::AuditFilter;
use utoipa::IntoParams;

use super::AuditRow;
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
    /// The chain of one tenant; that of the staff when this is left out.
    #[param(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
    /// Most rows, 1 to 200; 50 unless said.
    pub limit: Option<u32>,
    /// Where to read on.
    pub cursor: Option<String>,
}

/// Lists the audit trail, newest first.
///
/// **Permissions**: `audit:read`; staff, and admins of the tenant.
///
/// **Errors**: 403; 404 for another tenant's chain; 422 for a filter that is not one.
#[utoipa::path(get, path = "/audit", operation_id = "list_audit", tag = "audit", params(Filter),
    responses((status = 200, description = "Some of it.", body = Page<AuditRow>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(it): Parameters<Filter>,
) -> Answer<Json<Page<AuditRow>>> {
    let filter = AuditFilter {
        tenant: it.tenant,
        limit: it.limit,
        cursor: it.cursor,
    };
    let page = state.services.audit.list(&caller.actor, filter).await?;
    Ok(Json(Page::of(page)))
}
