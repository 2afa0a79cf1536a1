//! The fleet as the API shows it: counts, what needs attention, what is under way.

pub mod read;

use model::Timestamp;
use model::cluster::{ClusterName, Purpose, Region};
use model::health::HealthStatus;
use model::view::{FleetCluster, FleetView};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::instance::Instance;
use super::operation::Operation;
use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(read::read))
}

/// How many instances have a status.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusCount {
    /// The status.
    #[schema(schema_with = words::health_status)]
    pub status: HealthStatus,
    /// How many.
    pub count: u32,
}

/// An instance in the map of the fleet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetCell)]
pub struct Cell {
    /// Its id.
    #[schema(value_type = String)]
    pub id: model::InstanceId,
    /// What it is called.
    pub name: String,
    /// What its tenant is called.
    pub tenant: String,
    /// Its status.
    #[schema(schema_with = words::health_status)]
    pub status: HealthStatus,
}

/// A cluster in the map of the fleet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetCluster)]
pub struct MapCluster {
    /// Its name; null for instances that are not placed yet.
    #[schema(value_type = Option<String>)]
    pub name: Option<ClusterName>,
    /// Purpose.
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Purpose>,
    /// Region.
    #[schema(value_type = Option<String>)]
    pub region: Option<Region>,
    /// Most instances it may hold.
    pub capacity: u32,
    /// Whether it can be reached.
    pub reachable: bool,
    /// Its instances, by id.
    pub cells: Vec<Cell>,
}

impl From<FleetCluster> for MapCluster {
    fn from(it: FleetCluster) -> Self {
        let cells = it.cells.into_iter().map(|cell| Cell {
            id: cell.id,
            name: cell.name,
            tenant: cell.tenant,
            status: cell.status,
        });
        Self {
            name: it.name,
            purpose: it.purpose,
            region: it.region,
            capacity: it.capacity,
            reachable: it.reachable,
            cells: cells.collect(),
        }
    }
}

/// The fleet, or what of it the caller may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fleet {
    /// Instances that are not deleted.
    pub instances: u32,
    /// Of those, the ones that are degraded, down or unknown.
    pub not_healthy: u32,
    /// Operations under way.
    pub operations_running: u32,
    /// When the oldest unknown one became unknown; null when none is.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub oldest_unknown: Option<Timestamp>,
    /// Instances by status, best first.
    pub by_status: Vec<StatusCount>,
    /// Clusters by name, with their instances.
    pub map: Vec<MapCluster>,
    /// What needs attention: worst first, at most 20.
    pub attention: Vec<Instance>,
    /// Operations under way: newest first, at most 20.
    pub operations: Vec<Operation>,
    /// When all this was true.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl From<FleetView> for Fleet {
    fn from(view: FleetView) -> Self {
        let counts = view.by_status.into_iter();
        Self {
            instances: view.instances,
            not_healthy: view.not_healthy,
            operations_running: view.operations_running,
            oldest_unknown: view.oldest_unknown,
            by_status: counts
                .map(|(status, count)| StatusCount { status, count })
                .collect(),
            map: view.map.into_iter().map(Into::into).collect(),
            attention: view.attention.into_iter().map(Into::into).collect(),
            operations: view.operations.into_iter().map(Into::into).collect(),
            as_of: view.as_of,
        }
    }
}
