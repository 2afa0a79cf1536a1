//! The audit trail as the API shows it: in pages, and whole as a file.

pub mod export;
pub mod list;

use model::view::AuditView;
use model::{TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(export::export))
}

/// A row of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRow {
    /// Its chain: the tenant's id, or `staff`.
    pub chain: String,
    /// Place in its chain.
    pub sequence: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What that is: `user`, `access_token`, `operator`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Its id; empty where the kind says all.
    pub actor_id: String,
    /// From which address; empty for the system.
    pub address: String,
    /// What was done: `instance.create`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In a sentence.
    pub summary: String,
    /// The tenant it belongs to; null for what belongs to none.
    #[schema(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
    /// Before, with secrets masked; null for nothing.
    pub was: Option<Value>,
    /// After, with secrets masked; null for nothing.
    pub became: Option<Value>,
    /// Why: `operation <id>`, `consent <id>` or `reason <text>`; empty for nothing.
    pub why: String,
    /// The request in which it was done.
    pub request_id: String,
    /// Hash of this row.
    pub hash: String,
}

impl From<AuditView> for AuditRow {
    fn from(view: AuditView) -> Self {
        Self {
            was: serde_json::from_str(&view.was).ok(),
            became: serde_json::from_str(&view.became).ok(),
            chain: view.chain,
            sequence: view.sequence,
            at: view.at,
            actor: view.actor,
            actor_kind: view.actor_kind,
            actor_id: view.actor_id,
            address: view.address,
            action: view.action,
            subject: view.subject,
            summary: view.summary,
            tenant: view.tenant,
            why: view.why,
            request_id: view.request_id,
            hash: view.hash,
        }
    }
}
