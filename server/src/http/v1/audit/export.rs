//! `GET /audit/export`: the trail as a file, written while it is read, so that no length of it is ever
//! in memory. Should the database fail in the middle, the answer breaks off instead of ending, and no
//! program takes half of it for all.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use model::{TenantId, Timestamp};
use serde::Deserialize;
use service::audit::{AuditFilter, Format};
use utoipa::{IntoParams, ToSchema};

use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Parameters;
use crate::http::state::AppState;

/// How rows are written.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    /// One JSON object per line.
    Jsonl,
    /// For spreadsheets; no cell can become a formula.
    Csv,
}

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `jsonl` or `csv`.
    #[param(inline)]
    pub format: Written,
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
}

/// Exports the audit trail, newest first, with the same filters as the list. JSON Lines hold every field
/// that the hash of a row is computed over.
///
/// **Permissions**: `audit:read`; staff, and admins of the tenant.
///
/// **Errors**: 403; 404 for another tenant's chain; 422 for a filter that is not one.
#[utoipa::path(get, path = "/audit/export", operation_id = "export_audit", tag = "audit", params(Wanted),
    responses((status = 200, description = "All of it, as lines.", body = String, content_type = "application/x-ndjson")))]
pub async fn export(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(it): Parameters<Wanted>,
) -> Answer<Response> {
    let filter = AuditFilter {
        tenant: it.tenant,
        actor: it.actor,
        action: it.action,
        subject: it.subject,
        from: it.from,
        to: it.to,
        q: it.q,
        ..AuditFilter::default()
    };
    let export = state.services.audit.export(&caller.actor, &filter)?;
    let (format, kind, name) = match it.format {
        Written::Jsonl => (Format::JsonLines, "application/x-ndjson", "audit.jsonl"),
        Written::Csv => (Format::Csv, "text/csv; charset=utf-8", "audit.csv"),
    };
    let pieces = stream::try_unfold(export, move |mut export| async move {
        let piece = export.next(format).await?;
        Ok::<_, service::Error>(piece.map(|piece| (piece, export)))
    });
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
