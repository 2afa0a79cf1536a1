//! Releases as the API shows them.

pub mod change;
pub mod list;
pub mod put;
pub mod read;

use std::collections::BTreeMap;

use model::release::{self, Channel, Version};
use model::view::ReleaseView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, put::put))
        .routes(routes!(read::read, change::change))
}

/// An entry of the catalogue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReleaseEntry)]
pub struct Entry {
    /// The version; the agent reports the same text when it runs.
    #[schema(value_type = String, example = "2.1.0")]
    pub version: Version,
    /// Where it is in its life.
    #[schema(schema_with = words::channel)]
    pub channel: Channel,
    /// Git revision of the chart that deploys it.
    pub chart_revision: String,
    /// Image of each component (`agent`, `enterprise-agent`, `registry-node`, `database`).
    pub images: BTreeMap<String, String>,
    /// Highest migration of each database, by database name.
    pub schema: BTreeMap<String, u32>,
    /// What reaching this release from an older one destroys; null when nothing.
    #[serde(default)]
    pub destroys: Option<String>,
    /// What a person should know, in a sentence or two.
    #[serde(default)]
    pub notes: String,
}

impl From<Entry> for release::Release {
    fn from(it: Entry) -> Self {
        Self {
            version: it.version,
            channel: it.channel,
            chart_revision: it.chart_revision,
            images: it.images,
            schema: it.schema,
            destroys: it.destroys,
            notes: it.notes,
        }
    }
}

/// An entry of the catalogue with how many instances are at it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Release {
    /// The version; the agent reports the same text when it runs.
    #[schema(value_type = String, example = "2.1.0")]
    pub version: Version,
    /// Where it is in its life.
    #[schema(schema_with = words::channel)]
    pub channel: Channel,
    /// Git revision of the chart that deploys it.
    pub chart_revision: String,
    /// Image of each component.
    pub images: BTreeMap<String, String>,
    /// Highest migration of each database, by database name.
    pub schema: BTreeMap<String, u32>,
    /// What reaching this release from an older one destroys; null when nothing.
    pub destroys: Option<String>,
    /// What a person should know, in a sentence or two.
    pub notes: String,
    /// Instances that are not deleted.
    pub instances: u32,
}

impl From<ReleaseView> for Release {
    fn from(view: ReleaseView) -> Self {
        let it = view.release;
        Self {
            version: it.version,
            channel: it.channel,
            chart_revision: it.chart_revision,
            images: it.images,
            schema: it.schema,
            destroys: it.destroys,
            notes: it.notes,
            instances: view.instances,
        }
    }
}
