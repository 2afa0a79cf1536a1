//! The garbage collector: dependents follow their owners.
//!
//! In the background when the last owner has gone, before the owner when it waits for them in the
//! foreground, and not at all when they were orphaned.

use super::{Controllers, Task};
use crate::object;
use crate::store::Entry;
use crate::store::delete::{Deletion, FOREGROUND, ORPHAN};
use serde_json::Value;

const MANAGER: &str = "kube-controller-manager";

impl Controllers {
    pub fn collect(&mut self, task: &Task) {
        let key = &task.key;
        let Some(entry) = self.cluster.store.get(key.kind, &key.namespace, &key.name) else {
            return;
        };
        if entry.terminating {
            let object = entry.value();
            if object::has_finalizer(&object, ORPHAN) {
                self.orphan(&entry);
            } else if object::has_finalizer(&object, FOREGROUND) {
                self.in_foreground(&entry);
            }
            return;
        }
        let store = &self.cluster.store;
        let lost = !entry.owners.is_empty()
            && entry
                .owners
                .iter()
                .all(|owner| store.by_uid(owner).is_none());
        if lost {
            // Somebody else may have deleted it first.
            let _ = store.delete(key, &self.usual());
        }
    }

    /// How dependents are deleted: pods end gracefully unless everything happens at once.
    fn usual(&self) -> Deletion {
        if self.instant() {
            Deletion::now()
        } else {
            Deletion::default()
        }
    }

    fn in_foreground(&self, owner: &Entry) {
        let store = &self.cluster.store;
        let mut blocked = false;
        for key in store.dependents(&owner.uid) {
            let Some(dependent) = store.get(key.kind, &key.namespace, &key.name) else {
                continue;
            };
            blocked |= blocks(&dependent.value(), &owner.uid);
            if !dependent.terminating {
                let mut how = self.usual();
                how.propagation = Deletion::foreground().propagation;
                // Gone already is as good.
                let _ = store.delete(&key, &how);
            }
        }
        if !blocked {
            self.release(owner, FOREGROUND);
        }
    }

    fn orphan(&self, owner: &Entry) {
        let store = &self.cluster.store;
        for key in store.dependents(&owner.uid) {
            store.edit(key.kind, &key.namespace, &key.name, MANAGER, |object| {
                let list = object.pointer_mut("/metadata/ownerReferences");
                if let Some(list) = list.and_then(Value::as_array_mut) {
                    list.retain(|item| item["uid"] != *owner.uid);
                }
            });
        }
        self.release(owner, ORPHAN);
    }

    fn release(&self, owner: &Entry, finalizer: &str) {
        let key = &owner.key;
        self.cluster
            .store
            .edit(key.kind, &key.namespace, &key.name, MANAGER, |object| {
                object::remove_finalizer(object, finalizer);
            });
    }
}

fn blocks(dependent: &Value, owner: &str) -> bool {
    dependent["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|item| item["uid"] == owner && item["blockOwnerDeletion"] == true)
}
