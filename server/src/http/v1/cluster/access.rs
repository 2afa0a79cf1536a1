//! How a cluster's Kubernetes API is reached, as the API takes and shows it.

use model::cluster::ClusterAccess;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the Kubernetes API is reached.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = ClusterAccess)]
pub enum Access {
    /// A cluster of the embedded sandbox.
    Sandbox {
        /// Its name within the sandbox.
        name: String,
    },
    /// The service account of the pod that this control plane runs in.
    InCluster,
    /// A context of the kubeconfig files that this server was configured with.
    Kubeconfig {
        /// Name of the context.
        context: String,
    },
    /// EKS, with tokens made from the server's own AWS credentials.
    Eks {
        /// Name of the EKS cluster.
        name: String,
        /// AWS region of the EKS cluster.
        region: String,
        /// Role to assume first (an ARN); null for none.
        #[serde(default)]
        role_arn: Option<String>,
    },
}

impl From<Access> for ClusterAccess {
    fn from(it: Access) -> Self {
        match it {
            Access::Sandbox { name } => Self::Sandbox { name },
            Access::InCluster => Self::InCluster,
            Access::Kubeconfig { context } => Self::Kubeconfig { context },
            Access::Eks {
                name,
                region,
                role_arn,
            } => Self::Eks {
                name,
                region,
                role_arn,
            },
        }
    }
}

impl From<ClusterAccess> for Access {
    fn from(it: ClusterAccess) -> Self {
        match it {
            ClusterAccess::Sandbox { name } => Self::Sandbox { name },
            ClusterAccess::InCluster => Self::InCluster,
            ClusterAccess::Kubeconfig { context } => Self::Kubeconfig { context },
            ClusterAccess::Eks {
                name,
                region,
                role_arn,
            } => Self::Eks {
                name,
                region,
                role_arn,
            },
        }
    }
}
