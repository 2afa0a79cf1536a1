//! What operators say about the parts that the chart renders. We never write these.

use kube::CustomResource;
use serde::{Deserialize, Serialize};

/// A certificate of cert-manager.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cert-manager.io",
    version = "v1",
    kind = "Certificate",
    namespaced,
    schema = "disabled",
    status = "Ready"
)]
pub struct CertificateSpec {}

/// A PostgreSQL cluster of the Zalando operator.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "acid.zalan.do",
    version = "v1",
    kind = "Postgresql",
    plural = "postgresqls",
    namespaced,
    schema = "disabled",
    status = "PostgresqlStatus"
)]
pub struct PostgresqlSpec {}

/// The operator's one word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PostgresqlStatus {
    #[serde(
        default,
        rename = "PostgresClusterStatus",
        deserialize_with = "super::or_nothing"
    )]
    pub cluster: String,
}

/// A status that is a list of conditions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub conditions: Vec<Condition>,
}

/// One condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    #[serde(default, rename = "type", deserialize_with = "super::or_nothing")]
    pub kind: String,
    #[serde(default, deserialize_with = "super::or_nothing")]
    pub status: String,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub message: Option<String>,
    /// The generation that it speaks of; the older controllers leave it out.
    #[serde(default, rename = "observedGeneration")]
    pub observed_generation: Option<i64>,
}
