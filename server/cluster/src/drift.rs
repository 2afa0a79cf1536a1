//! Who changed our fields. Server-side apply records an owner for every field; a field that we write and
//! no longer own was changed or removed by somebody else. Values are not compared: a wish that has
//! changed and is not written yet is no outside change.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde_json::Value;

use crate::wish::{INSTANCE, MANAGED_BY, MANAGER, TENANT};

/// Fields that we write into an Application.
pub const APPLICATION: &[&[&str]] = &[
    &["metadata", "labels", MANAGED_BY],
    &["metadata", "labels", INSTANCE],
    &["metadata", "labels", TENANT],
    &["spec", "project"],
    &["spec", "sources"],
    &["spec", "destination", "server"],
    &["spec", "destination", "namespace"],
    &["spec", "syncPolicy", "automated", "prune"],
    &["spec", "syncPolicy", "automated", "selfHeal"],
    &["spec", "syncPolicy", "retry", "limit"],
];

/// Fields that we write into a namespace.
pub const NAMESPACE: &[&[&str]] = &[
    &["metadata", "labels", MANAGED_BY],
    &["metadata", "labels", INSTANCE],
    &["metadata", "labels", TENANT],
    &["metadata", "labels", "pod-security.kubernetes.io/enforce"],
    &["metadata", "labels", "pod-security.kubernetes.io/audit"],
    &["metadata", "labels", "pod-security.kubernetes.io/warn"],
];

/// Fields that we write into a gate.
pub const GATE: &[&[&str]] = &[&["spec", "plugins"]];

/// A sentence for every field of `fields` that somebody else changed. An object without any record says
/// nothing.
pub fn outside_changes(what: &str, metadata: &ObjectMeta, fields: &[&[&str]]) -> Vec<String> {
    let entries: Vec<&ManagedFieldsEntry> = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|e| e.subresource.as_deref().unwrap_or("").is_empty())
        .collect();
    let Some(first) = entries.first() else {
        return Vec::new();
    };
    if !entries.iter().any(|e| is_ours(e)) {
        return vec![format!("{what} was made by {}", manager(first))];
    }
    fields
        .iter()
        .filter(|field| !entries.iter().any(|e| is_ours(e) && owns(e, field)))
        .map(|field| {
            let name = field.join(".");
            match entries.iter().find(|e| !is_ours(e) && owns(e, field)) {
                Some(other) => format!("{what}: {name} was changed by {}", manager(other)),
                None => format!("{what}: {name} was removed by somebody else"),
            }
        })
        .collect()
}

/// Whether we own a field of this object.
pub fn ours(metadata: &ObjectMeta, field: &[&str]) -> bool {
    metadata
        .managed_fields
        .iter()
        .flatten()
        .any(|e| is_ours(e) && owns(e, field))
}

/// Whether we own anything of this object.
pub fn touched(metadata: &ObjectMeta) -> bool {
    metadata.managed_fields.iter().flatten().any(is_ours)
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply")
}

fn manager(entry: &ManagedFieldsEntry) -> &str {
    entry
        .manager
        .as_deref()
        .filter(|name| !name.is_empty())
        .unwrap_or("somebody without a name")
}

/// Whether an entry names the field, or something that holds it as a whole.
fn owns(entry: &ManagedFieldsEntry, field: &[&str]) -> bool {
    let Some(fields) = &entry.fields_v1 else {
        return false;
    };
    let mut node = &fields.0;
    for (depth, name) in field.iter().enumerate() {
        match node.get(format!("f:{name}")) {
            Some(below) => node = below,
            // A node without anything below it is an atomic value: it holds the rest of the way.
            None => return depth > 0 && is_leaf(node),
        }
    }
    true
}

fn is_leaf(node: &Value) -> bool {
    node.as_object()
        .is_some_and(|map| map.keys().all(|key| key == "."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(entries: Value) -> ObjectMeta {
        let mut object = json!({"name": "x"});
        object["managedFields"] = entries;
        serde_json::from_value(object).unwrap()
    }

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        let mut entry =
            json!({"manager": manager, "operation": operation, "fieldsType": "FieldsV1"});
        entry["fieldsV1"] = fields;
        entry
    }

    fn ours_without(gone: &str) -> Value {
        let mut spec = json!({
            "f:project": {}, "f:sources": {}, "f:destination": {"f:server": {}, "f:namespace": {}},
            "f:syncPolicy": {"f:automated": {"f:prune": {}, "f:selfHeal": {}}, "f:retry": {"f:limit": {}}},
        });
        spec.as_object_mut().unwrap().remove(gone);
        let labels = json!({
            "f:app.kubernetes.io/managed-by": {}, "f:hosted-instances.io/instance": {},
            "f:hosted-instances.io/tenant": {},
        });
        entry(
            MANAGER,
            "Apply",
            json!({"f:metadata": {"f:labels": labels}, "f:spec": spec}),
        )
    }

    fn changes(entries: Value) -> Vec<String> {
        outside_changes("Application", &metadata(entries), APPLICATION)
    }

    #[test]
    fn fields_that_are_ours_or_shared_are_no_change() {
        let shared = entry(
            "argocd-controller",
            "Update",
            json!({"f:spec": {"f:project": {}}, "f:status": {}}),
        );
        assert_eq!(
            changes(json!([ours_without(""), shared])),
            Vec::<String>::new()
        );
        assert_eq!(changes(json!([])), Vec::<String>::new());
    }

    #[test]
    fn a_field_that_moved_names_its_new_owner() {
        let edit = entry(
            "kubectl-edit",
            "Update",
            json!({"f:spec": {"f:sources": {}}}),
        );
        assert_eq!(
            changes(json!([ours_without("f:sources"), edit])),
            ["Application: spec.sources was changed by kubectl-edit"]
        );
        assert_eq!(
            changes(json!([ours_without("f:project")])),
            ["Application: spec.project was removed by somebody else"]
        );
    }

    #[test]
    fn a_status_entry_or_an_update_under_our_name_is_not_our_apply() {
        let status = json!({"manager": MANAGER, "operation": "Apply", "subresource": "status",
            "fieldsV1": {"f:spec": {"f:plugins": {}}}});
        let other = entry("helm", "Update", json!({"f:spec": {"f:plugins": {}}}));
        let found = outside_changes("Gate", &metadata(json!([status, other])), GATE);
        assert_eq!(found, ["Gate was made by helm"]);
    }

    #[test]
    fn an_atomic_owner_of_the_whole_holds_the_field() {
        let whole = entry(MANAGER, "Apply", json!({"f:spec": {}}));
        assert!(outside_changes("Gate", &metadata(json!([whole])), GATE).is_empty());
        let list = metadata(json!([entry(
            MANAGER,
            "Apply",
            json!({"f:spec": {"f:plugins": {".": {}}}})
        )]));
        assert!(ours(&list, &["spec", "plugins"]));
    }
}
