//! A simulated cluster for one story, the adapters over it, and a watch to wait on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::api::{Api, Patch, PatchParams};
use model::cause::CauseCode;
use model::cluster::ClusterAccess;
use model::observation::{ClusterFact, Observation, Probe, assess};
use model::secret_text::PlainToken;
use model::{Clock, InstanceId, Timestamp};
use sandbox::{ClusterFault, ClusterSeed, Fault, Pace, Sandbox, SandboxConfig};
use serde_json::json;
use service::ports::{ClusterError, ClusterPort, Gate, NewSecret, Target, Targets, WatchEvent};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::resource::Application;
use crate::wish::samples::target;
use crate::{Clusters, Config, Directory, Endpoints};

pub const NAME: &str = "one";
/// Far longer than anything takes; only a failure waits for it.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A clock that goes on from a fixed point.
#[derive(Debug)]
pub struct Going(Instant);

impl Clock for Going {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000) + self.0.elapsed()
    }
}

#[derive(Debug)]
pub struct One(Arc<Target>);

impl Targets for One {
    fn target(&self, instance: &InstanceId) -> Option<Arc<Target>> {
        (*instance == self.0.instance).then(|| self.0.clone())
    }
}

pub struct World {
    pub sandbox: Sandbox,
    _dir: TempDir,
    pub clusters: Arc<Clusters>,
    pub target: Arc<Target>,
    pub clock: Arc<Going>,
    api_url: String,
}

impl World {
    pub async fn new() -> Self {
        crate::install_tls();
        let dir = tempfile::tempdir().unwrap();
        let seed = ClusterSeed {
            name: NAME.to_owned(),
            purpose: "development".to_owned(),
            region: "eu-west-1".to_owned(),
            zone: "sandbox.localhost".to_owned(),
        };
        let config = SandboxConfig {
            pace: Pace(0.0),
            lag: Duration::from_millis(400),
            ..SandboxConfig::new(dir.path().to_owned(), vec![seed])
        };
        let sandbox = Sandbox::start(config).await.unwrap();
        let from = sandbox.endpoints()[0].clone();
        let known = Endpoints {
            api_url: from.api_url.clone(),
            gateway_address: from.gateway_url.trim_start_matches("http://").to_owned(),
            secrets_manager_url: from.secrets_manager_url,
        };
        let clock = Arc::new(Going(Instant::now()));
        let clusters = Clusters::new(Config {
            kubeconfig: Vec::new(),
            in_cluster: false,
            eks: false,
            named: Arc::new(Directory::new(BTreeMap::from([(NAME.to_owned(), known)]))),
            secrets_manager: BTreeMap::new(),
            clock: clock.clone(),
        });
        let mut target = target(ClusterAccess::Sandbox {
            name: NAME.to_owned(),
        });
        target.host = format!("{}.sandbox.localhost", target.instance);
        target.cluster.overrides = None;
        target.overrides.clear();
        Self {
            sandbox,
            _dir: dir,
            clusters: Arc::new(clusters),
            target: Arc::new(target),
            clock,
            api_url: from.api_url,
        }
    }

    /// A client of somebody else.
    pub fn client(&self) -> kube::Client {
        kube::Client::try_from(kube::Config::new(self.api_url.parse().unwrap())).unwrap()
    }

    pub fn applications(&self) -> Api<Application> {
        Api::namespaced(self.client(), "hosted-instances")
    }

    pub fn key(&self) -> PlainToken {
        PlainToken::instance_from(&self.target.instance, &[7; 64])
    }

    pub fn secrets() -> Vec<NewSecret> {
        let secret = |(at, name): (usize, &str)| NewSecret {
            name: name.to_owned(),
            text: "do-not-tell".to_owned().into(),
            request_token: format!("018f3f1e-0000-7000-8000-00000000000{at}"),
        };
        ["wallet-seed", "admin-token", "api-key-salt"]
            .into_iter()
            .enumerate()
            .map(secret)
            .collect()
    }

    pub async fn gate(&self, generation: i64, open_to: &[&str]) -> Result<(), ClusterError> {
        let open_to = open_to.iter().map(|name| (*name).to_owned()).collect();
        self.clusters
            .apply_gate(
                &self.target,
                &Gate {
                    generation,
                    open_to,
                },
            )
            .await
    }

    /// Every step of a creation, each twice, since each may be repeated.
    pub async fn create(&self) {
        self.create_as(&self.target, &self.key()).await;
    }

    /// The same for another instance, and with another key for its watchman.
    pub async fn create_as(&self, target: &Target, key: &PlainToken) {
        let gate = Gate {
            generation: 1,
            open_to: vec!["watchman".to_owned()],
        };
        for _ in 0..2 {
            let clusters = &self.clusters;
            clusters.apply_namespace(target).await.unwrap();
            clusters
                .write_secrets(target, &Self::secrets())
                .await
                .unwrap();
            clusters
                .apply_watchman(target, "watchman", Some(key))
                .await
                .unwrap();
            clusters.apply_gate(target, &gate).await.unwrap();
            clusters.apply_application(target).await.unwrap();
        }
    }

    pub async fn probe(&self) -> Probe {
        self.clusters.probe(&self.target, &self.key()).await
    }

    pub fn watch(&self) -> Watched {
        let (sink, events) = mpsc::channel(64);
        let (stopper, stop) = watch::channel(false);
        let (clusters, target) = (self.clusters.clone(), self.target.clone());
        let task = tokio::spawn(async move {
            let targets = Arc::new(One(target.clone()));
            clusters.watch(&target.cluster, targets, sink, stop).await;
        });
        Watched {
            events,
            stopper,
            task,
        }
    }

    pub fn causes(&self, seen: &Observation, probe: Option<&Probe>) -> Vec<CauseCode> {
        let cluster = ClusterFact {
            name: NAME.to_owned(),
            unreachable: None,
            overrides_unreachable: None,
        };
        let version = self.target.release.version;
        let found = assess(&cluster, Some(seen), probe, version, self.clock.now());
        found.causes.into_iter().map(|cause| cause.code).collect()
    }

    /// Begins or ends a fault of the instance.
    pub async fn fault(&self, fault: Option<Fault>) {
        let name = fault.map(Fault::name);
        let patch = json!({"metadata": {"annotations": {sandbox::FAULT_ANNOTATION: name}}});
        let params = PatchParams::default();
        let name = self.target.instance.namespace();
        self.applications()
            .patch(&name, &params, &Patch::Merge(&patch))
            .await
            .unwrap();
    }
}

impl World {
    /// Begins or ends a fault that shows while the instance is created.
    pub async fn fault_of_namespace(&self, fault: Option<Fault>) {
        let name = fault.map(Fault::name);
        let patch = json!({"metadata": {"annotations": {sandbox::FAULT_ANNOTATION: name}}});
        let spaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(self.client());
        let name = self.target.instance.namespace();
        spaces
            .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }
}

pub struct Watched {
    events: mpsc::Receiver<WatchEvent>,
    stopper: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Watched {
    /// The first event that is as wished.
    pub async fn until<T>(&mut self, what: &str, wished: impl Fn(WatchEvent) -> Option<T>) -> T {
        let end = tokio::time::Instant::now() + PATIENCE;
        let mut last = "nothing".to_owned();
        loop {
            match tokio::time::timeout_at(end, self.events.recv()).await {
                Ok(Some(event)) => {
                    last = format!("{event:?}");
                    if let Some(found) = wished(event) {
                        return found;
                    }
                }
                Ok(None) => panic!("the watch ended before {what}"),
                Err(late) => panic!("{what} did not come ({late}); last was {last}"),
            }
        }
    }

    pub async fn seen(&mut self, what: &str, wished: impl Fn(&Observation) -> bool) -> Observation {
        self.until(what, |event| match event {
            WatchEvent::Seen { observation, .. } if wished(&observation) => Some(*observation),
            _ => None,
        })
        .await
    }

    pub async fn stop(self) {
        self.stopper.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(2), self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

pub fn is_well(seen: &Observation) -> bool {
    let app = seen.application.as_ref();
    app.is_some_and(|a| a.as_wished && a.compared && a.sync == "Synced" && a.health == "Healthy")
        && seen.database.as_deref() == Some("Running")
        && seen.certificate.as_ref().is_some_and(|c| c.ready == "True")
        && !seen.pods.is_empty()
        && seen.pods.iter().all(|pod| pod.ready)
}

/// Begins or ends a fault of the cluster through the page that does.
pub async fn cluster_fault(world: &World, fault: ClusterFault, on: bool) {
    let request = http::Request::post(if on { "/break" } else { "/heal" })
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(format!(
            "cluster={NAME}&fault={}",
            fault.name()
        )))
        .unwrap();
    let response = world.sandbox.console().oneshot(request).await.unwrap();
    assert!(response.status().is_redirection(), "{}", response.status());
}
