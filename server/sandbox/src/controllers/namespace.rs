//! Namespaces: what is born with them, and their slow end.
//!
//! A namespace that is deleted empties itself kind by kind and says in its conditions what is left;
//! only when nothing is does its own finalizer fall.

use super::{Controllers, Task};
use crate::object;
use crate::resource::{Kind, served};
use crate::store::delete::{Deleted, Deletion};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MANAGER: &str = "kube-controller-manager";

/// What still stands in a namespace.
#[derive(Default)]
struct Rest {
    kinds: BTreeMap<String, usize>,
    finalizers: BTreeMap<String, usize>,
}

impl Controllers {
    pub fn namespace(&mut self, task: &Task) {
        let name = &*task.key.name;
        let Some(entry) = self.cluster.store.get(Kind::Namespace, "", name) else {
            return self.forget(task);
        };
        if !entry.terminating {
            self.furnish(name);
            return;
        }
        let rest = self.empty(name);
        if rest.kinds.is_empty() {
            if self.passed(task, "release", 0.8) {
                self.cluster
                    .store
                    .edit(Kind::Namespace, "", name, MANAGER, |space| {
                        object::set(space, &["spec"], json!({}));
                    });
            }
            return;
        }
        self.cluster
            .store
            .edit(Kind::Namespace, "", name, MANAGER, |space| {
                explain(space, &rest);
            });
    }

    /// The service account and the certificate authority that every namespace has.
    fn furnish(&self, name: &str) {
        let account = json!({"metadata": {"name": "default", "namespace": name}});
        self.cluster
            .store
            .ensure(Kind::ServiceAccount, account, MANAGER);
        let authority = json!({
            "metadata": {"name": "kube-root-ca.crt", "namespace": name},
            "data": {"ca.crt": "sandbox"},
        });
        self.cluster
            .store
            .ensure(Kind::ConfigMap, authority, MANAGER);
    }

    /// Deletes everything in a namespace and counts what waits.
    fn empty(&self, name: &str) -> Rest {
        let mut rest = Rest::default();
        for row in served().filter(|row| row.namespaced) {
            for entry in self.cluster.store.list(row.kind, Some(name)) {
                let how = if self.instant() {
                    Deletion::now()
                } else {
                    Deletion::default()
                };
                let left = match self.cluster.store.delete(&entry.key, &how) {
                    Ok(Deleted::Pending(left)) => left,
                    Ok(Deleted::Gone(_)) | Err(_) => continue,
                };
                *rest.kinds.entry(row.kind.qualified()).or_default() += 1;
                for finalizer in object::finalizers(&left.value()) {
                    *rest.finalizers.entry(finalizer.to_owned()).or_default() += 1;
                }
            }
        }
        rest
    }
}

fn explain(space: &mut Value, rest: &Rest) {
    let fine = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    ];
    for (kind, reason, message) in fine {
        object::set_condition(space, kind, "False", reason, message);
    }
    let kinds: Vec<String> = rest
        .kinds
        .iter()
        .map(|(kind, count)| format!("{kind} has {count} resource instances"))
        .collect();
    let message = format!("Some resources are remaining: {}", kinds.join(", "));
    object::set_condition(
        space,
        "NamespaceContentRemaining",
        "True",
        "SomeResourcesRemain",
        &message,
    );
    explain_finalizers(space, rest);
}

fn explain_finalizers(space: &mut Value, rest: &Rest) {
    if rest.finalizers.is_empty() {
        let message = "All content-preserving finalizers finished";
        object::set_condition(
            space,
            "NamespaceFinalizersRemaining",
            "False",
            "ContentHasNoFinalizers",
            message,
        );
        return;
    }
    let holders: Vec<String> = rest
        .finalizers
        .iter()
        .map(|(finalizer, count)| format!("{finalizer} in {count} resource instances"))
        .collect();
    let message = format!(
        "Some content in the namespace has finalizers remaining: {}",
        holders.join(", ")
    );
    object::set_condition(
        space,
        "NamespaceFinalizersRemaining",
        "True",
        "SomeFinalizersRemain",
        &message,
    );
}
