//! The ingress controller: the cluster's routes and consumers become states of the gateway.
//!
//! Every change of a route, plugin configuration, consumer or key translates only what it touches;
//! after a short wait that gathers a burst, one whole state is pushed. An object that cannot be
//! translated keeps its last good translation out of the state and says why in its condition.

use super::{Controllers, Role, Task};
use crate::gateway::config::{Config, Rule, translate};
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use base64::Engine;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

const MANAGER: &str = "apisix-ingress-controller";

/// What was translated so far.
#[derive(Default)]
pub struct Memory {
    config: Config,
    /// Hosts that the routes of a namespace contribute to.
    hosts: HashMap<String, Vec<String>>,
    /// Key and full name of each consumer, in loading order by name.
    consumers: BTreeMap<(String, String), (String, Arc<str>)>,
    /// Consumers by the Secret that holds their key.
    readers: HashMap<(String, String), HashSet<Key>>,
}

impl Memory {
    /// The consumers whose key a Secret holds.
    pub fn readers(&self, namespace: &str, secret: &str) -> Vec<Key> {
        let found = self.readers.get(&(namespace.to_owned(), secret.to_owned()));
        found
            .map(|keys| keys.iter().cloned().collect())
            .unwrap_or_default()
    }
}

impl Controllers {
    /// Translates every route of a namespace again.
    pub fn routes(&mut self, task: &Task) {
        let space = &*task.key.namespace.clone();
        let store = self.cluster.store.clone();
        let mut hosts: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
        for entry in store.list(Kind::Route, Some(space)) {
            let route = entry.value();
            if object::terminating(&route) {
                continue;
            }
            let gate = |name: &str| store.object(Kind::PluginConfig, space, name);
            match translate(&route, gate) {
                Ok(made) => {
                    for (host, rules) in made {
                        hosts.entry(host).or_default().extend(rules);
                    }
                    self.accept(&route, Ok(()));
                }
                Err(why) => self.accept(&route, Err(&why)),
            }
        }
        for entry in store.list(Kind::PluginConfig, Some(space)) {
            self.accept(&entry.value(), Ok(()));
        }
        for host in self.ingress.hosts.remove(space).unwrap_or_default() {
            if let Some(spaces) = self.ingress.config.hosts.get_mut(&host) {
                spaces.remove(space);
                if spaces.is_empty() {
                    self.ingress.config.hosts.remove(&host);
                }
            }
        }
        if !hosts.is_empty() {
            self.ingress
                .hosts
                .insert(space.to_owned(), hosts.keys().cloned().collect());
        }
        for (host, rules) in hosts {
            let spaces = self.ingress.config.hosts.entry(host).or_default();
            spaces.insert(space.to_owned(), Arc::new(rules));
        }
        self.plan_push();
    }

    /// Translates one consumer again.
    pub fn consumer(&mut self, task: &Task) {
        let (space, name) = (&*task.key.namespace.clone(), &*task.key.name.clone());
        let place = (space.to_owned(), name.to_owned());
        for readers in self.ingress.readers.values_mut() {
            readers.remove(&task.key);
        }
        self.ingress
            .readers
            .retain(|_, readers| !readers.is_empty());
        let found = self.cluster.store.object(Kind::Consumer, space, name);
        let Some(consumer) = found.filter(|consumer| !object::terminating(consumer)) else {
            if self.ingress.consumers.remove(&place).is_some() {
                self.plan_push();
            }
            return;
        };
        match self.key_of(&task.key, &consumer) {
            Ok(key) => {
                let full: Arc<str> = format!("{space}_{name}").into();
                self.ingress.consumers.insert(place, (key, full));
                self.accept(&consumer, Ok(()));
            }
            Err(why) => {
                self.ingress.consumers.remove(&place);
                self.accept(&consumer, Err(&why));
            }
        }
        self.plan_push();
    }

    fn key_of(&mut self, place: &Key, consumer: &Value) -> Result<String, String> {
        let auth = &consumer["spec"]["authParameter"]["keyAuth"];
        if let Some(key) = object::text(auth, "/value/key") {
            return Ok(key.to_owned());
        }
        let name = object::text(auth, "/secretRef/name").ok_or("no key-auth is declared")?;
        let secret_place = (place.namespace.to_string(), name.to_owned());
        self.ingress
            .readers
            .entry(secret_place)
            .or_default()
            .insert(place.clone());
        let secret = self
            .cluster
            .store
            .object(Kind::Secret, &place.namespace, name)
            .ok_or_else(|| format!("Secret \"{name}\" not found"))?;
        let coded = object::text(&secret, "/data/key")
            .ok_or_else(|| format!("Secret \"{name}\" has no field \"key\""))?;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(coded)
            .map_err(|e| e.to_string())?;
        String::from_utf8(bytes).map_err(|_| format!("the key in Secret \"{name}\" is not text"))
    }

    /// Writes the condition by which the controller says that it took an object, or why not.
    fn accept(&self, value: &Value, result: Result<(), &str>) {
        let generation = value["metadata"]["generation"].clone();
        let kind = match object::text_or_empty(value, "/kind") {
            "ApisixRoute" => Kind::Route,
            "ApisixPluginConfig" => Kind::PluginConfig,
            _ => Kind::Consumer,
        };
        let (status, reason, message) = match result {
            Ok(()) => ("True", "Accepted", "The resource has been accepted"),
            Err(why) => ("False", "InvalidSpec", why),
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
        if let Err(why) = result {
            self.warn(value, MANAGER, "ResourceSyncAborted", why);
        }
    }

    fn plan_push(&mut self) {
        // Bursts gather: real controllers wake up once for many events.
        let wait = if self.instant() { 0.0 } else { 0.35 };
        self.later(Role::Push, &Key::new(Kind::Route, "", ""), wait);
    }

    /// Pushes the whole state to every worker.
    pub fn push(&mut self, _: &Task) {
        self.ingress.config.serial += 1;
        let mut state = self.ingress.config.clone();
        for (key, full) in self.ingress.consumers.values() {
            state.keys.insert(key.clone(), full.clone());
        }
        self.cluster.gateway.push(&Arc::new(state));
    }
}
