//! External Secrets: entries of the Secrets Manager become Secrets.
//!
//! Refresh follows the policy of the object: at every change of its generation, labels or
//! annotations (`OnChange`), by interval as well (`Periodic`, where an interval of 0 means once), or
//! once (`CreatedOnce`). `syncedResourceVersion` is the proof that a change was carried out. An error
//! changes the condition and nothing else: a Secret that exists stays.

use super::event::short_digest;
use super::{Controllers, Role, Task};
use crate::clock;
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use crate::secrets::operation::read_value;
use crate::store::write::Write;
use base64::Engine;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

const MANAGER: &str = "external-secrets";
/// Seconds of real time after which a failure is tried again even if nothing changed.
const AGAIN: Duration = Duration::from_secs(15);

impl Controllers {
    pub fn external_secret(&mut self, task: &Task) {
        let (space, name) = (&*task.key.namespace.clone(), &*task.key.name.clone());
        let Some(wish) = self.cluster.store.object(Kind::ExternalSecret, space, name) else {
            self.waiting.remove(&task.key);
            return self.forget(task);
        };
        if object::terminating(&wish) {
            return;
        }
        let failing = self.cluster.faults.has(space, Fault::SecretNotSynced);
        let was_refused =
            object::condition(&wish, "Ready").is_some_and(|ready| ready["status"] != "True");
        if !failing && !was_refused && !self.due(task, &wish) {
            return;
        }
        if !self.passed(task, "sync", 0.6) {
            return;
        }
        let data = if failing {
            Err(refused(&wish))
        } else {
            self.collect_data(&wish)
        };
        match data {
            Ok(data) => {
                self.waiting.remove(&task.key);
                self.write_secret(&wish, &data);
                let version = synced_version(&wish);
                let said =
                    self.cluster
                        .store
                        .edit(Kind::ExternalSecret, space, name, MANAGER, |there| {
                            object::set(there, &["status", "refreshTime"], json!(clock::stamp()));
                            object::set(
                                there,
                                &["status", "syncedResourceVersion"],
                                json!(version),
                            );
                            object::set(
                                there,
                                &["status", "binding"],
                                json!({"name": target(there)}),
                            );
                            object::set_condition(
                                there,
                                "Ready",
                                "True",
                                "SecretSynced",
                                "secret synced",
                            );
                        });
                if said.is_some() && was_refused {
                    self.note(&wish, MANAGER, "Updated", "secret synced");
                }
                self.plan_refresh(task, &wish);
            }
            Err(why) => self.refuse(task, &wish, &why),
        }
    }

    fn refuse(&mut self, task: &Task, wish: &Value, why: &str) {
        let (space, name) = (&*task.key.namespace, &*task.key.name);
        let known = object::condition(wish, "Ready")
            .is_some_and(|ready| ready["reason"] == "SecretSyncedError");
        if !known {
            self.warn(wish, MANAGER, "UpdateFailed", why);
            self.cluster
                .store
                .edit(Kind::ExternalSecret, space, name, MANAGER, |there| {
                    let message = "could not get secret data from provider";
                    object::set_condition(there, "Ready", "False", "SecretSyncedError", message);
                });
        }
        self.waiting.insert(task.key.clone());
        self.queue.add(task.clone(), Instant::now() + AGAIN);
    }

    /// Whether the policy asks for a refresh now.
    fn due(&self, task: &Task, wish: &Value) -> bool {
        let target = target(wish);
        let missing = self
            .cluster
            .store
            .get(Kind::Secret, &task.key.namespace, &target)
            .is_none();
        let Some(last) = object::text(wish, "/status/refreshTime").and_then(clock::parse) else {
            return true;
        };
        let changed =
            object::text_or_empty(wish, "/status/syncedResourceVersion") != synced_version(wish);
        let elapsed = || {
            let since = clock::now() - last;
            interval(wish).is_some_and(|every| since >= every)
        };
        match object::text(wish, "/spec/refreshPolicy").unwrap_or("Periodic") {
            "CreatedOnce" => false,
            "OnChange" => changed || missing,
            _ => interval(wish).is_some() && (changed || missing || elapsed()),
        }
    }

    fn plan_refresh(&mut self, task: &Task, wish: &Value) {
        let periodic =
            object::text(wish, "/spec/refreshPolicy").is_none_or(|policy| policy == "Periodic");
        if let Some(every) = interval(wish).filter(|_| periodic) {
            self.queue.add(
                task.clone(),
                Instant::now() + every + Duration::from_secs(1),
            );
        }
    }

    /// Reads every entry that the object asks for.
    fn collect_data(&self, wish: &Value) -> Result<Map<String, Value>, String> {
        self.store_of(wish)?;
        let coded = |text: &str| json!(base64::engine::general_purpose::STANDARD.encode(text));
        let mut data = Map::new();
        for from in wish["spec"]["dataFrom"].as_array().into_iter().flatten() {
            let key = object::text_or_empty(from, "/extract/key");
            let version = object::text_or_empty(from, "/extract/version");
            let text = self.fetch("dataFrom[0]", key, version, "")?;
            let map: Map<String, Value> = serde_json::from_str(&text).map_err(|error| {
                format!("error processing spec.dataFrom[0].extract, err: {error}")
            })?;
            for (name, value) in map {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                data.insert(name, coded(&text));
            }
        }
        for (index, item) in wish["spec"]["data"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let place = format!("data[{index}]");
            let text = self.fetch(
                &place,
                object::text_or_empty(item, "/remoteRef/key"),
                object::text_or_empty(item, "/remoteRef/version"),
                object::text_or_empty(item, "/remoteRef/property"),
            )?;
            data.insert(
                object::text_or_empty(item, "/secretKey").to_owned(),
                coded(&text),
            );
        }
        Ok(data)
    }

    fn fetch(
        &self,
        place: &str,
        key: &str,
        version: &str,
        property: &str,
    ) -> Result<String, String> {
        read_value(&self.cluster, key, version, property).map_err(|refusal| {
            let why = if refusal.code == "ResourceNotFoundException" {
                "Secret does not exist".to_owned()
            } else {
                format!("{}: {}", refusal.code, refusal.message)
            };
            format!("error processing spec.{place} (key: {key}), err: {why}")
        })
    }

    /// The store that the object names must be there.
    fn store_of(&self, wish: &Value) -> Result<(), String> {
        let name = object::text_or_empty(wish, "/spec/secretStoreRef/name");
        let kind = object::text(wish, "/spec/secretStoreRef/kind").unwrap_or("SecretStore");
        let (kind, space) = match kind {
            "ClusterSecretStore" => (Kind::ClusterSecretStore, ""),
            _ => (Kind::SecretStore, object::namespace(wish)),
        };
        let found = self.cluster.store.get(kind, space, name);
        found.map(drop).ok_or_else(|| {
            let row = kind.definition();
            format!(
                "could not get {} \"{name}\", {}.{} \"{name}\" not found",
                row.name, row.plural, row.group
            )
        })
    }

    fn write_secret(&self, wish: &Value, data: &Map<String, Value>) {
        let (space, target) = (object::namespace(wish), target(wish));
        if object::text(wish, "/spec/target/creationPolicy") == Some("None") {
            return;
        }
        let owned =
            object::text(wish, "/spec/target/creationPolicy").is_none_or(|how| how == "Owner");
        let mut secret = json!({
            "metadata": {
                "name": target,
                "namespace": space,
                "labels": {"reconcile.external-secrets.io/managed": "true"},
            },
            "type": "Opaque",
            "data": data,
        });
        if owned {
            secret["metadata"]["ownerReferences"] = json!([object::owner(wish)]);
        }
        let made = self
            .cluster
            .store
            .create(Kind::Secret, secret.clone(), &Write::by(MANAGER));
        if made.is_err() {
            self.cluster
                .store
                .edit(Kind::Secret, space, &target, MANAGER, |there| {
                    object::set(there, &["data"], secret["data"].clone());
                });
        }
    }

    /// Stores are valid as soon as they exist.
    pub fn secret_store(&mut self, task: &Task) {
        let key = &task.key;
        self.cluster
            .store
            .edit(key.kind, &key.namespace, &key.name, MANAGER, |store| {
                object::set(store, &["status", "capabilities"], json!("ReadWrite"));
                object::set_condition(store, "Ready", "True", "Valid", "store validated");
            });
        for waiting in std::mem::take(&mut self.waiting) {
            self.soon(Role::ExternalSecret, &waiting);
        }
    }
}

fn target(wish: &Value) -> String {
    object::text(wish, "/spec/target/name")
        .unwrap_or(object::name(wish))
        .to_owned()
}

fn refused(wish: &Value) -> String {
    let key = object::text(wish, "/spec/data/0/remoteRef/key")
        .or(object::text(wish, "/spec/dataFrom/0/extract/key"))
        .unwrap_or("");
    format!(
        "error processing spec.data[0] (key: {key}), err: operation error Secrets Manager: \
         GetSecretValue, https response error StatusCode: 400, api error AccessDeniedException: \
         User: arn:aws:sts::000000000000:assumed-role/external-secrets is not authorized to \
         perform: secretsmanager:GetSecretValue on resource: {key}"
    )
}

/// `<generation>-<hash of labels and annotations>`.
fn synced_version(wish: &Value) -> String {
    let generation = object::number(wish, "/metadata/generation").unwrap_or(0);
    let metadata = &wish["metadata"];
    let text = format!("{}{}", metadata["labels"], metadata["annotations"]);
    format!("{generation}-{}", short_digest(&text))
}

/// The refresh interval; none for 0.
fn interval(wish: &Value) -> Option<Duration> {
    let text = match &wish["spec"]["refreshInterval"] {
        Value::String(text) => text.as_str(),
        Value::Null => "1h",
        _ => "0",
    };
    let seconds = duration(text)?;
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds))
}

/// A Go duration such as `1h30m` or `15s`, in seconds.
fn duration(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut number = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() || letter == '.' {
            number.push(letter);
            continue;
        }
        let factor = match letter {
            'h' => 3_600.0,
            'm' => 60.0,
            's' => 1.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        number.clear();
    }
    if number.is_empty() {
        Some(total)
    } else {
        number.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_go_writes_them() {
        assert_eq!(duration("1h30m"), Some(5_400.0));
        assert_eq!(duration("15s"), Some(15.0));
        assert_eq!(duration("0"), Some(0.0));
        assert_eq!(duration("soon"), None);
        assert_eq!(interval(&json!({"spec": {"refreshInterval": "0"}})), None);
        assert_eq!(
            interval(&json!({"spec": {}})),
            Some(Duration::from_hours(1))
        );
    }

    #[test]
    fn an_annotation_changes_the_synced_version() {
        let before = json!({"metadata": {"generation": 1}});
        let after = json!({"metadata": {"generation": 1, "annotations": {"force-sync": "2"}}});
        assert_ne!(synced_version(&before), synced_version(&after));
    }
}
