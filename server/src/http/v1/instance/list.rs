//! `GET /instances`.

use axum::Json;
use axum::extract::State;
use model::TenantId;
use model::cluster::{ClusterName, Purpose};
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::release::Version;
use serde::Deserialize;
use service::instance::InstanceFilter;
use utoipa::IntoParams;

use super::Instance;
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::Parameters;
use crate::http::state::AppState;
use crate::http::v1::page::Page;
use crate::http::v1::words;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those of one tenant.
    #[param(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
    /// Only those on one cluster.
    #[param(value_type = Option<String>)]
    pub cluster: Option<ClusterName>,
    /// Only those of one purpose.
    #[param(schema_with = words::purpose)]
    pub purpose: Option<Purpose>,
    /// Only those at one release.
    #[param(value_type = Option<String>)]
    pub release: Option<Version>,
    /// Only those of one health.
    #[param(schema_with = words::health_status)]
    pub health: Option<HealthStatus>,
    /// Only those in one state; deleted ones are listed only when asked for.
    #[param(schema_with = words::instance_state)]
    pub state: Option<InstanceState>,
    /// Only those whose id, name or tenant's name contains this.
    pub q: Option<String>,
    /// Most rows, 1 to 200; 50 unless said.
    pub limit: Option<u32>,
    /// Where to read on.
    pub cursor: Option<String>,
}

impl From<Filter> for InstanceFilter {
    fn from(it: Filter) -> Self {
        Self {
            tenant: it.tenant,
            cluster: it.cluster,
            purpose: it.purpose,
            release: it.release,
            health: it.health,
            state: it.state,
            q: it.q,
            limit: it.limit,
            cursor: it.cursor,
        }
    }
}

/// Lists instances.
///
/// **Permissions**: `instances:read`; people of tenants see their own.
///
/// **Errors**: 422 for a filter that is not one.
#[utoipa::path(get, path = "/instances", operation_id = "list_instances", tag = "instances",
    params(Filter), responses((status = 200, description = "Some of them.", body = Page<Instance>)))]
pub async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Parameters(filter): Parameters<Filter>,
) -> Answer<Json<Page<Instance>>> {
    let page = state
        .services
        .instance
        .list(&caller.actor, filter.into())
        .await?;
    Ok(Json(Page::of(page)))
}
