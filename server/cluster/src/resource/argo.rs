//! Argo CD: the Application as we write it and what its controller answers. The CRD has no status
//! subresource and its `operation` stands beside `spec`, hence the body that holds both.

use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands at the top of an Application besides metadata and status.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "argoproj.io",
    version = "v1alpha1",
    kind = "Application",
    namespaced,
    no_spec,
    schema = "disabled",
    status = "ApplicationStatus"
)]
pub struct ApplicationBody {
    /// What is wished for.
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub spec: ApplicationSpec,
    /// A sync that somebody asked for and that has not begun to be recorded in the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Value>,
}

/// The part of the specification that the control plane owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSpec {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub project: String,
    /// Kept as it is, since the list is owned as a whole: a field that somebody adds to a source is a
    /// change of ours.
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub sources: Vec<Value>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub destination: Destination,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub sync_policy: SyncPolicy,
}

/// Where Argo CD deploys to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub server: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub namespace: String,
}

/// When Argo CD deploys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncPolicy {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub automated: Automated,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub retry: Retry,
}

/// Automatic deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Automated {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub prune: bool,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub self_heal: bool,
}

/// How often a failed deployment is repeated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub limit: i64,
}

/// One source of an Application, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    pub target_revision: String,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helm: Option<Helm>,
}

/// How the chart of a source is rendered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Helm {
    pub release_name: String,
    pub value_files: Vec<String>,
    pub ignore_missing_value_files: bool,
    pub values_object: Value,
}

/// What the chart is told about the instance itself; nothing may override it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Identity {
    pub id: String,
    pub host: String,
    pub tenant: String,
    pub purpose: String,
}

/// What Argo CD says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationStatus {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub sync: SyncStatus,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub health: HealthStatus,
    #[serde(default)]
    pub operation_state: Option<OperationState>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub conditions: Vec<ApplicationCondition>,
}

/// What was compared with the cluster, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub status: String,
    /// The specification that was compared. There is no `observedGeneration`.
    #[serde(default)]
    pub compared_to: Option<Compared>,
}

/// The specification that Argo CD looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub sources: Vec<Value>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub destination: Destination,
}

/// Health of everything that was deployed, as one word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthStatus {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub status: String,
}

/// The latest deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationState {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub phase: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub message: String,
}

/// Something that keeps Argo CD from its work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApplicationCondition {
    #[serde(default, rename = "type", deserialize_with = "super::or_nothing")]
    pub kind: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub message: String,
}

/// The part of an `AppProject` that says whether it admits our Applications.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "argoproj.io",
    version = "v1alpha1",
    kind = "AppProject",
    namespaced,
    schema = "disabled"
)]
#[serde(rename_all = "camelCase")]
pub struct AppProjectSpec {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub source_namespaces: Vec<String>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub source_repos: Vec<String>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub destinations: Vec<ProjectDestination>,
}

/// A destination that a project admits; both fields may hold `*`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectDestination {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub server: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub name: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub namespace: String,
}
