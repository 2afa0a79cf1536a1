//! Operations: carrying a plan out.
//!
//! Automatic syncs happen when something is out of sync, once per revision and sources; after a
//! success only self-heal goes on with the same ones, after a failure nothing does but an explicit
//! `operation`. A failing sync is retried within its operation up to the limit.

use super::source::Plan;
use super::{MANAGER, Part, render, status};
use crate::clock;
use crate::controllers::{Controllers, Task};
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use crate::store::delete::Deletion;
use crate::store::fields;
use crate::store::write::Write;
use serde_json::{Value, json};

const STATE: &[&str] = &["status", "operationState"];
/// Past deployments that an Application remembers.
const HISTORY: usize = 10;

impl Controllers {
    /// Starts, goes on with or ends the operation; answers how things compare afterwards.
    pub fn operate(
        &mut self,
        task: &Task,
        application: &mut Value,
        plan: &Plan,
        parts: Vec<Part>,
    ) -> Vec<Part> {
        let phase = object::text_or_empty(application, "/status/operationState/phase").to_owned();
        if phase == "Terminating" {
            finish(application, "Failed", "Operation terminated");
            return parts;
        }
        if phase != "Running" {
            let asked = object::remove(application, &["operation"]);
            let started = match asked {
                Some(operation) => Some(operation),
                None => self.automatic(task, application, plan, &parts),
            };
            let Some(operation) = started else {
                return parts;
            };
            begin(application, &operation);
        }
        if !self.passed(task, "sync", 0.7) {
            return parts;
        }
        self.carry_out(task, application, plan, &parts);
        self.compare(&task.key, plan, application)
    }

    /// The operation that auto-sync starts, if it starts one.
    fn automatic(
        &mut self,
        task: &Task,
        application: &mut Value,
        plan: &Plan,
        parts: &[Part],
    ) -> Option<Value> {
        let policy = application.pointer("/spec/syncPolicy/automated")?.clone();
        let prune = policy["prune"] == true;
        let needed = parts
            .iter()
            .any(|part| !part.in_sync && (!part.extra || prune));
        if policy["enabled"] == false || !needed {
            if !parts.iter().any(|part| !part.in_sync) {
                status::drop_conditions(application, &["SyncError"]);
            }
            return None;
        }
        let state = &application["status"]["operationState"];
        let same = state["syncResult"]["revisions"] == json!(plan.revisions)
            && attempted(state) == wished(application);
        if same {
            match object::text_or_empty(state, "/phase") {
                "Succeeded" if policy["selfHeal"] == true => {
                    if !self.passed(task, "self-heal", 0.5) {
                        return None;
                    }
                }
                "Succeeded" => return None,
                _ => {
                    let message = format!(
                        "Failed last sync attempt to {:?}: {}",
                        plan.revisions,
                        object::text_or_empty(state, "/message")
                    );
                    status::condition(application, "SyncError", &message);
                    return None;
                }
            }
        }
        let mut operation = json!({
            "initiatedBy": {"automated": true},
            "sync": {"revisions": plan.revisions, "prune": prune},
            "retry": application["spec"]["syncPolicy"]["retry"],
        });
        if operation["retry"].is_null() {
            operation["retry"] = json!({"limit": 5});
        }
        Some(operation)
    }

    fn carry_out(&mut self, task: &Task, application: &mut Value, plan: &Plan, parts: &[Part]) {
        let prune = application["status"]["operationState"]["operation"]["sync"]["prune"] == true;
        let (results, failure) = self.apply(plan, parts, prune);
        let mut result = json!({"resources": results, "revisions": plan.revisions});
        for field in ["source", "sources"] {
            if let Some(value) = application["spec"].get(field) {
                result[field] = value.clone();
            }
        }
        object::set(
            application,
            &["status", "operationState", "syncResult"],
            result,
        );
        let Some(why) = failure else {
            finish(
                application,
                "Succeeded",
                "successfully synced (all tasks run)",
            );
            status::drop_conditions(application, &["SyncError"]);
            remember(application, plan);
            return;
        };
        let message = format!("one or more objects failed to apply, reason: {why}");
        let state = &application["status"]["operationState"];
        let limit = object::number(state, "/operation/retry/limit").unwrap_or(0);
        let count = object::number(state, "/retryCount").unwrap_or(0);
        let again = limit < 0 || count < limit;
        if again && !(self.instant() && limit < 0) {
            let next = count + 1;
            object::set(
                application,
                &["status", "operationState", "retryCount"],
                json!(next),
            );
            let text = format!("{message}. Retrying attempt #{next}.");
            object::set(
                application,
                &["status", "operationState", "message"],
                json!(text),
            );
            let wait = f64::from(u8::try_from(next.min(5)).unwrap_or(5));
            if self.passed(task, "retry", wait) {
                return self.carry_out(task, application, plan, parts);
            }
            self.later(task.role, &task.key, wait);
            return;
        }
        let text = if count > 0 {
            format!("{message} (retried {count} times).")
        } else {
            message
        };
        finish(application, "Failed", &text);
    }

    /// Applies every object that is out of sync; the first refusal is the reason of the failure.
    fn apply(&self, plan: &Plan, parts: &[Part], prune: bool) -> (Vec<Value>, Option<String>) {
        let mut results = Vec::new();
        let mut failure = None;
        for part in parts {
            let done = match (part.in_sync, part.extra) {
                (true, _) => Ok("unchanged"),
                (false, true) if !prune => Ok("ignored (requires pruning)"),
                (false, true) => self.prune(plan, part),
                (false, false) => self.write_part(plan, part),
            };
            let (word, message) = match &done {
                Ok(what) => (
                    "Synced",
                    format!("{}/{} {what}", part.kind.qualified(), part.name),
                ),
                Err(why) => ("SyncFailed", why.clone()),
            };
            if let Err(why) = done {
                failure.get_or_insert(why);
            }
            let row = part.kind.definition();
            results.push(json!({
                "group": row.group, "version": row.version, "kind": row.name,
                "namespace": plan.namespace, "name": part.name,
                "status": word, "message": message, "syncPhase": "Sync",
            }));
        }
        (results, failure)
    }

    fn prune(&self, plan: &Plan, part: &Part) -> Result<&'static str, String> {
        let key = Key::new(part.kind, &plan.namespace, &part.name);
        match self.cluster.store.delete(&key, &Deletion::foreground()) {
            Ok(_) => Ok("pruned"),
            Err(failure) if failure.code == 404 => Ok("pruned"),
            Err(failure) => Err(failure.message),
        }
    }

    fn write_part(&self, plan: &Plan, part: &Part) -> Result<&'static str, String> {
        if part.kind == Kind::Deployment
            && self.cluster.faults.has(&plan.namespace, Fault::SyncFailed)
        {
            return Err(format!(
                "admission webhook \"validate.kyverno.svc-fail\" denied the request: resource \
                 Deployment/{}/{} was blocked due to the following policies: require-limits",
                plan.namespace, part.name
            ));
        }
        let store = &self.cluster.store;
        let wished = render::part(part.kind, &part.name, plan);
        let Some(old) = store.get(part.kind, &plan.namespace, &part.name) else {
            return match store.create(part.kind, wished, &Write::by(MANAGER)) {
                Ok(_) => Ok("created"),
                Err(failure) => Err(failure.message),
            };
        };
        let mut merged = old.value();
        fields::merge(part.kind, "", &mut merged, &wished);
        match store.replace(&old, merged, &Write::by(MANAGER)) {
            Ok(_) => Ok("configured"),
            Err(failure) => Err(failure.message),
        }
    }
}

fn begin(application: &mut Value, operation: &Value) {
    let state = json!({
        "phase": "Running",
        "message": "waiting for completion of the sync",
        "operation": operation,
        "startedAt": clock::stamp(),
    });
    object::set(application, STATE, state);
}

fn finish(application: &mut Value, phase: &str, message: &str) {
    let state = object::slot(application, STATE, || json!({}));
    state["phase"] = json!(phase);
    state["message"] = json!(message);
    state["finishedAt"] = json!(clock::stamp());
}

/// The sources of the last attempt, and those of the spec.
fn attempted(state: &Value) -> (Value, Value) {
    let result = &state["syncResult"];
    (result["source"].clone(), result["sources"].clone())
}

fn wished(application: &Value) -> (Value, Value) {
    let spec = &application["spec"];
    (spec["source"].clone(), spec["sources"].clone())
}

fn remember(application: &mut Value, plan: &Plan) {
    let latest = application
        .pointer("/status/history")
        .and_then(Value::as_array)
        .and_then(|l| l.last());
    let id = latest
        .and_then(|last| last["id"].as_i64())
        .map_or(0, |id| id + 1);
    let mut entry = json!({
        "id": id,
        "deployStartedAt": application["status"]["operationState"]["startedAt"],
        "deployedAt": clock::stamp(),
        "revisions": plan.revisions,
        "initiatedBy": application["status"]["operationState"]["operation"]["initiatedBy"],
    });
    for field in ["source", "sources"] {
        if let Some(value) = application["spec"].get(field) {
            entry[field] = value.clone();
        }
    }
    let list = object::slot(application, &["status", "history"], || json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(entry);
        let surplus = list.len().saturating_sub(HISTORY);
        list.drain(..surplus);
    }
}
