//! External Secrets: entries of the Secrets Manager become Secrets.
//!
//! Refresh follows the policy of the object: at every change of its generation, labels or
//! annotations (`OnChange`), by interval as well (`Periodic`, where an interval of 0 means once), or
//! once (`CreatedOnce`). `syncedResourceVersion` is the proof that a change was carried out. An error
//! changes the condition and nothing else: a Secret that exists stays. Under `creationPolicy: Owner`
//! the Secret goes with its object, by the cluster's garbage collector.

use super::event::short_digest;
use super::{Controllers, Role, Task};
use crate::clock;
use crate::fault::{ClusterFault, Fault};
use crate::object;
use crate::resource::Kind;
use crate::secrets::operation::read_value;
use crate::store::Key;
use crate::store::delete::Deletion;
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
        let stopped = ClusterFault::ExternalSecretsStopped;
        if object::terminating(&wish) || self.cluster.faults.cluster().contains(&stopped) {
            return;
        }
        let failing = self.cluster.faults.has(space, Fault::SecretNotSynced);
        let was_refused =
            object::condition(&wish, "Ready").is_some_and(|ready| ready["status"] != "True");
        if !failing && !was_refused && !self.due(task, &wish) {
            return;
        }
        if !self.passed(task, "sync", 0.2) {
            return;
        }
        let data = if failing {
            Err(refused(&wish))
        } else {
            self.collect_data(&wish)
        };
        match data.and_then(|data| self.carry_over(&wish, &data)) {
            Ok(said) => {
                self.waiting.remove(&task.key);
                self.say_done(&wish, said);
                if was_refused {
                    self.note(&wish, MANAGER, "Updated", said.message());
                }
                self.plan_refresh(task, &wish);
            }
            Err(why) => self.refuse(task, &wish, &why),
        }
    }

    fn say_done(&self, wish: &Value, said: Done) {
        let (space, name) = (object::namespace(wish), object::name(wish));
        let version = synced_version(wish);
        self.cluster
            .store
            .edit(Kind::ExternalSecret, space, name, MANAGER, |there| {
                object::set(there, &["status", "refreshTime"], json!(clock::stamp()));
                object::set(there, &["status", "syncedResourceVersion"], json!(version));
                object::set(
                    there,
                    &["status", "binding"],
                    json!({"name": target(there)}),
                );
                object::set_condition(there, "Ready", "True", said.reason(), said.message());
            });
    }

    /// Brings the Secret in line with what was read.
    fn carry_over(&self, wish: &Value, data: &Map<String, Value>) -> Result<Done, String> {
        if !data.is_empty() || deletion_policy(wish) != "Delete" {
            return self.write_secret(wish, data).map(|()| Done::Synced);
        }
        let how = creation_policy(wish);
        if how != "Owner" {
            return Err(format!(
                "unable to delete secret: creationPolicy={how} is not Owner"
            ));
        }
        let place = Key::new(Kind::Secret, object::namespace(wish), &target(wish));
        // Gone already is as good.
        let _ = self.cluster.store.delete(&place, &Deletion::now());
        Ok(Done::Deleted)
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

    /// Reads every entry that the object asks for. One that does not exist is an error only under
    /// the policy that retains; else it is left out.
    fn collect_data(&self, wish: &Value) -> Result<Map<String, Value>, String> {
        self.store_of(wish)?;
        let coded = |text: &str| json!(base64::engine::general_purpose::STANDARD.encode(text));
        let mut data = Map::new();
        for from in wish["spec"]["dataFrom"].as_array().into_iter().flatten() {
            let asked = Asked {
                place: "dataFrom[0]",
                key: object::text_or_empty(from, "/extract/key"),
                version: object::text_or_empty(from, "/extract/version"),
                property: "",
            };
            let Some(text) = self.fetch(wish, &asked)? else {
                continue;
            };
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
        let items = wish["spec"]["data"].as_array().into_iter().flatten();
        for (index, item) in items.enumerate() {
            let asked = Asked {
                place: &format!("data[{index}]"),
                key: object::text_or_empty(item, "/remoteRef/key"),
                version: object::text_or_empty(item, "/remoteRef/version"),
                property: object::text_or_empty(item, "/remoteRef/property"),
            };
            if let Some(text) = self.fetch(wish, &asked)? {
                let name = object::text_or_empty(item, "/secretKey").to_owned();
                data.insert(name, coded(&text));
            }
        }
        Ok(data)
    }

    fn fetch(&self, wish: &Value, asked: &Asked<'_>) -> Result<Option<String>, String> {
        let Asked { place, key, .. } = *asked;
        match read_value(&self.cluster, key, asked.version, asked.property) {
            Ok(text) => Ok(Some(text)),
            Err(refusal) if refusal.code == "ResourceNotFoundException" => {
                if deletion_policy(wish) != "Retain" {
                    return Ok(None);
                }
                Err(format!(
                    "error processing spec.{place} (key: {key}), err: Secret does not exist"
                ))
            }
            Err(refusal) => Err(format!(
                "error processing spec.{place} (key: {key}), err: {}: {}",
                refusal.code, refusal.message
            )),
        }
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

    fn write_secret(&self, wish: &Value, data: &Map<String, Value>) -> Result<(), String> {
        let (space, target) = (object::namespace(wish), target(wish));
        let policy = creation_policy(wish);
        if policy == "None" {
            return Ok(());
        }
        let store = &self.cluster.store;
        let found = store.object(Kind::Secret, space, &target);
        if found.is_none() && policy == "Merge" {
            return Err(format!(
                "the desired secret {target} was not found. With creationPolicy=Merge, the secret \
                 won't be created"
            ));
        }
        let owners = (policy == "Owner").then(|| json!([object::owner(wish)]));
        if let Some(other) = found.as_ref().and_then(|found| controller(found, wish))
            && owners.is_some()
        {
            return Err(format!(
                "target is owned by another ExternalSecret: {other}"
            ));
        }
        let mut secret = json!({
            "metadata": {
                "name": target,
                "namespace": space,
                "labels": {"reconcile.external-secrets.io/managed": "true"},
            },
            "type": "Opaque",
            "data": data,
        });
        if let Some(owners) = &owners {
            secret["metadata"]["ownerReferences"] = owners.clone();
        }
        let made = store.create(Kind::Secret, secret, &Write::by(MANAGER));
        if made.is_err() {
            store.edit(Kind::Secret, space, &target, MANAGER, |there| {
                if policy == "Merge" {
                    for (name, value) in data {
                        object::set(there, &["data", name], value.clone());
                    }
                } else {
                    object::set(there, &["data"], json!(data));
                }
                if let Some(owners) = &owners {
                    object::set(there, &["metadata", "ownerReferences"], owners.clone());
                }
            });
        }
        Ok(())
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

/// One entry that is asked for, and the place in the object that asks for it.
struct Asked<'a> {
    place: &'a str,
    key: &'a str,
    version: &'a str,
    property: &'a str,
}

/// How a refresh ended.
#[derive(Clone, Copy)]
enum Done {
    Synced,
    Deleted,
}

impl Done {
    fn reason(self) -> &'static str {
        match self {
            Self::Synced => "SecretSynced",
            Self::Deleted => "SecretDeleted",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Synced => "secret synced",
            Self::Deleted => "secret deleted due to DeletionPolicy",
        }
    }
}

fn deletion_policy(wish: &Value) -> &str {
    object::text(wish, "/spec/target/deletionPolicy").unwrap_or("Retain")
}

fn creation_policy(wish: &Value) -> &str {
    object::text(wish, "/spec/target/creationPolicy").unwrap_or("Owner")
}

/// The other object that controls a Secret, if any.
fn controller<'a>(secret: &'a Value, wish: &Value) -> Option<&'a str> {
    let owners = secret.pointer("/metadata/ownerReferences")?.as_array()?;
    let other = owners
        .iter()
        .find(|owner| owner["controller"] == true && owner["uid"] != object::uid(wish));
    other.map(|owner| object::text_or_empty(owner, "/name"))
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
