//! Section `clusters`: what the server offers for reaching real clusters. The console chooses among
//! these and can name nothing else, so that no form decides which credentials are used.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ways to reach real clusters that the console may choose from.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clusters {
    /// Kubeconfig files on this machine whose contexts are offered. Contexts that would run a
    /// program are not.
    pub kubeconfig_files: Vec<PathBuf>,
    /// Whether the cluster that this process runs in is offered, by its service account.
    pub in_cluster: bool,
    /// Whether EKS clusters are offered, with tokens made by the AWS SDK's own credential chain.
    pub eks: bool,
    /// Where the Secrets Manager of a cluster is, by the cluster's name, when it is not that of the
    /// cluster's region: `region`, and `endpoint` for the URL of a VPC endpoint.
    pub secrets_manager: BTreeMap<String, SecretsManager>,
}

/// Where a Secrets Manager is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsManager {
    /// AWS region.
    pub region: Option<String>,
    /// URL of the service.
    pub endpoint: Option<String>,
}
