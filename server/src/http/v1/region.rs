//! Where an instance could be created, as the API shows it.

pub mod list;

use model::cluster::{ClusterName, Purpose, Region};
use model::view::RegionChoice;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list))
}

/// A region and a purpose, and whether an instance could be created there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RegionChoice)]
pub struct Choice {
    /// Region.
    #[schema(value_type = String)]
    pub region: Region,
    /// Purpose.
    #[schema(schema_with = words::purpose)]
    pub purpose: Purpose,
    /// The cluster that would be chosen; null when none has room.
    #[schema(value_type = Option<String>)]
    pub cluster: Option<ClusterName>,
    /// Zone of its host names.
    pub zone: Option<String>,
    /// Why none has room.
    pub refused: Option<String>,
}

impl From<RegionChoice> for Choice {
    fn from(it: RegionChoice) -> Self {
        Self {
            region: it.region,
            purpose: it.purpose,
            cluster: it.cluster,
            zone: it.zone,
            refused: it.refused,
        }
    }
}
