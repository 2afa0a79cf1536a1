//! The end of an Application: its objects first, when its finalizer asks for that.

use super::MANAGER;
use crate::controllers::{Controllers, Task};
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use crate::store::delete::{Deletion, Propagation};
use serde_json::Value;

const FOREGROUND: [&str; 2] = [
    "resources-finalizer.argocd.argoproj.io",
    "resources-finalizer.argocd.argoproj.io/foreground",
];
const BACKGROUND: &str = "resources-finalizer.argocd.argoproj.io/background";

impl Controllers {
    pub fn remove_application(&mut self, task: &Task, application: &Value) {
        let held = object::finalizers(application);
        let foreground = held.iter().any(|one| FOREGROUND.contains(one));
        if !foreground && !held.contains(&BACKGROUND) {
            return;
        }
        let how = if foreground {
            Deletion::foreground()
        } else {
            Deletion {
                propagation: Some(Propagation::Background),
                ..Deletion::default()
            }
        };
        let mut left = false;
        for key in managed(application) {
            let store = &self.cluster.store;
            let Some(live) = store.get(key.kind, &key.namespace, &key.name) else {
                continue;
            };
            if !tracked(&live.value(), application) {
                continue;
            }
            if !live.terminating {
                // Gone already is as good.
                let _ = store.delete(&key, &how);
            }
            left |= store.get(key.kind, &key.namespace, &key.name).is_some();
        }
        if (foreground && left) || !self.passed(task, "finalize", 0.4) {
            return;
        }
        let key = &task.key;
        self.cluster.store.edit(
            Kind::Application,
            &key.namespace,
            &key.name,
            MANAGER,
            |there| {
                for finalizer in FOREGROUND.iter().chain(&[BACKGROUND]) {
                    object::remove_finalizer(there, finalizer);
                }
            },
        );
    }
}

/// The objects that the Application's status lists.
fn managed(application: &Value) -> Vec<Key> {
    let space = object::text_or_empty(application, "/spec/destination/namespace");
    let listed = application["status"]["resources"]
        .as_array()
        .into_iter()
        .flatten();
    listed
        .filter_map(|item| {
            let (group, version) = (
                object::text_or_empty(item, "/group"),
                object::text_or_empty(item, "/version"),
            );
            let api = if group.is_empty() {
                version.to_owned()
            } else {
                format!("{group}/{version}")
            };
            let kind = Kind::named(&api, object::text_or_empty(item, "/kind"))?;
            Some(Key::new(kind, space, object::text_or_empty(item, "/name")))
        })
        .collect()
}

/// Whether an object says that this Application made it.
fn tracked(live: &Value, application: &Value) -> bool {
    let id = object::annotation(live, super::render::TRACKING).unwrap_or("");
    let wished = format!(
        "{}_{}:",
        object::namespace(application),
        object::name(application)
    );
    id.starts_with(&wished)
}
