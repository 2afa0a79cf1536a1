//! An imagined cluster: Kubernetes, Argo CD, gateway and Secrets Manager as a small world in memory
//! that does at once what it is asked for. Tests break it by method, before or after the effect, and
//! compare how it ends. It keeps the promises of `ClusterPort`, so that whatever converges here does
//! so by the worker's doing.

pub mod gateway;
mod port;
mod token;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::cluster::{
    ChartSource, ClusterAccess, ClusterName, ClusterSettings, Gateway, Purpose, Replicas,
};
use model::observation::{
    ApplicationFact, GateFact, NamespaceFact, Observation, PodFact, ReadyFact, WorkloadFact,
};
use model::{Clock, InstanceId};
use service::ports::{ClusterError, Target, Usage};
use tokio::sync::watch;

use self::gateway::Gateway as ImaginedGateway;
use self::token::{Entry, Key};

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
    /// A token's entry is written.
    WriteToken,
    /// A token's entry goes.
    RemoveToken,
    /// A key and its consumer.
    ApplyKey,
    /// A key and its consumer go.
    RemoveKey,
    /// A look at all keys.
    Keys,
    /// A round at every replica of the gateway.
    Look,
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
    keys: BTreeMap<String, Key>,
    entries: BTreeMap<String, Entry>,
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
    gateway: ImaginedGateway,
    secrets_manager_down: bool,
    external_secrets_down: bool,
    knocks: BTreeMap<InstanceId, Option<u16>>,
    usage: Option<Vec<Usage>>,
}

/// Replicas of the gateway.
pub const REPLICAS: usize = 3;
/// Workers of each.
pub const WORKERS: usize = 2;

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
            replicas: Replicas::default(),
            prometheus_url: None,
        },
        secrets_prefix: format!("hosted-instances/{name}"),
        secrets_role: None,
        capacity,
        cordoned: false,
    }
}

impl Imagined {
    /// An empty world in which everything works.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let world = World {
            synced: true,
            gateway: ImaginedGateway::new(REPLICAS, WORKERS),
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
                thing.empty();
            }
            world.settle();
        }
        drop(world);
        self.changed();
    }

    /// Somebody deletes the namespace of an instance, with all that is in it.
    pub fn lose_namespace(&self, instance: &InstanceId) {
        let mut world = self.world();
        if let Some(thing) = world.things.get_mut(instance) {
            thing.empty();
        }
        world.settle();
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

    /// What was handed over for an instance is not what would be handed over now.
    pub fn age(&self, instance: &InstanceId) {
        if let Some(applied) = self
            .world()
            .things
            .get_mut(instance)
            .and_then(|thing| thing.applied.as_mut())
        {
            applied.release.chart_revision.push_str("-before");
        }
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

    /// A neighbour's instance answers a foreign key with that from now on, or with what its gate says.
    pub fn answer_knocks(&self, neighbour: &InstanceId, status: Option<Option<u16>>) {
        match status {
            Some(status) => self.world().knocks.insert(neighbour.clone(), status),
            None => self.world().knocks.remove(neighbour),
        };
    }

    fn enter(&self, method: Method, target: &Target) -> Result<Option<Fault>, ClusterError> {
        if let Some(why) = self.world().unreachable.get(&target.cluster.name) {
            return Err(ClusterError::Unreachable(why.clone()));
        }
        self.fault(method, target)
    }

    fn fault(&self, method: Method, target: &Target) -> Result<Option<Fault>, ClusterError> {
        let mut world = self.world();
        world.calls.push((method, target.instance.clone()));
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
            let answer = effect(thing);
            world.settle();
            answer
        };
        let looks = [
            Method::Observe,
            Method::Leftovers,
            Method::Keys,
            Method::Look,
        ];
        if !looks.contains(&method) {
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
    for name in thing.keys.keys() {
        all.push(format!("Consumer {}/{name}", id.namespace()));
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
    all.extend(
        thing
            .entries
            .keys()
            .map(|name| format!("Entry {id}/{name}")),
    );
    all
}

impl Thing {
    /// The namespace goes with all that is in it; Secrets Manager is not in it.
    fn empty(&mut self) {
        let (secrets, entries) = (
            std::mem::take(&mut self.secrets),
            std::mem::take(&mut self.entries),
        );
        *self = Self {
            entries,
            secrets,
            ..Self::default()
        };
    }
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
