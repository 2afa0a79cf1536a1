//! The imagined cluster as tokens need it: Secrets Manager with entries, External Secrets that brings
//! them, consumers, and the gateway's answers.

use async_trait::async_trait;
use model::InstanceId;
use model::cluster::ClusterSettings;
use model::enforcement::GatewayLook;
use model::observation::{GateFact, NamespaceFact};
use model::secret_text::PlainToken;
use service::ports::{ClusterError, KeyFact, KeyWish, NewTokenEntry, Target, TokenPort, Usage};

use super::gateway::{Config, Door, Trouble};
use super::port::in_namespace;
use super::{Fault, Imagined, Method, Thing, World};

/// A key on the cluster: what pins it, what External Secrets brought, and its consumer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// None for a watchman's, which comes without an `ExternalSecret`.
    pub version: Option<String>,
    pub text: Option<String>,
    pub consumer: bool,
}

/// An entry in Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub version: String,
    pub text: String,
}

impl World {
    /// External Secrets and the ingress controller do what they do after every change.
    pub(super) fn settle(&mut self) {
        if !self.external_secrets_down {
            for thing in self.things.values_mut() {
                let entries = &thing.entries;
                for (name, key) in &mut thing.keys {
                    let Some(version) = &key.version else {
                        continue;
                    };
                    let entry = entries.get(name).filter(|entry| entry.version == *version);
                    if let Some(entry) = entry {
                        key.text = Some(entry.text.clone());
                    }
                }
            }
        }
        let wished = self.wished();
        self.gateway.push(wished);
    }

    fn wished(&self) -> Config {
        let mut config = Config::default();
        for (id, thing) in &self.things {
            if thing.namespace == NamespaceFact::Absent {
                continue;
            }
            let full = |name: &String| format!("{}_{name}", id.namespace());
            if let (Some(gate), Some(_)) = (&thing.gate, &thing.applied) {
                let door = Door {
                    generation: gate.generation,
                    open_to: gate.open_to.iter().map(full).collect(),
                };
                config.doors.insert(id.clone(), door);
            }
            for (name, key) in &thing.keys {
                if let (Some(text), true) = (&key.text, key.consumer) {
                    config.keys.insert(text.clone(), full(name));
                }
            }
        }
        config
    }
}

impl Imagined {
    /// Something is the matter with a replica of the gateway from now on.
    pub fn replica(&self, number: usize, trouble: Trouble) {
        self.world().gateway.trouble(number, trouble);
    }

    /// Pushes to the gateway break off half-way from now on, or do so no more.
    pub fn half_pushes(&self, half: bool) {
        self.world().gateway.half(half);
    }

    /// Nobody knows how many workers a replica has.
    pub fn hide_workers(&self) {
        self.world().gateway.hide_workers();
    }

    /// Secrets Manager stops answering, or answers again.
    pub fn secrets_manager(&self, works: bool) {
        self.world().secrets_manager_down = !works;
    }

    /// External Secrets stops working, or works again.
    pub fn external_secrets(&self, works: bool) {
        let mut world = self.world();
        world.external_secrets_down = !works;
        world.settle();
    }

    /// Everything about tokens works again: gateway, Secrets Manager, External Secrets.
    pub fn heal_tokens(&self) {
        let mut world = self.world();
        world.secrets_manager_down = false;
        world.external_secrets_down = false;
        world.gateway.heal();
        world.settle();
    }

    /// Time goes on at the gateway without anybody asking.
    pub fn tick(&self) {
        self.world().gateway.tick();
    }

    /// Whether any worker of any replica lets that key into an instance.
    pub fn opens(&self, instance: &InstanceId, key: &str) -> bool {
        self.world().gateway.opens(instance, key)
    }

    /// The status that a request through the load balancer is answered with.
    pub fn ask(&self, instance: &InstanceId, key: Option<&str>) -> Option<u16> {
        self.world().gateway.ask(instance, key)
    }

    /// Names of the entries of tokens that Secrets Manager keeps for an instance.
    pub fn entries(&self, instance: &InstanceId) -> Vec<String> {
        let world = self.world();
        let thing = world.things.get(instance);
        thing.map_or_else(Vec::new, |it| it.entries.keys().cloned().collect())
    }

    /// Names of the consumers of an instance.
    pub fn consumers(&self, instance: &InstanceId) -> Vec<String> {
        let world = self.world();
        let keys = world
            .things
            .get(instance)
            .into_iter()
            .flat_map(|it| &it.keys);
        keys.filter(|(_, key)| key.consumer)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Somebody deletes a key of an instance by hand.
    pub fn steal_key(&self, instance: &InstanceId, consumer: &str) {
        let mut world = self.world();
        if let Some(thing) = world.things.get_mut(instance) {
            thing.keys.remove(consumer);
        }
        world.settle();
        drop(world);
        self.changed();
    }

    /// Somebody makes a consumer by hand that looks like one of ours.
    pub fn plant_key(&self, instance: &InstanceId, consumer: &str, text: &str) {
        let mut world = self.world();
        let key = Key {
            version: Some("somebody".to_owned()),
            text: Some(text.to_owned()),
            consumer: true,
        };
        let thing = world.things.entry(instance.clone()).or_default();
        thing.keys.insert(consumer.to_owned(), key);
        world.settle();
        drop(world);
        self.changed();
    }

    /// Somebody writes another whitelist into the gate by hand, without another generation.
    pub fn edit_gate(&self, instance: &InstanceId, open_to: &[&str]) {
        let there = |world: &World| {
            world
                .things
                .get(instance)?
                .gate
                .as_ref()
                .map(|it| it.generation)
        };
        let generation = there(&self.world()).unwrap_or_default();
        self.forge_gate(instance, generation, open_to);
    }

    /// Somebody writes a gate of their own by hand.
    pub fn forge_gate(&self, instance: &InstanceId, generation: i64, open_to: &[&str]) {
        let mut world = self.world();
        let thing = world.things.entry(instance.clone()).or_default();
        thing.gate = Some(GateFact {
            generation,
            open_to: open_to.iter().map(|name| (*name).to_owned()).collect(),
        });
        world.settle();
        drop(world);
        self.changed();
    }

    /// What the cluster's metrics tell of requests per consumer from now on.
    pub fn count_usage(&self, usage: Option<Vec<Usage>>) {
        self.world().usage = usage;
    }

    /// A call to Secrets Manager, which the cluster has no part in.
    async fn manager<T: Send>(
        &self,
        method: Method,
        target: &Target,
        effect: impl FnOnce(&mut Thing) -> T + Send,
    ) -> Result<T, ClusterError> {
        let fault = self.fault(method, target)?;
        let answer = {
            let mut world = self.world();
            if world.secrets_manager_down {
                let why = "Secrets Manager does not answer".to_owned();
                return Err(ClusterError::SecretsManager(why));
            }
            let thing = world.things.entry(target.instance.clone()).or_default();
            let answer = effect(thing);
            world.settle();
            answer
        };
        match fault {
            Some(Fault::After(error)) => Err(error),
            Some(Fault::Silence) => std::future::pending().await,
            _ => Ok(answer),
        }
    }
}

#[async_trait]
impl TokenPort for Imagined {
    async fn write_token(
        &self,
        target: &Target,
        entry: &NewTokenEntry,
    ) -> Result<(), ClusterError> {
        self.manager(Method::WriteToken, target, |thing| {
            let new = Entry {
                version: entry.request_token.clone(),
                text: entry.token.expose().to_owned(),
            };
            thing.entries.entry(entry.consumer.clone()).or_insert(new);
        })
        .await
    }

    async fn remove_token(&self, target: &Target, consumer: &str) -> Result<(), ClusterError> {
        self.manager(Method::RemoveToken, target, |thing| {
            thing.entries.remove(consumer);
        })
        .await
    }

    async fn apply_key(&self, target: &Target, key: &KeyWish) -> Result<(), ClusterError> {
        self.call(Method::ApplyKey, target, |thing| {
            in_namespace(thing)?;
            let there = thing.keys.entry(key.consumer.clone()).or_default();
            if there.version.as_deref() != Some(&*key.version) {
                there.text = None;
            }
            there.version = Some(key.version.clone());
            there.consumer = true;
            Ok(())
        })
        .await
    }

    async fn remove_key(&self, target: &Target, consumer: &str) -> Result<(), ClusterError> {
        self.call(Method::RemoveKey, target, |thing| {
            thing.keys.remove(consumer);
            Ok(())
        })
        .await
    }

    async fn keys(&self, target: &Target) -> Result<Vec<KeyFact>, ClusterError> {
        let down = self.world().external_secrets_down;
        self.call(Method::Keys, target, |thing| {
            let facts = thing.keys.iter().map(|(name, key)| KeyFact {
                consumer: name.clone(),
                version: key.version.clone(),
                synced: key.text.is_some(),
                sync_message: match (&key.text, down) {
                    (None, true) => "External Secrets does not answer".to_owned(),
                    (None, false) => "the entry is not there".to_owned(),
                    (Some(_), _) => String::new(),
                },
                consumer_present: key.consumer,
                accepted: key.consumer.then_some(Ok(())),
            });
            Ok(facts.collect())
        })
        .await
    }

    async fn look(&self, target: &Target, _generation: i64) -> Result<GatewayLook, ClusterError> {
        let routed = self
            .call(Method::Look, target, |thing| Ok(thing.applied.is_some()))
            .await?;
        let mut world = self.world();
        world.gateway.tick();
        Ok(world.gateway.look(&target.instance, routed))
    }

    async fn knock(&self, neighbour: &Target, key: &PlainToken) -> Option<u16> {
        let world = self.world();
        let told = world.knocks.get(&neighbour.instance).copied();
        told.unwrap_or_else(|| world.gateway.ask(&neighbour.instance, Some(key.expose())))
    }

    async fn usage(&self, _: &ClusterSettings) -> Result<Option<Vec<Usage>>, ClusterError> {
        Ok(self.world().usage.clone())
    }
}
