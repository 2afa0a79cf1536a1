//! The whole port against whole clusters: the stories that an operation and a watch live through, over
//! real HTTP. Every wait is for a condition that the watch reports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::api::{Api, DeleteParams, Patch, PatchParams};
use model::cause::CauseCode;
use model::cluster::ClusterAccess;
use model::observation::{ClusterFact, NamespaceFact, Observation, Probe, ProbeOutcome, assess};
use model::secret_text::PlainToken;
use model::{Clock, InstanceId, Timestamp};
use sandbox::{ClusterFault, ClusterSeed, Fault, Pace, Sandbox, SandboxConfig};
use serde_json::json;
use service::ports::{ClusterError, ClusterPort, Gate, NewSecret, Target, Targets, WatchEvent};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::resource::{ApisixPluginConfig, Application};
use crate::wish::samples::target;
use crate::{Clusters, Config, Directory, Endpoints};

const NAME: &str = "one";
/// Far longer than anything takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(40);

/// A clock that goes on from a fixed point.
#[derive(Debug)]
struct Going(Instant);

impl Clock for Going {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000) + self.0.elapsed()
    }
}

#[derive(Debug)]
struct One(Arc<Target>);

impl Targets for One {
    fn target(&self, instance: &InstanceId) -> Option<Arc<Target>> {
        (*instance == self.0.instance).then(|| self.0.clone())
    }
}

struct World {
    sandbox: Sandbox,
    _dir: TempDir,
    clusters: Arc<Clusters>,
    target: Arc<Target>,
    clock: Arc<Going>,
    api_url: String,
}

impl World {
    async fn new() -> Self {
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
            sandbox: sandbox,
            _dir: dir,
            clusters: Arc::new(clusters),
            target: Arc::new(target),
            clock,
            api_url: from.api_url,
        }
    }

    /// A client of somebody else.
    fn client(&self) -> kube::Client {
        kube::Client::try_from(kube::Config::new(self.api_url.parse().unwrap())).unwrap()
    }

    fn applications(&self) -> Api<Application> {
        Api::namespaced(self.client(), "hosted-instances")
    }

    fn key(&self) -> PlainToken {
        PlainToken::instance_from(&self.target.instance, &[7; 64])
    }

    fn secrets(&self) -> Vec<NewSecret> {
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

    async fn gate(&self, generation: i64, open_to: &[&str]) -> Result<(), ClusterError> {
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
    async fn create(&self) {
        for _ in 0..2 {
            let (clusters, target) = (&self.clusters, &self.target);
            clusters.apply_namespace(target).await.unwrap();
            clusters
                .write_secrets(target, &self.secrets())
                .await
                .unwrap();
            clusters
                .apply_watchman(target, Some(&self.key()))
                .await
                .unwrap();
            self.gate(1, &["watchman"]).await.unwrap();
            clusters.apply_application(target).await.unwrap();
        }
    }

    async fn probe(&self) -> Probe {
        self.clusters.probe(&self.target, &self.key()).await
    }

    fn watch(&self) -> Watched {
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

    fn causes(&self, seen: &Observation, probe: Option<&Probe>) -> Vec<CauseCode> {
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
    async fn fault(&self, fault: Option<Fault>) {
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
    async fn fault_of_namespace(&self, fault: Option<Fault>) {
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

struct Watched {
    events: mpsc::Receiver<WatchEvent>,
    stopper: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Watched {
    /// The first event that is as wished.
    async fn until<T>(&mut self, what: &str, wished: impl Fn(WatchEvent) -> Option<T>) -> T {
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
                Err(_) => panic!("{what} did not come; last was {last}"),
            }
        }
    }

    async fn seen(&mut self, what: &str, wished: impl Fn(&Observation) -> bool) -> Observation {
        self.until(what, |event| match event {
            WatchEvent::Seen { observation, .. } if wished(&observation) => Some(*observation),
            _ => None,
        })
        .await
    }

    async fn stop(self) {
        self.stopper.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(2), self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

fn is_well(seen: &Observation) -> bool {
    let app = seen.application.as_ref();
    app.is_some_and(|a| a.as_wished && a.compared && a.sync == "Synced" && a.health == "Healthy")
        && seen.database.as_deref() == Some("Running")
        && seen.certificate.as_ref().is_some_and(|c| c.ready == "True")
        && !seen.pods.is_empty()
        && seen.pods.iter().all(|pod| pod.ready)
}

#[tokio::test]
async fn a_good_cluster_passes_every_line_of_the_check() {
    let world = World::new().await;
    let lines = world.clusters.check(&world.target.cluster).await;
    let wrong: Vec<_> = lines.iter().filter(|line| !line.ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(lines.len() > 25, "{}", lines.len());
    let mut other = world.target.cluster.clone();
    other.project = "default".to_owned();
    other.application_namespace = "nowhere".to_owned();
    let lines = world.clusters.check(&other).await;
    let wrong: Vec<&str> = lines
        .iter()
        .filter(|l| !l.ok)
        .map(|l| l.name.as_str())
        .collect();
    assert_eq!(wrong, ["Namespace of Applications", "Argo CD project"]);
}

#[tokio::test]
async fn an_instance_is_created_seen_well_and_deleted_to_nothing() {
    let world = World::new().await;
    let mut watched = world.watch();
    watched
        .until("the first list", |e| {
            matches!(e, WatchEvent::Listed).then_some(())
        })
        .await;
    world.create().await;
    let seen = watched.seen("a well instance", is_well).await;
    assert_eq!(seen.gate.as_ref().unwrap().open_to, ["watchman"]);
    assert!(
        seen.outside_changes.is_empty(),
        "{:?}",
        seen.outside_changes
    );
    assert_eq!(world.causes(&seen, None), []);
    let looked = world.clusters.observe(&world.target).await.unwrap();
    let mut same = seen.clone();
    (same.at, same.events) = (looked.at, looked.events.clone());
    assert_eq!(looked, same, "a look and a watch agree");
    let probe = world.probe().await;
    assert_eq!(
        probe.outcome,
        ProbeOutcome::Answered {
            version: "2.1.0".to_owned()
        }
    );

    let (clusters, target) = (&world.clusters, &world.target);
    world.gate(2, &[]).await.unwrap();
    watched
        .seen("the closed door", |o| {
            o.gate.as_ref().is_some_and(|g| g.generation == 2)
        })
        .await;
    let refused = world.gate(1, &["watchman"]).await.unwrap_err();
    assert!(
        refused.to_string().contains("generation 2 already"),
        "{refused}"
    );
    let left = clusters.leftovers(target).await.unwrap();
    assert!(
        left.iter().any(|l| l.starts_with("Application ")) && left.len() > 10,
        "{left:?}"
    );
    for _ in 0..2 {
        clusters.remove_keys(target).await.unwrap();
        clusters.remove_application(target).await.unwrap();
    }
    watched
        .seen("no Application", |o| o.application.is_none())
        .await;
    for _ in 0..2 {
        clusters.remove_namespace(target).await.unwrap();
    }
    watched
        .seen("no namespace", |o| o.namespace == NamespaceFact::Absent)
        .await;
    for _ in 0..2 {
        clusters.remove_secrets(target).await.unwrap();
    }
    assert_eq!(
        clusters.leftovers(target).await.unwrap(),
        Vec::<String>::new()
    );
    watched.stop().await;
}

#[tokio::test]
async fn every_fault_of_an_instance_has_its_cause_and_heals() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    let table = [
        (Fault::ImagePull, CauseCode::ImageCannotBePulled),
        (Fault::CrashLoop, CauseCode::ContainerCrashes),
        (Fault::Unschedulable, CauseCode::PodCannotBeScheduled),
        (Fault::DatabaseFailed, CauseCode::DatabaseNotRunning),
        (Fault::CertificatePending, CauseCode::CertificateNotIssued),
        (Fault::SecretNotSynced, CauseCode::SecretNotSynced),
        (Fault::ChartBroken, CauseCode::ChartDoesNotRender),
    ];
    for (fault, code) in table {
        world.fault(Some(fault)).await;
        let what = format!("{code:?} of {}", fault.name());
        watched
            .seen(&what, |seen| {
                world.causes(seen, None).first() == Some(&code)
            })
            .await;
        world.fault(None).await;
        let what = format!("the end of {}", fault.name());
        watched
            .seen(&what, |seen| {
                is_well(seen) && world.causes(seen, None).is_empty()
            })
            .await;
    }
    for (fault, outcome) in [
        (Fault::ProbeRefused, ProbeOutcome::Refused { status: 503 }),
        (
            Fault::WrongVersion,
            ProbeOutcome::Answered {
                version: "0.0.0".to_owned(),
            },
        ),
    ] {
        world.fault(Some(fault)).await;
        let end = Instant::now() + PATIENCE;
        loop {
            let found = world.probe().await.outcome;
            let as_wished = match (&found, &outcome) {
                (ProbeOutcome::Answered { version }, ProbeOutcome::Answered { .. }) => {
                    version != "2.1.0"
                }
                (found, outcome) => found == outcome,
            };
            if as_wished {
                break;
            }
            assert!(Instant::now() < end, "{}: {found:?}", fault.name());
        }
        world.fault(None).await;
    }
}

#[tokio::test]
async fn faults_of_a_creation_have_their_cause_and_heal() {
    for (fault, code) in [
        (Fault::SyncFailed, CauseCode::SyncFailed),
        (Fault::VolumePending, CauseCode::VolumeNotBound),
    ] {
        let world = World::new().await;
        let mut watched = world.watch();
        world.clusters.apply_namespace(&world.target).await.unwrap();
        world.fault_of_namespace(Some(fault)).await;
        world.create().await;
        let what = format!("{code:?} of {}", fault.name());
        watched
            .seen(&what, |seen| {
                world.causes(seen, None).first() == Some(&code)
            })
            .await;
        world.fault_of_namespace(None).await;
        // Argo CD gave up on this revision and must be asked; elsewhere asking changes nothing.
        world.clusters.retry_sync(&world.target).await.unwrap();
        let what = format!("the end of {}", fault.name());
        watched
            .seen(&what, |seen| {
                is_well(seen) && world.causes(seen, None).is_empty()
            })
            .await;
    }
}

#[tokio::test]
async fn a_finalizer_that_blocks_a_deletion_is_seen_until_it_goes() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    world.fault(Some(Fault::StuckFinalizer)).await;
    let spaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(world.client());
    let name = world.target.instance.namespace();
    // The operator puts its finalizer on the database when the fault begins.
    let held: Api<crate::resource::Postgresql> = Api::namespaced(world.client(), &name);
    let end = Instant::now() + PATIENCE;
    while held
        .get("prism-postgres")
        .await
        .unwrap()
        .metadata
        .finalizers
        .is_none()
    {
        assert!(Instant::now() < end, "no finalizer");
    }
    world
        .clusters
        .remove_application(&world.target)
        .await
        .unwrap();
    let seen = watched
        .seen("an Application that waits", |o| {
            o.application.as_ref().is_some_and(|a| a.deleting.is_some()) && o.pods.is_empty()
        })
        .await;
    assert!(seen.database.is_some());
    world
        .clusters
        .remove_namespace(&world.target)
        .await
        .unwrap();
    watched
        .seen("a namespace that says what holds it", |o| {
            match &o.namespace {
                NamespaceFact::Terminating { blocked_by } => blocked_by
                    .iter()
                    .any(|by| by.contains("postgres-operator.acid.zalan.do")),
                _ => false,
            }
        })
        .await;
    world.fault(None).await;
    watched
        .seen("the end", |o| o.namespace == NamespaceFact::Absent)
        .await;
    assert!(spaces.get_opt(&name).await.unwrap().is_none());
}

#[tokio::test]
async fn changes_by_others_are_told_and_written_back() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    let name = world.target.instance.namespace();
    let edit = PatchParams {
        field_manager: Some("kubectl-edit".to_owned()),
        ..Default::default()
    };
    let patch = json!({"spec": {"syncPolicy": {"automated": {"prune": false}}}});
    world
        .applications()
        .patch(&name, &edit, &Patch::Merge(&patch))
        .await
        .unwrap();
    let gates: Api<ApisixPluginConfig> = Api::namespaced(world.client(), &name);
    let patch = json!({"spec": {"plugins": []}});
    gates
        .patch("gate", &edit, &Patch::Merge(&patch))
        .await
        .unwrap();
    let seen = watched
        .seen("both changes", |o| o.outside_changes.len() == 2)
        .await;
    assert_eq!(
        seen.outside_changes,
        [
            "Application: spec.syncPolicy.automated.prune was changed by kubectl-edit",
            "Gate: spec.plugins was changed by kubectl-edit",
        ]
    );
    assert!(!seen.application.unwrap().as_wished);
    assert_eq!(seen.gate.unwrap().generation, -1);
    assert!(
        world
            .causes(&seen_again(&world).await, None)
            .contains(&CauseCode::OutsideChange)
    );
    world
        .clusters
        .apply_application(&world.target)
        .await
        .unwrap();
    world.gate(1, &["watchman"]).await.unwrap();
    watched
        .seen("all written back", |o| {
            o.outside_changes.is_empty() && is_well(o)
        })
        .await;
}

async fn seen_again(world: &World) -> Observation {
    world.clusters.observe(&world.target).await.unwrap()
}

#[tokio::test]
async fn another_ones_namespace_is_left_alone() {
    let world = World::new().await;
    let name = world.target.instance.namespace();
    let spaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(world.client());
    let theirs = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    spaces.create(&Default::default(), &theirs).await.unwrap();
    for done in [
        world.clusters.apply_namespace(&world.target).await,
        world.clusters.remove_namespace(&world.target).await,
    ] {
        let said = done.unwrap_err();
        assert!(
            matches!(&said, ClusterError::Refused(t) if t.contains("not ours")),
            "{said}"
        );
    }
    spaces
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn secrets_are_written_once_and_never_told() {
    let world = World::new().await;
    let (clusters, target) = (&world.clusters, &world.target);
    let mut secrets = world.secrets();
    clusters.write_secrets(target, &secrets).await.unwrap();
    // Another text under another token: the first one stays.
    secrets[0].text = "another".to_owned().into();
    secrets[0].request_token = "018f3f1e-0000-7000-8000-0000000000ff".to_owned();
    clusters.write_secrets(target, &secrets).await.unwrap();
    let left = clusters.leftovers(target).await.unwrap();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left[0].starts_with("Secrets Manager entry hosted-instances/one/k7mq2x9dr4ht/"));
    assert!(!format!("{secrets:?}{left:?}").contains("do-not-tell"));
    clusters.remove_secrets(target).await.unwrap();
    assert!(clusters.leftovers(target).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cluster_that_goes_away_and_comes_back_is_told_both_times() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    for fault in [
        ClusterFault::ApiDown,
        ClusterFault::Api500,
        ClusterFault::ApiGarbage,
    ] {
        cluster_fault(&world, fault, true).await;
        watched
            .until(&format!("no answer: {}", fault.name()), |event| {
                matches!(event, WatchEvent::Unreachable { .. }).then_some(())
            })
            .await;
        let said = world.clusters.observe(&world.target).await.unwrap_err();
        assert!(
            matches!(said, ClusterError::Unreachable(_)),
            "{}: {said}",
            fault.name()
        );
        cluster_fault(&world, fault, false).await;
        let begun = Instant::now();
        watched
            .until("the answer again", |e| {
                matches!(e, WatchEvent::Reachable { .. }).then_some(())
            })
            .await;
        watched.seen("a well instance again", is_well).await;
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{:?}",
            begun.elapsed()
        );
    }
    watched.stop().await;
}

/// Begins or ends a fault of the cluster through the page that does.
async fn cluster_fault(world: &World, fault: ClusterFault, on: bool) {
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
