//! An imagined cluster: Kubernetes, Argo CD, gateway and Secrets Manager as a small world in memory
//! that does at once what it is asked for. Tests break it by method, before or after the effect, and
//! compare how it ends. It keeps the promises of `ClusterPort`, so that whatever converges here does
//! so by the worker's doing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use model::cluster::{ChartSource, ClusterAccess, ClusterName, ClusterSettings, Gateway, Purpose};
use model::observation::{
    ApplicationFact, GateFact, NamespaceFact, Observation, PodFact, Probe, ProbeOutcome, ReadyFact,
    WorkloadFact,
};
use model::secret_text::PlainToken;
use model::view::{AccessOffer, CheckLine};
use model::{Clock, InstanceId};
use secrecy::ExposeSecret as _;
use service::ports::{ClusterError, ClusterPort, Gate, NewSecret, Target, Targets, WatchEvent};
use tokio::sync::{mpsc, watch};

/// What is asked of a cluster, for faults and for the record of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// A look.
    Observe,
    /// The namespace.
    Namespace,
    /// The generated secrets.
    Secrets,
    /// The watchman's key.
    Watchman,
    /// The gate.
    Gate,
    /// The Application.
    Application,
    /// Another attempt of Argo CD.
    RetrySync,
    /// Consumers and keys go.
    RemoveKeys,
    /// The Application goes.
    RemoveApplication,
    /// The namespace goes.
    RemoveNamespace,
    /// The secrets go.
    RemoveSecrets,
    /// What is left.
    Leftovers,
}

impl Method {
    /// What a creation calls, looks left out.
    pub const CREATE: [Self; 5] = [
        Self::Namespace,
        Self::Secrets,
        Self::Watchman,
        Self::Gate,
        Self::Application,
    ];
    /// What a deletion calls, looks left out.
    pub const DELETE: [Self; 6] = [
        Self::Gate,
        Self::RemoveKeys,
        Self::RemoveApplication,
        Self::RemoveNamespace,
        Self::RemoveSecrets,
        Self::Leftovers,
    ];
}

/// How a call goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is done, and the error is answered.
    Before(ClusterError),
    /// It is done, and the error is answered all the same.
    After(ClusterError),
    /// It is done, and no answer ever comes.
    Silence,
    /// The caller panics.
    Panic,
}

#[derive(Clone, Debug, Default)]
struct Thing {
    namespace: NamespaceFact,
    watchman: Option<String>,
    gate: Option<GateFact>,
    applied: Option<Target>,
    secrets: BTreeMap<String, String>,
    written: Vec<(String, String, String)>,
}

#[derive(Debug, Default)]
struct World {
    things: BTreeMap<InstanceId, Thing>,
    faults: Vec<(Method, u32, Fault)>,
    calls: Vec<(Method, InstanceId)>,
    unreachable: BTreeMap<ClusterName, String>,
    held: BTreeSet<InstanceId>,
    broken: BTreeMap<InstanceId, PodFact>,
    synced: bool,
    watches: u32,
}

/// The world and what tests do to it.
#[derive(Clone, Debug)]
pub struct Imagined {
    world: Arc<Mutex<World>>,
    changes: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
}

/// The settings of a cluster in this world.
pub fn settings(name: &str, purpose: Purpose, capacity: u32) -> ClusterSettings {
    ClusterSettings {
        name: name.parse().expect("a fit text"),
        region: "eu-west-1".parse().expect("a fit text"),
        purpose,
        zone: "imagined.example".parse().expect("a fit text"),
        access: ClusterAccess::Sandbox {
            name: name.to_owned(),
        },
        argocd_namespace: "argocd".into(),
        application_namespace: "hosted-instances".into(),
        project: "prism-instances".into(),
        chart: ChartSource {
            repo_url: "https://git.example/charts".into(),
            path: "prism-instance".into(),
        },
        overrides: None,
        gateway: Gateway {
            scheme: "http".into(),
            port: Some(8080),
            address: None,
        },
        secrets_prefix: format!("hosted-instances/{name}"),
        capacity,
        cordoned: false,
    }
}

impl Imagined {
    /// An empty world in which everything works.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let world = World {
            synced: true,
            ..World::default()
        };
        Self {
            world: Arc::new(Mutex::new(world)),
            changes: watch::Sender::new(0),
            clock,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    /// The next `times` calls of that method go wrong like this.
    pub fn fail(&self, method: Method, times: u32, fault: Fault) {
        self.world().faults.push((method, times, fault));
    }

    /// All faults end.
    pub fn heal(&self) {
        self.world().faults.clear();
    }

    /// The cluster stops answering, or answers again.
    pub fn cut(&self, cluster: &str, why: Option<&str>) {
        let name = cluster.parse().expect("a fit text");
        match why {
            Some(why) => self.world().unreachable.insert(name, why.to_owned()),
            None => self.world().unreachable.remove(&name),
        };
        self.changed();
    }

    /// Whether Argo CD gets anywhere with what it is given from now on.
    pub fn sync(&self, works: bool) {
        self.world().synced = works;
        self.changed();
    }

    /// A finalizer keeps the namespace of an instance, or lets it go.
    pub fn hold(&self, instance: &InstanceId, held: bool) {
        let mut world = self.world();
        if held {
            world.held.insert(instance.clone());
        } else {
            world.held.remove(instance);
            let gone = world.things.get_mut(instance);
            if let Some(thing) =
                gone.filter(|t| matches!(t.namespace, NamespaceFact::Terminating { .. }))
            {
                let secrets = std::mem::take(&mut thing.secrets);
                *thing = Thing {
                    secrets,
                    ..Thing::default()
                };
            }
        }
        drop(world);
        self.changed();
    }

    /// A pod of an instance is in trouble, or well again.
    pub fn trouble(&self, instance: &InstanceId, pod: Option<PodFact>) {
        match pod {
            Some(pod) => self.world().broken.insert(instance.clone(), pod),
            None => self.world().broken.remove(instance),
        };
        self.changed();
    }

    /// How often a method was called.
    pub fn calls(&self, method: Method) -> usize {
        self.world()
            .calls
            .iter()
            .filter(|(called, _)| *called == method)
            .count()
    }

    /// How many watches run.
    pub fn watches(&self) -> u32 {
        self.world().watches
    }

    /// Each time a secret was written: the request token, and the text that is kept since.
    pub fn secrets_written(&self, instance: &InstanceId, name: &str) -> Vec<(String, String)> {
        let world = self.world();
        let written = world
            .things
            .get(instance)
            .map(|thing| thing.written.clone());
        let of_name = written
            .unwrap_or_default()
            .into_iter()
            .filter(|(it, _, _)| it == name);
        of_name.map(|(_, request, kept)| (request, kept)).collect()
    }

    /// The overrides that were handed over last.
    pub fn applied_overrides(
        &self,
        instance: &InstanceId,
    ) -> serde_json::Map<String, serde_json::Value> {
        let world = self.world();
        let applied = world
            .things
            .get(instance)
            .and_then(|thing| thing.applied.as_ref());
        applied
            .map(|target| target.overrides.clone())
            .unwrap_or_default()
    }

    /// Everything there is, in words; for comparing ends.
    pub fn inventory(&self) -> Vec<String> {
        self.world()
            .things
            .iter()
            .flat_map(|(id, thing)| inventory(id, thing))
            .collect()
    }

    /// The same for one instance.
    pub fn inventory_of(&self, id: &InstanceId) -> Vec<String> {
        self.world()
            .things
            .get(id)
            .map(|thing| inventory(id, thing))
            .unwrap_or_default()
    }

    fn enter(&self, method: Method, target: &Target) -> Result<Option<Fault>, ClusterError> {
        let mut world = self.world();
        world.calls.push((method, target.instance.clone()));
        if let Some(why) = world.unreachable.get(&target.cluster.name) {
            return Err(ClusterError::Unreachable(why.clone()));
        }
        let at = world
            .faults
            .iter()
            .position(|(broken, times, _)| *broken == method && *times > 0);
        let fault = at.map(|at| {
            world.faults[at].1 -= 1;
            world.faults[at].2.clone()
        });
        drop(world);
        match fault {
            Some(Fault::Before(error)) => Err(error),
            Some(Fault::Panic) => panic!("the imagined cluster was told to end the worker"),
            other => Ok(other),
        }
    }

    async fn call<T>(
        &self,
        method: Method,
        target: &Target,
        effect: impl FnOnce(&mut Thing) -> Result<T, ClusterError> + Send,
    ) -> Result<T, ClusterError>
    where
        T: Send,
    {
        let fault = self.enter(method, target)?;
        let answer = {
            let mut world = self.world();
            let thing = world.things.entry(target.instance.clone()).or_default();
            effect(thing)
        };
        if method != Method::Observe && method != Method::Leftovers {
            self.changed();
        }
        match fault {
            Some(Fault::After(error)) => Err(error),
            Some(Fault::Silence) => std::future::pending().await,
            _ => answer,
        }
    }

    fn observation(&self, target: &Target) -> Observation {
        let world = self.world();
        let thing = world
            .things
            .get(&target.instance)
            .cloned()
            .unwrap_or_default();
        let trouble = world.broken.get(&target.instance).cloned();
        observation(&thing, target, world.synced, trouble, self.clock.now())
    }
}

fn inventory(id: &InstanceId, thing: &Thing) -> Vec<String> {
    let mut all = Vec::new();
    if thing.namespace != NamespaceFact::Absent {
        all.push(format!("Namespace {}", id.namespace()));
    }
    if thing.watchman.is_some() {
        all.push(format!("Consumer {}/watchman", id.namespace()));
    }
    if let Some(gate) = &thing.gate {
        all.push(format!(
            "Gate {}/gate open to {:?}",
            id.namespace(),
            gate.open_to
        ));
    }
    if let Some(applied) = &thing.applied {
        all.push(format!(
            "Application {} at {}",
            id.namespace(),
            applied.release.version
        ));
    }
    all.extend(
        thing
            .secrets
            .keys()
            .map(|name| format!("Secret {id}/{name}")),
    );
    all
}

fn observation(
    thing: &Thing,
    target: &Target,
    synced: bool,
    trouble: Option<PodFact>,
    at: model::Timestamp,
) -> Observation {
    let mut seen = Observation {
        at,
        namespace: thing.namespace.clone(),
        gate: thing.gate.clone(),
        ..Observation::default()
    };
    let Some(applied) = &thing.applied else {
        return seen;
    };
    let as_wished = applied.release == target.release && applied.overrides == target.overrides;
    let well = synced && trouble.is_none();
    let word = |good: &str, bad: &str| {
        if well {
            good.to_owned()
        } else {
            bad.to_owned()
        }
    };
    seen.application = Some(ApplicationFact {
        as_wished,
        compared: as_wished && synced,
        sync: if synced {
            "Synced".into()
        } else {
            "OutOfSync".into()
        },
        health: word("Healthy", "Progressing"),
        phase: if synced {
            "Succeeded".into()
        } else {
            "Running".into()
        },
        ..ApplicationFact::default()
    });
    for (name, component) in [
        ("cloud-agent", "agent"),
        ("cloud-agent-enterprise", "enterprise-agent"),
        ("vdr-node", "registry-node"),
        ("prism-postgres", "database"),
    ] {
        let bad = !synced
            || trouble
                .as_ref()
                .is_some_and(|pod| pod.component == component);
        seen.workloads.push(WorkloadFact {
            object: format!("Deployment/{name}"),
            component: component.into(),
            wished: 1,
            ready: u32::from(!bad),
            image: String::new(),
        });
    }
    seen.pods.extend(trouble);
    seen.database = Some(if synced {
        "Running".into()
    } else {
        "Creating".into()
    });
    let ready = |object: &str| ReadyFact {
        object: object.into(),
        ready: if synced { "True".into() } else { String::new() },
        ..ReadyFact::default()
    };
    seen.certificate = Some(ready("Certificate/gateway"));
    seen.secrets = vec![ready("ExternalSecret/instance-secrets")];
    seen
}

#[async_trait]
impl ClusterPort for Imagined {
    fn offers(&self) -> Vec<AccessOffer> {
        vec![AccessOffer {
            value: "sandbox:imagined".into(),
            title: "Imagined cluster".into(),
        }]
    }

    async fn check(&self, cluster: &ClusterSettings) -> Vec<CheckLine> {
        let cut = self.world().unreachable.get(&cluster.name).cloned();
        vec![CheckLine {
            name: "Reachable".into(),
            ok: cut.is_none(),
            detail: cut.unwrap_or_else(|| "v1.35.4".into()),
        }]
    }

    async fn observe(&self, target: &Target) -> Result<Observation, ClusterError> {
        self.call(Method::Observe, target, |_| Ok(())).await?;
        Ok(self.observation(target))
    }

    async fn apply_namespace(&self, target: &Target) -> Result<(), ClusterError> {
        self.call(Method::Namespace, target, |thing| {
            if matches!(thing.namespace, NamespaceFact::Terminating { .. }) {
                return Err(ClusterError::Refused(
                    "the namespace is being terminated".into(),
                ));
            }
            thing.namespace = NamespaceFact::Active;
            Ok(())
        })
        .await
    }

    async fn write_secrets(
        &self,
        target: &Target,
        secrets: &[NewSecret],
    ) -> Result<(), ClusterError> {
        self.call(Method::Secrets, target, |thing| {
            for secret in secrets {
                let text = secret.text.expose_secret().to_owned();
                let kept = thing
                    .secrets
                    .entry(secret.name.clone())
                    .or_insert(text)
                    .clone();
                thing
                    .written
                    .push((secret.name.clone(), secret.request_token.clone(), kept));
            }
            Ok(())
        })
        .await
    }

    async fn apply_watchman(
        &self,
        target: &Target,
        key: Option<&PlainToken>,
    ) -> Result<(), ClusterError> {
        self.call(Method::Watchman, target, |thing| {
            in_namespace(thing)?;
            thing.watchman = key.map(|key| key.expose().to_owned());
            Ok(())
        })
        .await
    }

    async fn apply_gate(&self, target: &Target, gate: &Gate) -> Result<(), ClusterError> {
        self.call(Method::Gate, target, |thing| {
            in_namespace(thing)?;
            if thing
                .gate
                .as_ref()
                .is_some_and(|there| there.generation > gate.generation)
            {
                return Err(ClusterError::Refused(
                    "the gate has a later generation".into(),
                ));
            }
            thing.gate = Some(GateFact {
                generation: gate.generation,
                open_to: gate.open_to.clone(),
            });
            Ok(())
        })
        .await
    }

    async fn apply_application(&self, target: &Target) -> Result<(), ClusterError> {
        self.call(Method::Application, target, |thing| {
            in_namespace(thing)?;
            thing.applied = Some(target.clone());
            Ok(())
        })
        .await
    }

    async fn retry_sync(&self, target: &Target) -> Result<(), ClusterError> {
        self.call(Method::RetrySync, target, |_| Ok(())).await
    }

    async fn remove_keys(&self, target: &Target) -> Result<(), ClusterError> {
        self.call(Method::RemoveKeys, target, |thing| {
            thing.watchman = None;
            Ok(())
        })
        .await
    }

    async fn remove_application(&self, target: &Target) -> Result<(), ClusterError> {
        self.call(Method::RemoveApplication, target, |thing| {
            thing.applied = None;
            Ok(())
        })
        .await
    }

    async fn remove_namespace(&self, target: &Target) -> Result<(), ClusterError> {
        let held = self.world().held.contains(&target.instance);
        self.call(Method::RemoveNamespace, target, |thing| {
            if held {
                let blocked_by = vec!["postgresqls.acid.zalan.do has example.org/hold".to_owned()];
                thing.namespace = NamespaceFact::Terminating { blocked_by };
            } else {
                let secrets = std::mem::take(&mut thing.secrets);
                *thing = Thing {
                    secrets,
                    ..Thing::default()
                };
            }
            Ok(())
        })
        .await
    }

    async fn remove_secrets(&self, target: &Target) -> Result<(), ClusterError> {
        self.call(Method::RemoveSecrets, target, |thing| {
            thing.secrets.clear();
            Ok(())
        })
        .await
    }

    async fn leftovers(&self, target: &Target) -> Result<Vec<String>, ClusterError> {
        let id = target.instance.clone();
        self.call(Method::Leftovers, target, |thing| Ok(inventory(&id, thing)))
            .await
    }

    async fn probe(&self, target: &Target, key: &PlainToken) -> Probe {
        let world = self.world();
        let thing = world
            .things
            .get(&target.instance)
            .cloned()
            .unwrap_or_default();
        let (synced, down) = (world.synced, world.broken.contains_key(&target.instance));
        drop(world);
        let known = thing.watchman.as_deref() == Some(key.expose());
        let open = thing
            .gate
            .is_some_and(|gate| gate.open_to.iter().any(|name| name == "watchman"));
        let outcome = match thing.applied.filter(|_| synced) {
            None => ProbeOutcome::Failed {
                stage: "http".into(),
                detail: "no route".into(),
            },
            Some(_) if !known => ProbeOutcome::Refused { status: 401 },
            Some(_) if !open => ProbeOutcome::Refused { status: 403 },
            Some(_) if down => ProbeOutcome::Refused { status: 503 },
            Some(applied) => ProbeOutcome::Answered {
                version: applied.release.version.to_string(),
            },
        };
        Probe {
            at: self.clock.now(),
            millis: 3,
            outcome,
        }
    }

    async fn watch(
        &self,
        cluster: &ClusterSettings,
        targets: Arc<dyn Targets>,
        sink: mpsc::Sender<WatchEvent>,
        mut stop: watch::Receiver<bool>,
    ) {
        self.world().watches += 1;
        let mut changes = self.changes.subscribe();
        let mut last: BTreeMap<InstanceId, Observation> = BTreeMap::new();
        let mut listed = false;
        while !*stop.borrow() {
            let (cut, ids) = {
                let world = self.world();
                let ids: Vec<InstanceId> = world.things.keys().cloned().collect();
                (world.unreachable.get(&cluster.name).cloned(), ids)
            };
            let event = match cut {
                Some(why) => WatchEvent::Unreachable { why },
                None => WatchEvent::Reachable {
                    kubernetes: "v1.35.4".into(),
                },
            };
            let answers = matches!(event, WatchEvent::Reachable { .. });
            if sink.send(event).await.is_err() {
                break;
            }
            for id in ids.into_iter().filter(|_| answers) {
                let Some(target) = targets.target(&id) else {
                    continue;
                };
                let observation = self.observation(&target);
                let same = last.get(&id).is_some_and(|before| {
                    Observation {
                        at: observation.at,
                        ..before.clone()
                    } == observation
                });
                if !same {
                    last.insert(id.clone(), observation.clone());
                    let observation = Box::new(observation);
                    let _ = sink
                        .send(WatchEvent::Seen {
                            instance: id,
                            observation,
                        })
                        .await;
                }
            }
            if answers && !listed {
                listed = true;
                let _ = sink.send(WatchEvent::Listed).await;
            }
            tokio::select! {
                _ = stop.changed() => {}
                _ = changes.changed() => {}
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
            }
        }
        self.world().watches -= 1;
    }
}

fn in_namespace(thing: &Thing) -> Result<(), ClusterError> {
    if thing.namespace == NamespaceFact::Active {
        Ok(())
    } else {
        Err(ClusterError::Refused("the namespace is not there".into()))
    }
}
