//! One simulated cluster: what its API, controllers, gateway and Secrets Manager share.

use crate::fault::Faults;
use crate::gateway::Gateway;
use crate::store::Store;
use crate::{ClusterSeed, Pace};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The namespace in which Applications live.
pub const APPLICATIONS: &str = "hosted-instances";
/// The namespace of Argo CD itself.
pub const ARGO: &str = "argocd";
/// The project that the control plane's Applications belong to.
pub const PROJECT: &str = "prism-instances";
/// The namespace of the gateway.
pub const GATEWAY: &str = "ingress-apisix";

/// One simulated cluster.
pub struct Cluster {
    pub seed: ClusterSeed,
    pub pace: Pace,
    /// The cluster's own folder: log, faults, `overrides/`.
    pub dir: PathBuf,
    pub store: Arc<Store>,
    pub faults: Arc<Faults>,
    pub gateway: Arc<Gateway>,
    pub api_url: String,
    /// The load balancer, the Secrets Manager and the Prometheus always listen.
    pub open: watch::Sender<bool>,
    pub stop: CancellationToken,
}
