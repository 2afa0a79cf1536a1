//! `PATCH /clusters/{name}`.

use axum::Json;
use axum::extract::State;
use model::cluster::ClusterName;
use serde::{Deserialize, Deserializer};
use service::cluster::ChangeCluster;
use utoipa::ToSchema;

use super::access::Access;
use super::{Chart, Cluster, Gateway, OverrideRepository};
use crate::http::answer::Answer;
use crate::http::caller::Caller;
use crate::http::extract::{Body, Id};
use crate::http::state::AppState;

/// What to change of a cluster; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterChange {
    /// Most instances it may hold.
    pub capacity: Option<u32>,
    /// No new instances while set.
    pub cordoned: Option<bool>,
    /// Where the chart comes from.
    pub chart: Option<Chart>,
    /// Where override files come from; null for nowhere.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<OverrideRepository>)]
    pub overrides: Option<Option<OverrideRepository>>,
    /// How its gateway is reached.
    pub gateway: Option<Gateway>,
    /// First part of the names of its entries in Secrets Manager.
    pub secrets_prefix: Option<String>,
    /// IAM role by which External Secrets reads an instance's entries; null for its own identity.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub secrets_role: Option<Option<String>>,
    /// The `AppProject` that fences instances.
    pub project: Option<String>,
    /// Where Argo CD itself lives.
    pub argocd_namespace: Option<String>,
    /// Where the Applications live.
    pub application_namespace: Option<String>,
    /// How its Kubernetes API is reached.
    pub access: Option<Access>,
}

/// What is there counts as given, null included.
#[expect(
    clippy::option_option,
    reason = "left out and null mean different things"
)]
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

impl From<ClusterChange> for ChangeCluster {
    fn from(it: ClusterChange) -> Self {
        Self {
            capacity: it.capacity,
            cordoned: it.cordoned,
            chart: it.chart.map(Into::into),
            overrides: it.overrides.map(|given| given.map(Into::into)),
            gateway: it.gateway.map(Into::into),
            secrets_prefix: it.secrets_prefix,
            secrets_role: it.secrets_role,
            project: it.project,
            argocd_namespace: it.argocd_namespace,
            application_namespace: it.application_namespace,
            access: it.access.map(Into::into),
        }
    }
}

/// Changes, cordons or uncordons a cluster.
///
/// **Permissions**: `clusters:write`; staff operators and owners.
///
/// **Errors**: 404; 422 with the field.
#[utoipa::path(patch, path = "/clusters/{name}", operation_id = "change_cluster", tag = "clusters",
    params(("name" = String, Path, description = "Its name.")), request_body = ClusterChange,
    responses((status = 200, description = "As it is now.", body = Cluster)))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Id(name): Id<ClusterName>,
    Body(body): Body<ClusterChange>,
) -> Answer<Json<Cluster>> {
    let service = &state.services.cluster;
    let view = service
        .change(&caller.actor, &name, body.into(), &caller.origin)
        .await?;
    Ok(Json(view.into()))
}
