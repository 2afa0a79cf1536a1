//! A control plane in this process over the simulated cluster: real adapters, a worker and a keeper at
//! work, and a clock that goes on and can be hurried.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::{Clusters, Config, Directory, Endpoints};
use model::cluster::{ClusterSettings, Gateway, Purpose, Replicas};
use model::operation::OperationState;
use model::{Actor, Clock, InstanceId, Timestamp};
use sandbox::{ClusterFault, ClusterSeed, Pace, Sandbox, SandboxConfig};
use service::{Context, CreateInstance, CreateTenant, Services, Settings, Worker};
use store::Wake;
use tempfile::TempDir;
use tests::cluster::settings as imagined;
use tests::db::TestDb;
use tests::services::{MemoryMailer, origin, settings};
use tests::world::CATALOGUE;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::super::Keeping;

const NAME: &str = "eu-dev";
const ZONE: &str = "sandbox.localhost";
const HEALTH: &str = "/cloud-agent/_system/health";
/// Fresh connections to a replica of two workers; that they all meet one is not to be expected.
const CONNECTIONS: usize = 6;

/// A clock that goes on, and further when it is hurried.
#[derive(Debug)]
struct Going {
    begun: Instant,
    ahead: AtomicU64,
}

impl Clock for Going {
    fn now(&self) -> Timestamp {
        let ahead = Duration::from_millis(self.ahead.load(Ordering::Relaxed));
        tests::clock::START + self.begun.elapsed() + ahead
    }
}

pub struct Place {
    pub services: Arc<Services>,
    pub instances: Vec<InstanceId>,
    db: TestDb,
    sandbox: Sandbox,
    clock: Arc<Going>,
    /// Keeps no connection, so that each request meets a worker anew.
    asking: reqwest::Client,
    keeping: Option<Keeping>,
    working: JoinHandle<()>,
    stop: watch::Sender<bool>,
    _dir: TempDir,
}

fn adapters(from: &sandbox::Endpoints, clock: Arc<dyn Clock>) -> Clusters {
    let known = Endpoints {
        api_url: from.api_url.clone(),
        gateway_address: from.gateway_url.trim_start_matches("http://").to_owned(),
        secrets_manager_url: from.secrets_manager_url.clone(),
    };
    Clusters::new(Config {
        kubeconfig: Vec::new(),
        in_cluster: false,
        eks: false,
        named: Arc::new(Directory::new(BTreeMap::from([(NAME.to_owned(), known)]))),
        secrets_manager: BTreeMap::new(),
        clock,
    })
}

fn settings_of(from: &sandbox::Endpoints, workers: u8) -> ClusterSettings {
    let address = from.gateway_url.trim_start_matches("http://");
    let mut replicas = Replicas::default();
    if let Replicas::Pods { workers: known, .. } = &mut replicas {
        *known = Some(u32::from(workers));
    }
    ClusterSettings {
        zone: ZONE.parse().unwrap(),
        gateway: Gateway {
            scheme: "http".to_owned(),
            port: address
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok()),
            address: None,
            replicas,
            prometheus_url: None,
        },
        ..imagined(NAME, Purpose::Development, 1_000)
    }
}

impl Place {
    /// With so many running instances, each of a tenant of its own.
    pub async fn begin(instances: usize) -> Self {
        cluster::install_tls();
        let dir = tempfile::tempdir().unwrap();
        let seed = ClusterSeed {
            name: NAME.to_owned(),
            purpose: "development".to_owned(),
            region: "eu-west-1".to_owned(),
            zone: ZONE.to_owned(),
        };
        let config = SandboxConfig {
            pace: Pace(0.0),
            lag: Duration::from_millis(300),
            ..SandboxConfig::new(dir.path().to_owned(), vec![seed])
        };
        let workers = config.workers;
        let sandbox = Sandbox::start(config).await.unwrap();
        let db = TestDb::new().await;
        let clock = Arc::new(Going {
            begun: Instant::now(),
            ahead: AtomicU64::new(0),
        });
        let quick = Settings {
            lease: Duration::from_millis(600),
            ..settings()
        };
        let services = Arc::new(Services::new(Context {
            db: db.db.clone(),
            clock: clock.clone(),
            entropy: db.entropy.clone(),
            clusters: Arc::new(adapters(&sandbox.endpoints()[0], clock.clone())),
            mailer: Arc::new(MemoryMailer::default()),
            settings: Arc::new(quick),
        }));
        services.release.seed(CATALOGUE).await.unwrap();
        let adopted = settings_of(&sandbox.endpoints()[0], workers);
        services.cluster.adopt(adopted).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let worker = Worker::new(Arc::clone(&services), "worker");
        let asking = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .no_proxy();
        let mut place = Self {
            asking: asking.build().unwrap(),
            keeping: Some(Keeping::of(Arc::clone(&services))),
            working: tokio::spawn(async move { worker.run(stopped).await }),
            instances: Vec::new(),
            services,
            db,
            sandbox,
            clock,
            stop,
            _dir: dir,
        };
        for number in 0..instances {
            let instance = place.running(&format!("Tenant {number}")).await;
            place.instances.push(instance);
        }
        place
    }

    async fn running(&self, tenant: &str) -> InstanceId {
        let (actor, origin) = (Actor::Operator, origin());
        let command = CreateTenant {
            name: tenant.to_owned(),
        };
        let tenant = self.services.tenant.create(&actor, command, &origin).await;
        let command = CreateInstance {
            purpose: "development".to_owned(),
            region: "eu-west-1".to_owned(),
            ..CreateInstance::default()
        };
        let service = &self.services.instance;
        let made = service
            .create(&actor, tenant.unwrap().id, command, &origin)
            .await
            .unwrap();
        let begun = Instant::now();
        loop {
            let operation = self
                .services
                .operation
                .get(&actor, made.operation.id)
                .await
                .unwrap();
            if operation.state == OperationState::Succeeded {
                return made.instance.id;
            }
            assert!(begun.elapsed() < Duration::from_secs(40), "{operation:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the workers of all replicas answer to a key, over fresh connections; what refuses the
    /// connection lets nobody in.
    pub async fn answers(&self, instance: &InstanceId, key: Option<&str>) -> Vec<u16> {
        let host = format!("{instance}.{ZONE}");
        let asks = self.sandbox.endpoints()[0]
            .replica_urls
            .iter()
            .flat_map(|url| {
                let host = &host;
                (0..CONNECTIONS).map(move |_| async move {
                    let request = self
                        .asking
                        .get(format!("{url}{HEALTH}"))
                        .header("host", host.as_str());
                    let request = match key {
                        Some(key) => request.header("apikey", key),
                        None => request,
                    };
                    Some(request.send().await.ok()?.status().as_u16())
                })
            });
        let answers = futures::future::join_all(asks).await;
        let met: BTreeSet<u16> = answers.into_iter().flatten().collect();
        met.into_iter().collect()
    }

    /// Begins or ends a fault of the cluster through the page that does.
    pub async fn fault(&self, fault: ClusterFault, on: bool) {
        let request = http::Request::post(if on { "/break" } else { "/heal" })
            .header("content-type", "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(format!(
                "cluster={NAME}&fault={}",
                fault.name()
            )))
            .unwrap();
        let response = self.sandbox.console().oneshot(request).await.unwrap();
        assert!(response.status().is_redirection(), "{}", response.status());
    }

    /// The keeper ends at whatever instruction it is, and the next process goes on.
    pub async fn crash(&mut self) {
        if let Some(keeping) = self.keeping.take() {
            keeping.kill().await;
        }
        let next = Arc::new(Services::new(self.services.context.clone()));
        self.keeping = Some(Keeping::of(next));
    }

    /// Time goes by, and whoever waits for work looks.
    pub async fn hurry(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.clock.ahead.fetch_add(millis, Ordering::Relaxed);
        let mut tx = self.db.db.begin().await.unwrap();
        tx.wake(Wake::Work);
        tx.commit().await.unwrap();
    }

    pub async fn end(mut self) {
        if let Some(keeping) = self.keeping.take() {
            keeping.end().await;
        }
        self.stop.send(true).unwrap();
        self.working.await.unwrap();
        self.sandbox.stop().await;
    }
}
