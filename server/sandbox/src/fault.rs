//! Faults: named ways in which an instance or a cluster is made to break.
//!
//! An instance's fault is written where an outsider could write it, in an annotation of its
//! Application (or of its Namespace while there is no Application), so `kubectl annotate` and the
//! page do the same thing. A cluster's faults live beside its log, because the API that would hold
//! them is what they break.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The annotation that asks for a fault of one instance; several are separated by commas.
pub const ANNOTATION: &str = "sandbox.hosted-instances.io/fault";

macro_rules! faults {
    ($(#[$doc:meta])* $name:ident { $($(#[$line:meta])* $variant:ident = $text:literal, $about:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($variant,)* }

        impl $name {
            /// Every fault, in the order in which the page lists them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name, as annotations and forms write it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What it does, in one sentence.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The fault of a name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|fault| fault.name() == text)
            }
        }
    };
}

faults! {
    /// What one instance can suffer from.
    Fault {
        ImagePull = "image-pull", "The agent's image is not found in the registry.";
        CrashLoop = "crash-loop", "The agent's container ends with an error again and again.";
        MigrationFailed = "migration-failed", "A migration of the agent's database fails, so its container ends at every start.";
        Unschedulable = "unschedulable", "No node has room for the agent's pod.";
        VolumePending = "volume-pending", "The database's volume is not provisioned.";
        DatabaseFailed = "database-failed", "The database operator gives up on the database.";
        CertificatePending = "certificate-pending", "The certificate is not issued.";
        SecretNotSynced = "secret-not-synced", "External Secrets may not read the instance's secrets.";
        ChartBroken = "chart-broken", "The chart does not render.";
        SyncFailed = "sync-failed", "The cluster refuses an object of the chart.";
        ProbeRefused = "probe-refused", "The agent answers 503 while its pods look well.";
        WrongVersion = "wrong-version", "The agent that answers is not the version that was asked for.";
        StuckFinalizer = "stuck-finalizer", "The database operator does not release its finalizer.";
    }
}

faults! {
    /// What a whole cluster can suffer from.
    ClusterFault {
        ApiDown = "api-down", "The API refuses connections.";
        Api500 = "api-500", "The API answers 500 to everything.";
        Api429 = "api-429", "The API answers 429 to everything.";
        ApiGarbage = "api-garbage", "The API answers with a page that is not JSON.";
        ApiSlow = "api-slow", "The API takes 8 seconds for every answer.";
        WatchGone = "watch-gone", "Every watch ends with 410 Gone.";
        OverridesUnreachable = "overrides-unreachable", "Argo CD cannot reach the override repository.";
        GatewayLagging = "gateway-lagging", "One replica of the gateway takes every change 15 seconds late.";
        GatewayStuck = "gateway-stuck", "One replica of the gateway answers, and takes no change at all.";
        GatewayGone = "gateway-gone", "One replica of the gateway refuses connections; its pod is listed and not ready.";
        GatewayWorkerRestarts = "gateway-worker-restarts", "A worker of one replica of the gateway ends every 2 seconds, and a new one takes its place.";
        GatewayPushFails = "gateway-push-fails", "The ingress controller's push fails half-way: only the first half of what changed reaches the gateway.";
        WhitelistMissing = "whitelist-missing", "The gateway has lost consumer-restriction: any key opens any instance.";
        ExternalSecretsStopped = "external-secrets-stopped", "External Secrets is stopped: no Secret is made or changed.";
        SecretsThrottled = "secrets-throttled", "Secrets Manager answers every request with ThrottlingException.";
        Secrets500 = "secrets-500", "Secrets Manager answers 500 to everything.";
        SecretsSlow = "secrets-slow", "Secrets Manager takes 8 seconds for every answer.";
        SecretsAnswerLost = "secrets-answer-lost", "Secrets Manager carries out every change, and its answer is lost on the way.";
    }
}

impl ClusterFault {
    /// The part of the cluster that suffers from it, as a heading.
    pub fn part(self) -> &'static str {
        match self {
            Self::ApiDown
            | Self::Api500
            | Self::Api429
            | Self::ApiGarbage
            | Self::ApiSlow
            | Self::WatchGone => "Kubernetes API",
            Self::OverridesUnreachable => "Argo CD",
            Self::GatewayLagging
            | Self::GatewayStuck
            | Self::GatewayGone
            | Self::GatewayWorkerRestarts
            | Self::GatewayPushFails
            | Self::WhitelistMissing => "Gateway",
            Self::ExternalSecretsStopped
            | Self::SecretsThrottled
            | Self::Secrets500
            | Self::SecretsSlow
            | Self::SecretsAnswerLost => "Secrets",
        }
    }
}

/// The faults of one cluster and of its instances.
pub struct Faults {
    path: PathBuf,
    instances: Mutex<HashMap<String, BTreeSet<Fault>>>,
    cluster: watch::Sender<Arc<BTreeSet<ClusterFault>>>,
    open: watch::Sender<bool>,
}

impl Faults {
    /// Reads the faults that a cluster had.
    pub fn load(path: PathBuf) -> Self {
        let set = read(&path);
        let open = watch::channel(!set.contains(&ClusterFault::ApiDown)).0;
        let cluster = watch::channel(Arc::new(set)).0;
        Self {
            path,
            instances: Mutex::default(),
            cluster,
            open,
        }
    }

    /// The faults of the cluster at this moment.
    pub fn cluster(&self) -> Arc<BTreeSet<ClusterFault>> {
        self.cluster.borrow().clone()
    }

    /// Wakes when the cluster's faults change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<BTreeSet<ClusterFault>>> {
        self.cluster.subscribe()
    }

    /// Whether the API accepts connections.
    pub fn open(&self) -> watch::Receiver<bool> {
        self.open.subscribe()
    }

    /// Begins or ends a fault of the cluster; it survives a restart.
    pub fn set_cluster(&self, fault: ClusterFault, on: bool) -> std::io::Result<()> {
        let mut set = (*self.cluster()).clone();
        if on {
            set.insert(fault)
        } else {
            set.remove(&fault)
        };
        let names: Vec<&str> = set.iter().map(|fault| fault.name()).collect();
        std::fs::write(&self.path, serde_json::json!(names).to_string())?;
        self.open
            .send_replace(!set.contains(&ClusterFault::ApiDown));
        self.cluster.send_replace(Arc::new(set));
        Ok(())
    }

    fn instances(&self) -> MutexGuard<'_, HashMap<String, BTreeSet<Fault>>> {
        self.instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what an annotation says; answers whether that is new.
    pub fn set_instance(&self, namespace: &str, annotation: Option<&str>) -> bool {
        let set: BTreeSet<Fault> = annotation
            .unwrap_or("")
            .split(',')
            .filter_map(|name| Fault::parse(name.trim()))
            .collect();
        let mut all = self.instances();
        let before = if set.is_empty() {
            all.remove(namespace).unwrap_or_default()
        } else {
            all.insert(namespace.to_owned(), set.clone())
                .unwrap_or_default()
        };
        before != set
    }

    /// Whether an instance suffers from a fault.
    pub fn has(&self, namespace: &str, fault: Fault) -> bool {
        self.instances()
            .get(namespace)
            .is_some_and(|set| set.contains(&fault))
    }

    /// Every instance with faults, by namespace.
    pub fn all_instances(&self) -> Vec<(String, BTreeSet<Fault>)> {
        let mut all: Vec<_> = self
            .instances()
            .iter()
            .map(|(space, set)| (space.clone(), set.clone()))
            .collect();
        all.sort();
        all
    }
}

fn read(path: &Path) -> BTreeSet<ClusterFault> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let names: Vec<String> = serde_json::from_str(&text).unwrap_or_default();
    names
        .iter()
        .filter_map(|name| ClusterFault::parse(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_remembers_its_faults() {
        let path = std::env::temp_dir().join(format!("sandbox-faults-{}.json", std::process::id()));
        let faults = Faults::load(path.clone());
        faults.set_cluster(ClusterFault::ApiDown, true).unwrap();
        assert!(!*faults.open().borrow());
        let again = Faults::load(path.clone());
        assert!(again.cluster().contains(&ClusterFault::ApiDown));
        again.set_cluster(ClusterFault::ApiDown, false).unwrap();
        assert!(*again.open().borrow());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn annotations_name_faults_and_ignore_the_rest() {
        let faults = Faults::load(PathBuf::from("/nonexistent/faults.json"));
        assert!(faults.set_instance("a", Some("crash-loop, unheard-of")));
        assert!(!faults.set_instance("a", Some("crash-loop")));
        assert!(faults.has("a", Fault::CrashLoop));
        assert!(faults.set_instance("a", None));
        assert!(faults.all_instances().is_empty());
    }
}
