//! The port, implemented: each method finds the cluster's client and hands over to the module that does
//! the work. Clients are shared; nothing else is kept between calls.

mod token;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::Clock;
use model::cluster::{ClusterAccess, ClusterSettings};
use model::observation::{Observation, Probe};
use model::secret_text::PlainToken;
use model::view::{AccessOffer, CheckLine};
use service::ports::{ClusterError, ClusterPort, Gate, NewSecret, Target, Targets, WatchEvent};
use tokio::sync::{mpsc, watch};

use crate::access::{Directory, Ways};
use crate::aws::{Aws, SecretsManagerOverride, Vault};
use crate::client::{Clients, Handle};
use crate::{check, leftovers, observe, prober, secrets, wish, write};

/// What the adapters are started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Kubeconfig files whose contexts are offered, in order of precedence.
    pub kubeconfig: Vec<PathBuf>,
    /// Whether the cluster that this process runs in is offered.
    pub in_cluster: bool,
    /// Whether EKS clusters are offered.
    pub eks: bool,
    /// Clusters whose addresses this process knows by name.
    pub named: Arc<Directory>,
    /// Where the Secrets Manager of a cluster is, by the cluster's name, when it is not that of its region.
    pub secrets_manager: BTreeMap<String, SecretsManagerOverride>,
    /// Asked for the time of everything that is seen.
    pub clock: Arc<dyn Clock>,
}

/// Everything that talks to clusters.
pub struct Clusters {
    clients: Clients,
    aws: Arc<Aws>,
    named: Arc<Directory>,
    vaults: Mutex<HashMap<String, (Vault, aws_sdk_secretsmanager::Client)>>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Clusters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clusters")
            .field("ways", self.clients.ways())
            .finish_non_exhaustive()
    }
}

impl Clusters {
    /// Adapters for the ways of access that are configured. [`crate::install_tls`] must have been called
    /// by the process before a cluster is reached over TLS.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let aws = Arc::new(Aws {
            clock: config.clock.clone(),
            overrides: config.secrets_manager,
        });
        let ways = Ways {
            kubeconfig: config.kubeconfig,
            in_cluster: config.in_cluster,
            eks: config.eks,
            named: config.named.clone(),
        };
        Self {
            clients: Clients::new(ways, aws.clone()),
            aws,
            named: config.named,
            vaults: Mutex::default(),
            clock: config.clock,
        }
    }

    async fn handle(&self, target: &Target) -> Result<Handle, ClusterError> {
        self.clients.get(&target.cluster).await
    }

    fn vault(&self, cluster: &ClusterSettings) -> Vault {
        let special = self.aws.overrides.get(cluster.name.as_str());
        let region = special.and_then(|o| o.region.clone());
        let mut vault = Vault {
            region: region.unwrap_or_else(|| cluster.region.to_string()),
            endpoint: special.and_then(|o| o.endpoint.clone()),
            role: None,
            local: false,
        };
        match &cluster.access {
            ClusterAccess::Sandbox { name } => {
                vault.endpoint = self.named.find(name).map(|e| e.secrets_manager_url);
                vault.local = true;
            }
            ClusterAccess::Eks { role_arn, .. } => vault.role.clone_from(role_arn),
            ClusterAccess::InCluster | ClusterAccess::Kubeconfig { .. } => {}
        }
        vault
    }

    async fn secrets_manager(
        &self,
        cluster: &ClusterSettings,
    ) -> Result<aws_sdk_secretsmanager::Client, ClusterError> {
        let vault = self.vault(cluster);
        if vault.local && vault.endpoint.is_none() {
            return Err(ClusterError::Misconfigured(format!(
                "The Secrets Manager of the cluster {} is not known to this server",
                cluster.name
            )));
        }
        let known = self.vaults().get(cluster.name.as_str()).cloned();
        if let Some((_, client)) = known.filter(|(known, _)| *known == vault) {
            return Ok(client);
        }
        let client = self.aws.secrets_manager(&vault).await;
        self.vaults()
            .insert(cluster.name.to_string(), (vault, client.clone()));
        Ok(client)
    }

    fn vaults(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<String, (Vault, aws_sdk_secretsmanager::Client)>> {
        self.vaults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the gateway of a cluster listens, when names do not lead there.
    fn gateway(&self, cluster: &ClusterSettings) -> Option<String> {
        cluster
            .gateway
            .address
            .clone()
            .or_else(|| match &cluster.access {
                ClusterAccess::Sandbox { name } => self.named.find(name).map(|e| e.gateway_address),
                _ => None,
            })
    }
}

#[async_trait]
impl ClusterPort for Clusters {
    fn offers(&self) -> Vec<AccessOffer> {
        self.clients.ways().offers()
    }

    async fn check(&self, cluster: &ClusterSettings) -> Vec<CheckLine> {
        let handle = self.clients.get(cluster).await;
        let mut lines = check::cluster(handle.as_ref().map(|h| &h.client), cluster).await;
        let vault = self.secrets_manager(cluster).await;
        lines.push(check::secrets_manager(vault.as_ref(), cluster).await);
        lines.push(check::prometheus(cluster).await);
        lines
    }

    async fn observe(&self, target: &Target) -> Result<Observation, ClusterError> {
        let handle = self.handle(target).await?;
        observe::observe(&handle.client, target, &*self.clock).await
    }

    async fn apply_namespace(&self, target: &Target) -> Result<(), ClusterError> {
        write::namespace(&self.handle(target).await?.client, target).await
    }

    async fn write_secrets(&self, target: &Target, new: &[NewSecret]) -> Result<(), ClusterError> {
        secrets::write(&self.secrets_manager(&target.cluster).await?, target, new).await
    }

    async fn apply_watchman(
        &self,
        target: &Target,
        consumer: &str,
        key: Option<&PlainToken>,
    ) -> Result<(), ClusterError> {
        wish::is_name(consumer)?;
        let handle = self.handle(target).await?;
        write::key::watchman(&handle.client, target, consumer, key).await
    }

    async fn apply_gate(&self, target: &Target, gate: &Gate) -> Result<(), ClusterError> {
        write::gate(&self.handle(target).await?.client, target, gate).await
    }

    async fn apply_application(&self, target: &Target) -> Result<(), ClusterError> {
        write::application(&self.handle(target).await?.client, target).await
    }

    async fn retry_sync(&self, target: &Target) -> Result<(), ClusterError> {
        write::retry_sync(&self.handle(target).await?.client, target).await
    }

    async fn remove_keys(&self, target: &Target) -> Result<(), ClusterError> {
        write::key::take_all(&self.handle(target).await?.client, target).await
    }

    async fn remove_application(&self, target: &Target) -> Result<(), ClusterError> {
        write::remove_application(&self.handle(target).await?.client, target).await
    }

    async fn remove_namespace(&self, target: &Target) -> Result<(), ClusterError> {
        write::remove_namespace(&self.handle(target).await?.client, target).await
    }

    async fn remove_secrets(&self, target: &Target) -> Result<(), ClusterError> {
        secrets::remove(&self.secrets_manager(&target.cluster).await?, target).await
    }

    async fn leftovers(&self, target: &Target) -> Result<Vec<String>, ClusterError> {
        let mut left = leftovers::on_cluster(&self.handle(target).await?.client, target).await?;
        left.extend(secrets::left(&self.secrets_manager(&target.cluster).await?, target).await?);
        Ok(left)
    }

    async fn probe(&self, target: &Target, key: &PlainToken) -> Probe {
        let address = self.gateway(&target.cluster);
        prober::probe(target, address.as_deref(), key, &*self.clock).await
    }

    async fn watch(
        &self,
        cluster: &ClusterSettings,
        targets: Arc<dyn Targets>,
        sink: mpsc::Sender<WatchEvent>,
        stop: watch::Receiver<bool>,
    ) {
        crate::watch::watch(
            &self.clients,
            cluster,
            targets,
            sink,
            stop,
            self.clock.clone(),
        )
        .await;
    }
}
