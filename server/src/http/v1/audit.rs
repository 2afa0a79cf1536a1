//! The audit trail as the API shows it.

pub mod list;

use model::Timestamp;
use model::view::AuditView;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list))
}

/// A row of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRow {
    /// Place in its chain.
    pub sequence: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From which address; empty for the system.
    pub address: String,
    /// What was done: `instance.create`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In a sentence.
    pub summary: String,
}

impl From<AuditView> for AuditRow {
    fn from(view: AuditView) -> Self {
        Self {
            sequence: view.sequence,
            at: view.at,
            actor: view.actor,
            address: view.address,
            action: view.action,
            subject: view.subject,
            summary: view.summary,
        }
    }
}
