//! The ingress controller: the cluster's routes and consumers become items of the gateway.
//!
//! Every change of a route, plugin configuration, consumer or key translates only what it touches;
//! after a short wait that gathers a burst, all that changed is pushed. An object that cannot be
//! translated, or whose Secret is missing, keeps its last good translation at the gateway and says
//! why in its condition: what is not said to be gone goes on being served.

mod ledger;

use super::{Controllers, Role, Task};
use crate::fault::ClusterFault;
use crate::gateway::rule::{RuleId, translate};
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use base64::Engine;
use ledger::{ItemId, Ledger, Wish};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use tokio::time::Instant;

const MANAGER: &str = "apisix-ingress-controller";
/// Seconds for which a burst gathers: real controllers wake up once for many events.
const GATHER: f64 = 0.12;

/// What was translated so far.
#[derive(Default)]
pub struct Memory {
    ledger: Ledger,
    /// Rules of each route, by namespace and name of the route.
    routes: HashMap<String, BTreeMap<String, BTreeSet<RuleId>>>,
    /// Consumers by the Secret that holds their key.
    readers: HashMap<(String, String), HashSet<Key>>,
    /// The Secret that a consumer reads, by namespace and name.
    reads: HashMap<Key, (String, String)>,
}

impl Memory {
    /// The consumers whose key a Secret holds.
    pub fn readers(&self, namespace: &str, secret: &str) -> Vec<Key> {
        let found = self.readers.get(&(namespace.to_owned(), secret.to_owned()));
        found
            .map(|keys| keys.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// A consumer reads its key from this Secret from now on, or from none.
    fn read(&mut self, consumer: &Key, secret: Option<(String, String)>) {
        if let Some(place) = self.reads.remove(consumer)
            && let Some(readers) = self.readers.get_mut(&place)
        {
            readers.remove(consumer);
            if readers.is_empty() {
                self.readers.remove(&place);
            }
        }
        if let Some(place) = secret {
            let readers = self.readers.entry(place.clone()).or_default();
            readers.insert(consumer.clone());
            self.reads.insert(consumer.clone(), place);
        }
    }

    /// Takes the rules of a route out that it has no longer.
    fn withdraw(&mut self, rules: impl IntoIterator<Item = RuleId>) -> bool {
        let mut changed = false;
        for rule in rules {
            changed |= self.ledger.set(ItemId::Rule(rule), None);
        }
        changed
    }
}

impl Controllers {
    /// Translates every route of a namespace again.
    pub fn routes(&mut self, task: &Task) {
        let space = &*task.key.namespace.clone();
        let store = self.cluster.store.clone();
        let mut gone = self.ingress.routes.remove(space).unwrap_or_default();
        let mut known = BTreeMap::new();
        let mut changed = false;
        for entry in store.list(Kind::Route, Some(space)) {
            let route = entry.value();
            if object::terminating(&route) {
                continue;
            }
            let mut before = gone.remove(&*entry.key.name).unwrap_or_default();
            let config = |space: &str, name: &str| store.object(Kind::PluginConfig, space, name);
            match translate(&route, config) {
                Ok(made) => {
                    let now: BTreeSet<RuleId> = made.keys().cloned().collect();
                    for (id, rule) in made {
                        before.remove(&id);
                        let wish = Some(Wish::Rule(rule));
                        changed |= self.ingress.ledger.set(ItemId::Rule(id), wish);
                    }
                    changed |= self.ingress.withdraw(before);
                    known.insert(entry.key.name.to_string(), now);
                    self.accept_route(&route);
                }
                Err(why) => {
                    known.insert(entry.key.name.to_string(), before);
                    self.accept(&route, Err(("InvalidSpec", &why)));
                }
            }
        }
        changed |= self.ingress.withdraw(gone.into_values().flatten());
        if !known.is_empty() {
            self.ingress.routes.insert(space.to_owned(), known);
        }
        for entry in store.list(Kind::PluginConfig, Some(space)) {
            self.accept(&entry.value(), Ok(()));
        }
        if changed {
            self.plan_push();
        }
    }

    /// Translates one consumer again.
    pub fn consumer(&mut self, task: &Task) {
        let (space, name) = (&*task.key.namespace.clone(), &*task.key.name.clone());
        self.ingress.read(&task.key, None);
        let full: Arc<str> = format!("{space}_{name}").into();
        let found = self.cluster.store.object(Kind::Consumer, space, name);
        let wish = match found.filter(|consumer| !object::terminating(consumer)) {
            None => None,
            Some(consumer) => match self.key_of(&task.key, &consumer) {
                Ok(key) => {
                    self.accept(&consumer, Ok(()));
                    Some(Wish::Consumer(key.into()))
                }
                // The key that it had goes on opening: only a consumer that is deleted is gone.
                Err(why) => return self.accept(&consumer, Err(("InvalidSpec", &why))),
            },
        };
        if self.ingress.ledger.set(ItemId::Consumer(full), wish) {
            self.plan_push();
        }
    }

    fn key_of(&mut self, place: &Key, consumer: &Value) -> Result<String, String> {
        let wrong = |why: &str| format!("invalid key auth config: {why}");
        let auth = &consumer["spec"]["authParameter"]["keyAuth"];
        if let Some(key) = object::text(auth, "/value/key") {
            return Ok(key.to_owned());
        }
        let name = object::text(auth, "/secretRef/name").ok_or("no key-auth is declared")?;
        self.ingress
            .read(place, Some((place.namespace.to_string(), name.to_owned())));
        let secret = self
            .cluster
            .store
            .object(Kind::Secret, &place.namespace, name)
            .ok_or_else(|| wrong(&format!("secret {}/{name} not found", place.namespace)))?;
        let unusable = || wrong("key \"key\" not found or invalid in secret");
        let coded = object::text(&secret, "/data/key").filter(|coded| !coded.is_empty());
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(coded.ok_or_else(unusable)?)
            .map_err(|_| unusable())?;
        String::from_utf8(bytes).map_err(|_| unusable())
    }

    /// What the controller says of a route: it took it, unless the gateway refused a rule of it.
    fn accept_route(&self, route: &Value) {
        let (space, name) = (object::namespace(route), object::name(route));
        match self.ingress.ledger.refusal(space, name) {
            Some(why) => self.accept(route, Err(("SyncFailed", why))),
            None => self.accept(route, Ok(())),
        }
    }

    /// Writes the condition by which the controller says that it took an object, or why not.
    fn accept(&self, value: &Value, result: Result<(), (&str, &str)>) {
        let generation = value["metadata"]["generation"].clone();
        let kind = match object::text_or_empty(value, "/kind") {
            "ApisixRoute" => Kind::Route,
            "ApisixPluginConfig" => Kind::PluginConfig,
            _ => Kind::Consumer,
        };
        let (status, reason, message) = match result {
            Ok(()) => ("True", "Accepted", "The resource has been accepted"),
            Err((reason, why)) => ("False", reason, why),
        };
        let known = object::condition(value, "Accepted").is_some_and(|found| {
            found["status"] == status
                && found["message"] == message
                && found["observedGeneration"] == generation
        });
        if known {
            return;
        }
        let (space, name) = (object::namespace(value), object::name(value));
        self.cluster
            .store
            .edit(kind, space, name, MANAGER, |there| {
                object::set_condition(there, "Accepted", status, reason, message);
                let list = there
                    .pointer_mut("/status/conditions")
                    .and_then(Value::as_array_mut);
                if let Some(one) =
                    list.and_then(|list| list.iter_mut().find(|one| one["type"] == "Accepted"))
                {
                    one["observedGeneration"] = json!(generation);
                }
            });
        if let Err((_, why)) = result {
            self.warn(value, MANAGER, "ResourceSyncAborted", why);
        }
    }

    /// Plans a push of what changed.
    pub fn plan_push(&mut self) {
        let wait = if self.instant() { 0.0 } else { GATHER };
        self.later(Role::Push, &Key::new(Kind::Route, "", ""), wait);
    }

    /// Pushes everything that is owed to the gateway, and plans to try again what it does not take.
    pub fn push(&mut self, task: &Task) {
        let faults = self.cluster.faults.cluster();
        let fails = faults.contains(&ClusterFault::GatewayPushFails);
        let push = self.ingress.ledger.push(fails);
        self.cluster.gateway.send(&push.items);
        for (space, name) in &push.routes {
            if let Some(route) = self.cluster.store.object(Kind::Route, space, name) {
                self.accept_route(&route);
            }
        }
        if self.ingress.ledger.is_owing() {
            let wait = self.ingress.ledger.wait(self.cluster.pace.0);
            self.queue.add(task.clone(), Instant::now() + wait);
        }
    }
}
