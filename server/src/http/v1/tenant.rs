//! Tenants as the API shows them.

pub mod change;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;

use model::view::TenantView;
use model::{TenantId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(read::read, change::change, delete::delete))
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tenant {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// Instances that are not deleted.
    pub instances: u32,
    /// Of those, the ones that are degraded, down or unknown.
    pub not_healthy: u32,
    /// People.
    pub members: u32,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<TenantView> for Tenant {
    fn from(view: TenantView) -> Self {
        Self {
            id: view.id,
            name: view.name,
            instances: view.instances,
            not_healthy: view.not_healthy,
            members: view.members,
            created_at: view.created_at,
        }
    }
}
