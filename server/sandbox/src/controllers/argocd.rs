//! Argo CD: Applications become the objects of an instance.
//!
//! The flow of the real controller in the order in which its traces can be seen: the project's
//! fence, the sources, the comparison, the operation, the health. There is no observed generation;
//! whoever wants to know which spec a status belongs to compares `status.sync.comparedTo`. A sync that
//! failed is not tried again for the same revision unless somebody sets `operation`.

mod chart;
mod health;
mod project;
mod removal;
mod render;
mod source;
mod status;
mod sync;

use super::{Controllers, Task};
use crate::cluster::{APPLICATIONS, ARGO};
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use health::Health;
use serde_json::{Value, json};
use source::Plan;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

pub const MANAGER: &str = "argocd-application-controller";
const REFRESH: &str = "argocd.argoproj.io/refresh";
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";
/// Real seconds after which an Application is compared although nothing woke it.
const RESYNC: Duration = Duration::from_mins(3);

/// What Argo CD keeps in memory.
#[derive(Default)]
pub struct Memory {
    /// Applications by destination namespace and name.
    placed: HashMap<(String, String), Key>,
    compared: HashMap<Key, Seen>,
}

/// What Argo CD deploys for an instance of a release with these values.
pub fn rendered(version: &str, values: &Value) -> Vec<Value> {
    let plan = Plan::of_values(version, values);
    render::parts(&plan)
        .map(|(kind, name)| render::part(kind, name, &plan))
        .collect()
}

/// The last comparison of an Application.
#[derive(Default)]
struct Seen {
    plan: u64,
    parts: HashMap<(Kind, String), Part>,
    resync: Option<Instant>,
}

/// How one object of an Application compares.
#[derive(Clone)]
pub struct Part {
    kind: Kind,
    name: String,
    /// The version of the live object; 0 when there is none.
    version: u64,
    in_sync: bool,
    /// Not in the chart any more.
    extra: bool,
    health: Health,
}

impl Memory {
    /// The Application that deploys a release into a namespace.
    pub fn application(&self, namespace: &str, name: &str) -> Option<Key> {
        self.placed
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    fn forget(&mut self, key: &Key) {
        self.compared.remove(key);
        self.placed.retain(|_, placed| placed != key);
    }
}

impl Controllers {
    pub fn application(&mut self, task: &Task) {
        let key = task.key.clone();
        if !matches!(&*key.namespace, ARGO | APPLICATIONS) {
            return;
        }
        let found = self
            .cluster
            .store
            .object(Kind::Application, &key.namespace, &key.name);
        let Some(application) = found else {
            self.argo.forget(&key);
            return self.forget(task);
        };
        let target = object::text_or_empty(&application, "/spec/destination/namespace").to_owned();
        self.argo
            .placed
            .insert((target, key.name.to_string()), key.clone());
        if object::terminating(&application) {
            return self.remove_application(task, &application);
        }
        if object::annotation(&application, SKIP) == Some("true") {
            return;
        }
        let mut new = application.clone();
        let refreshed = object::remove(&mut new, &["metadata", "annotations", REFRESH]).is_some();
        if refreshed
            && new["metadata"]["annotations"]
                .as_object()
                .is_some_and(serde_json::Map::is_empty)
        {
            object::remove(&mut new, &["metadata", "annotations"]);
        }
        if self.passed(task, "compare", 0.4) || application["status"]["sync"].is_object() {
            self.reconcile(task, &mut new);
            self.settle(&key, &application, new, refreshed);
        }
    }

    fn reconcile(&mut self, task: &Task, application: &mut Value) {
        if let Err(message) = project::permits(&self.cluster.store, application) {
            status::invalid(application, &message);
            return;
        }
        status::drop_conditions(application, &["InvalidSpecError"]);
        let plan = match source::plan(&self.cluster, application) {
            Ok(plan) => plan,
            Err(message) => return status::incomparable(application, &message),
        };
        status::drop_conditions(application, &["ComparisonError"]);
        let parts = self.compare(&task.key, &plan, application);
        let parts = self.operate(task, application, &plan, parts);
        status::compared(application, &plan, &parts);
    }

    /// Compares every object of the plan, and those that a former plan left behind.
    fn compare(&mut self, key: &Key, plan: &Plan, application: &Value) -> Vec<Part> {
        let store = self.cluster.store.clone();
        let seen = self.argo.compared.entry(key.clone()).or_default();
        if seen.plan != plan.hash {
            *seen = Seen {
                plan: plan.hash,
                ..Seen::default()
            };
        }
        let mut parts = Vec::new();
        for (kind, name) in render::parts(plan) {
            let live = store.get(kind, &plan.namespace, name);
            let version = live.as_ref().map_or(0, |entry| entry.version);
            let place = (kind, name.to_owned());
            if let Some(part) = seen
                .parts
                .get(&place)
                .filter(|part| part.version == version)
            {
                parts.push(part.clone());
                continue;
            }
            let (in_sync, health) = match &live {
                None => (false, Health::Missing),
                Some(entry) => {
                    let live = entry.value();
                    (
                        object::contains(&live, &render::part(kind, name, plan)),
                        health::of(kind, &live),
                    )
                }
            };
            let name = name.to_owned();
            let part = Part {
                kind,
                name,
                version,
                in_sync,
                extra: false,
                health,
            };
            seen.parts.insert(place, part.clone());
            parts.push(part);
        }
        parts.extend(leftovers(&store, plan, application));
        parts
    }

    /// Writes what the reconciliation made of the Application, if it made anything of it.
    fn settle(&mut self, key: &Key, before: &Value, mut new: Value, refreshed: bool) {
        let now = Instant::now();
        let seen = self.argo.compared.entry(key.clone()).or_default();
        let due = seen.resync.is_none_or(|due| due <= now);
        if due {
            seen.resync = Some(now + RESYNC);
        }
        let again = seen.resync.unwrap_or(now + RESYNC);
        self.queue.add(
            Task {
                role: super::Role::ArgoCd,
                key: key.clone(),
            },
            again,
        );
        if new == *before && !refreshed {
            return;
        }
        object::set(
            &mut new,
            &["status", "reconciledAt"],
            json!(crate::clock::stamp()),
        );
        self.tell_changes(before, &new);
        let (status, operation) = (new["status"].clone(), new.get("operation").is_some());
        let started = !operation && before.get("operation").is_some();
        let asked = before.get("operation").cloned();
        self.cluster.store.edit(
            Kind::Application,
            &key.namespace,
            &key.name,
            MANAGER,
            |there| {
                object::set(there, &["status"], status.clone());
                if refreshed {
                    object::remove(there, &["metadata", "annotations", REFRESH]);
                    if there["metadata"]["annotations"]
                        .as_object()
                        .is_some_and(serde_json::Map::is_empty)
                    {
                        object::remove(there, &["metadata", "annotations"]);
                    }
                }
                if started && there.get("operation") == asked.as_ref() {
                    object::remove(there, &["operation"]);
                }
            },
        );
    }

    fn tell_changes(&self, before: &Value, new: &Value) {
        for (what, pointer) in [
            ("sync", "/status/sync/status"),
            ("health", "/status/health/status"),
        ] {
            let was = object::text_or_empty(before, pointer);
            let is = object::text_or_empty(new, pointer);
            if was != is {
                let message = format!("Updated {what} status: {was} -> {is}");
                self.note(new, MANAGER, "ResourceUpdated", &message);
            }
        }
        let phase = object::text_or_empty(new, "/status/operationState/phase");
        if phase != object::text_or_empty(before, "/status/operationState/phase") {
            let message = object::text_or_empty(new, "/status/operationState/message");
            match phase {
                "Running" => {
                    self.note(new, MANAGER, "OperationStarted", "Initiated automated sync");
                }
                "Succeeded" => self.note(
                    new,
                    MANAGER,
                    "OperationCompleted",
                    "Sync operation succeeded",
                ),
                "Failed" | "Error" => {
                    let message = format!("Sync operation failed: {message}");
                    self.warn(new, MANAGER, "OperationCompleted", &message);
                }
                _ => {}
            }
        }
    }
}

/// Objects that the last status lists and the chart no longer has.
fn leftovers(store: &crate::store::Store, plan: &Plan, application: &Value) -> Vec<Part> {
    let listed = application["status"]["resources"]
        .as_array()
        .into_iter()
        .flatten();
    listed
        .filter_map(|item| {
            let version = object::text_or_empty(item, "/version");
            let group = object::text_or_empty(item, "/group");
            let api = if group.is_empty() {
                version.to_owned()
            } else {
                format!("{group}/{version}")
            };
            let kind = Kind::named(&api, object::text_or_empty(item, "/kind"))?;
            let name = object::text_or_empty(item, "/name");
            let known = render::parts(plan).any(|(one, part)| one == kind && part == name);
            let live = store.get(kind, &plan.namespace, name).filter(|_| !known)?;
            Some(Part {
                kind,
                name: name.to_owned(),
                version: live.version,
                in_sync: false,
                extra: true,
                health: Health::Healthy,
            })
        })
        .collect()
}
