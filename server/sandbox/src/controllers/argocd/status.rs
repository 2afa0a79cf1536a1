//! What the status of an Application says after a comparison.

use super::Part;
use super::health::Health;
use super::source::Plan;
use crate::clock;
use crate::object;
use serde_json::{Value, json};

/// The spec breaks the project's fence.
pub fn invalid(application: &mut Value, message: &str) {
    echo(application, "Unknown");
    health(application, "Unknown");
    condition(application, "InvalidSpecError", message);
}

/// The target state could not be made. The health of what is there stays what it was; an Application
/// that never compared counts as healthy, as in the real controller.
pub fn incomparable(application: &mut Value, message: &str) {
    echo(application, "Unknown");
    if object::text(application, "/status/health/status").is_none() {
        health(application, "Healthy");
    }
    condition(application, "ComparisonError", message);
}

/// Writes sync, resources and health.
pub fn compared(application: &mut Value, plan: &Plan, parts: &[Part]) {
    let synced = parts.iter().all(|part| part.in_sync);
    echo(application, if synced { "Synced" } else { "OutOfSync" });
    if application["spec"]["sources"].is_array() {
        object::set(
            application,
            &["status", "sync", "revisions"],
            json!(plan.revisions),
        );
        let kinds: Vec<&str> = plan.revisions.iter().map(|_| "Helm").collect();
        object::set(application, &["status", "sourceTypes"], json!(kinds));
    } else {
        let revision = plan.revisions.first().cloned().unwrap_or_default();
        object::set(
            application,
            &["status", "sync", "revision"],
            json!(revision),
        );
        object::set(application, &["status", "sourceType"], json!("Helm"));
    }
    let resources: Vec<Value> = parts.iter().map(|part| resource(plan, part)).collect();
    object::set(application, &["status", "resources"], json!(resources));
    object::set(
        application,
        &["status", "resourceHealthSource"],
        json!("appTree"),
    );
    object::set(
        application,
        &["status", "controllerNamespace"],
        json!(crate::cluster::ARGO),
    );
    object::set(
        application,
        &["status", "summary", "images"],
        json!(super::render::images(plan)),
    );
    let worst = parts
        .iter()
        .filter(|part| !part.extra)
        .map(|part| part.health)
        .max();
    health(application, worst.unwrap_or(Health::Healthy).word());
}

fn resource(plan: &Plan, part: &Part) -> Value {
    let row = part.kind.definition();
    let mut item = json!({
        "version": row.version,
        "kind": row.name,
        "namespace": plan.namespace,
        "name": part.name,
        "status": if part.in_sync { "Synced" } else { "OutOfSync" },
    });
    if !row.group.is_empty() {
        item["group"] = json!(row.group);
    }
    if part.extra {
        item["requiresPruning"] = json!(true);
    }
    item
}

/// The sync status, with the very spec that was compared.
fn echo(application: &mut Value, word: &str) {
    let spec = application["spec"].clone();
    let mut compared = json!({"destination": spec["destination"]});
    for field in ["source", "sources", "ignoreDifferences"] {
        if let Some(value) = spec.get(field) {
            compared[field] = value.clone();
        }
    }
    object::set(application, &["status", "sync", "status"], json!(word));
    object::set(application, &["status", "sync", "comparedTo"], compared);
}

fn health(application: &mut Value, word: &str) {
    if object::text(application, "/status/health/status") != Some(word) {
        let health = json!({"status": word, "lastTransitionTime": clock::stamp()});
        object::set(application, &["status", "health"], health);
    }
}

/// Writes a condition of an Application, which has no status word and no reason.
pub fn condition(application: &mut Value, kind: &str, message: &str) {
    let known =
        object::condition(application, kind).is_some_and(|found| found["message"] == message);
    if known {
        return;
    }
    drop_conditions(application, &[kind]);
    let list = object::slot(application, &["status", "conditions"], || json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(json!({
            "type": kind, "message": message, "lastTransitionTime": clock::stamp(),
        }));
    }
}

/// Removes conditions that no longer hold.
pub fn drop_conditions(application: &mut Value, kinds: &[&str]) {
    for kind in kinds {
        object::drop_condition(application, kind);
    }
    let list = application
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    if list.is_some_and(Vec::is_empty) {
        object::remove(application, &["status", "conditions"]);
    }
}
