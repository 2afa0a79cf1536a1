//! The imagined cluster as the product asks it: every method of the port, done at once, with the fault
//! that a test has ordered for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use model::InstanceId;
use model::cluster::ClusterSettings;
use model::observation::{GateFact, NamespaceFact, Observation, Probe, ProbeOutcome};
use model::secret_text::PlainToken;
use model::view::{AccessOffer, CheckLine};
use secrecy::ExposeSecret as _;
use service::ports::{ClusterError, ClusterPort, Gate, NewSecret, Target, Targets, WatchEvent};
use tokio::sync::{mpsc, watch};

use super::token::Key;
use super::{Imagined, Method, Thing, World, inventory};

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
        consumer: &str,
        key: Option<&PlainToken>,
    ) -> Result<(), ClusterError> {
        self.call(Method::Watchman, target, |thing| {
            in_namespace(thing)?;
            match key {
                Some(key) => {
                    let new = Key {
                        version: None,
                        text: Some(key.expose().to_owned()),
                        consumer: true,
                    };
                    thing.keys.insert(consumer.to_owned(), new);
                }
                None => {
                    thing.keys.remove(consumer);
                }
            }
            Ok(())
        })
        .await
    }

    async fn apply_gate(&self, target: &Target, gate: &Gate) -> Result<(), ClusterError> {
        self.call(Method::Gate, target, |thing| {
            in_namespace(thing)?;
            let other = |there: &GateFact| {
                there.generation == gate.generation && there.open_to != gate.open_to
            };
            if thing
                .gate
                .as_ref()
                .is_some_and(|there| there.generation > gate.generation || other(there))
            {
                return Err(ClusterError::Refused(
                    "the gate has a later generation, or this one with other content".into(),
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
            thing.keys.clear();
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
                thing.empty();
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
        let status = world.gateway.ask(&target.instance, Some(key.expose()));
        drop(world);
        let outcome = match thing.applied.filter(|_| synced && status.is_some()) {
            None => ProbeOutcome::Failed {
                stage: "http".into(),
                detail: "no route".into(),
            },
            Some(_) if status != Some(200) => ProbeOutcome::Refused {
                status: status.unwrap_or_default(),
            },
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
        let _counted = Counted::new(&self.world);
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
                () = tokio::time::sleep(std::time::Duration::from_millis(250)) => {}
            }
        }
    }
}

/// Counts a watch for as long as it is there, however it ends.
struct Counted(Arc<Mutex<World>>);

impl Counted {
    fn new(world: &Arc<Mutex<World>>) -> Self {
        world.lock().unwrap_or_else(PoisonError::into_inner).watches += 1;
        Self(Arc::clone(world))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .watches -= 1;
    }
}

pub(super) fn in_namespace(thing: &Thing) -> Result<(), ClusterError> {
    if thing.namespace == NamespaceFact::Active {
        Ok(())
    } else {
        Err(ClusterError::Refused("the namespace is not there".into()))
    }
}
