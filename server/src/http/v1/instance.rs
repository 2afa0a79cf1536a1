//! Instances as the API shows them.

pub mod change;
pub mod create;
pub mod delete;
pub mod detail;
pub mod health;
pub mod list;
pub mod operations;
pub mod preview;
pub mod read;
pub mod undelete;

use model::cluster::{ClusterName, Purpose, Region};
use model::instance::InstanceState;
use model::release::Version;
use model::view::InstanceView;
use model::{InstanceId, TenantId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::health::Health;
use super::operation::Operation;
use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(list::list))
        .routes(routes!(read::read, change::change, delete::delete))
        .routes(routes!(undelete::undelete))
        .routes(routes!(health::health))
        .routes(routes!(operations::operations))
        .routes(routes!(preview::preview))
}

/// One dedicated deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct Instance {
    /// Its id: 12 characters, the first a letter.
    #[schema(value_type = String, example = "k7mq2x9dr4ht")]
    pub id: InstanceId,
    /// The tenant.
    #[schema(value_type = String, format = "uuid")]
    pub tenant_id: TenantId,
    /// What the tenant is called.
    pub tenant_name: String,
    /// What it is called.
    pub name: String,
    /// Development or production.
    #[schema(schema_with = words::purpose)]
    pub purpose: Purpose,
    /// Region.
    #[schema(value_type = String, example = "eu-west-1")]
    pub region: Region,
    /// Cluster; null until it is placed.
    #[schema(value_type = Option<String>)]
    pub cluster: Option<ClusterName>,
    /// Host name; null until it is placed.
    pub host: Option<String>,
    /// Address; null until it is placed.
    pub url: Option<String>,
    /// Release it is wished at.
    #[schema(value_type = String, example = "2.1.0")]
    pub release: Version,
    /// Where it is in its life.
    #[schema(schema_with = words::instance_state)]
    pub state: InstanceState,
    /// Its health.
    pub health: Health,
    /// The operation under way, else null.
    pub operation: Option<Operation>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<InstanceView> for Instance {
    fn from(view: InstanceView) -> Self {
        Self {
            id: view.id,
            tenant_id: view.tenant_id,
            tenant_name: view.tenant_name,
            name: view.name,
            purpose: view.purpose,
            region: view.region,
            cluster: view.cluster,
            host: view.host,
            url: view.url,
            release: view.release,
            state: view.state,
            health: view.health.into(),
            operation: view.operation.map(Into::into),
            created_at: view.created_at,
        }
    }
}

/// An instance and the operation that was begun on it.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceOperation {
    /// The instance as it is now.
    pub instance: Instance,
    /// The operation.
    pub operation: Operation,
}
