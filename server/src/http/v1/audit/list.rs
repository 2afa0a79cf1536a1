//! `GET /audit`.

use axum::Json;
use axum::extract::State;
use model::{TenantId, Timestamp};
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
    /// The chain of one tenant; every chain when this is left out (people of one tenant get theirs).
    #[param(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
    /// Only rows of that actor: an id, a name as it was then, or a kind such as `system`.
    pub actor: Option<String>,
    /// Only rows whose action begins so: `token`, `token.revoke`.
    pub action: Option<String>,
    /// Only rows about that: `instance k7mq2x9dr4ht`, or only the noun, or only the key.
    pub subject: Option<String>,
    /// Only rows of that time and later.
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Only rows before that time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// Only rows with that text in the summary, the subject or the name of the actor.
    pub q: Option<String>,
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
        actor: it.actor,
        action: it.action,
        subject: it.subject,
        from: it.from,
        to: it.to,
        q: it.q,
        limit: it.limit,
        cursor: it.cursor,
    };
    let page = state.services.audit.list(&caller.actor, filter).await?;
    Ok(Json(Page::of(page)))
}
