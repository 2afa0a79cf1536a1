//! APISIX: the gate and the consumers. `spec.plugins` of a plugin config is one atomic list, so it has
//! one owner and one generation.

use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Condition;

/// Plugins that routes refer to by name.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "apisix.apache.org",
    version = "v2",
    kind = "ApisixPluginConfig",
    namespaced,
    schema = "disabled"
)]
pub struct ApisixPluginConfigSpec {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub plugins: Vec<Plugin>,
}

/// One plugin and how it is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plugin {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub name: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub enable: bool,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub config: Value,
}

/// Somebody who may hold a key.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "apisix.apache.org",
    version = "v2",
    kind = "ApisixConsumer",
    namespaced,
    schema = "disabled",
    status = "ApisixStatus"
)]
#[serde(rename_all = "camelCase")]
pub struct ApisixConsumerSpec {
    /// Whose it is; without one only a controller behind the default class takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_class_name: Option<String>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub auth_parameter: AuthParameter,
}

/// How a consumer shows who it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthParameter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_auth: Option<KeyAuth>,
}

/// By a key in a Secret. A key written in the object itself is never ours and is not read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyAuth {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretName>,
}

/// A Secret in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecretName {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub name: String,
}

/// What the ingress controller says of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApisixStatus {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub conditions: Vec<Condition>,
}

/// Routes of an instance, rendered by the chart; only what a proof needs is read.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "apisix.apache.org",
    version = "v2",
    kind = "ApisixRoute",
    namespaced,
    schema = "disabled"
)]
pub struct ApisixRouteSpec {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub http: Vec<RouteRule>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteRule {
    #[serde(default, rename = "match", deserialize_with = "super::or_nothing")]
    pub matches: RouteMatch,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub plugin_config_name: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub plugin_config_namespace: String,
}

/// What a rule answers to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteMatch {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub hosts: Vec<String>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub methods: Vec<String>,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub paths: Vec<String>,
}
