//! External Secrets: an entry of Secrets Manager that becomes a Secret. Those of keys are written by us;
//! the one with the instance's own secrets is rendered by the chart and only read.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use serde::{Deserialize, Serialize};

use super::Condition;

/// What is fetched, and into which Secret.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "ExternalSecret",
    namespaced,
    schema = "disabled",
    status = "ExternalSecretStatus"
)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_policy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_store_ref: Option<StoreRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Made>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub data: Vec<Fetched>,
}

/// The store that is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreRef {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub kind: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub name: String,
}

/// The Secret that is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub name: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub creation_policy: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub deletion_policy: String,
}

/// One field of that Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fetched {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub secret_key: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub remote_ref: RemoteRef,
}

/// Where the field comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RemoteRef {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// How far External Secrets is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretStatus {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub conditions: Vec<Condition>,
    #[serde(default)]
    pub refresh_time: Option<Time>,
    /// `<generation>-<hash of labels and annotations>` of the object that was carried out.
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub synced_resource_version: String,
}
