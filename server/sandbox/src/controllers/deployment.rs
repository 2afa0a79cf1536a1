//! Deployments: replica sets, their pods, and rollouts.
//!
//! A new template makes a new replica set. Under `Recreate`, as the chart has it, the old pods end before
//! the new ones begin; else the new ones come up beside the old, which go when the new are ready. Argo
//! CD reads the conditions written here, and so does whoever looks for the cause.

use super::event::suffix;
use super::{Controllers, Role, Task};
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use crate::store::delete::Deletion;
use crate::store::write::Write;
use crate::store::{Entry, Key};
use serde_json::{Value, json};
use std::sync::Arc;

const MANAGER: &str = "deployment-controller";

/// What the pods of a deployment add up to.
#[derive(Default)]
struct Count {
    wished: i64,
    updated: i64,
    updated_ready: i64,
    all: i64,
    ready: i64,
}

impl Controllers {
    pub fn deployment(&mut self, task: &Task) {
        let (space, name) = (task.key.namespace.clone(), task.key.name.clone());
        let Some(deployment) = self.cluster.store.object(Kind::Deployment, &space, &name) else {
            if &*name == "cloud-agent" {
                self.cluster.gateway.agents.set(&space, None);
            }
            return self.forget(task);
        };
        if object::terminating(&deployment) {
            return;
        }
        let Some(current) = self.replica_set(&deployment) else {
            return;
        };
        let wished = object::number(&deployment, "/spec/replicas").unwrap_or(1);
        let old = self.older(&deployment, &current);
        let recreate = deployment["spec"]["strategy"]["type"] == "Recreate";
        let pods = if recreate && !self.cleared(&old) {
            self.pods_of(&current)
        } else {
            self.scale(&deployment, &current, wished)
        };
        let mut count = Count {
            wished,
            ..Count::default()
        };
        let mut version = None;
        for pod in &pods {
            let ready = object::is_true(pod, "Ready");
            count.updated += 1;
            count.updated_ready += i64::from(ready);
            if ready {
                version = tag(pod);
            }
        }
        (count.all, count.ready) = (count.updated, count.updated_ready);
        for set in &old {
            let left = self.older_pods(set, count.updated_ready >= wished);
            count.all += i64::try_from(left.len()).unwrap_or(0);
            for pod in left.iter().filter(|pod| object::is_true(pod, "Ready")) {
                count.ready += 1;
                version = version.or_else(|| tag(pod));
            }
        }
        if &*name == "cloud-agent" {
            self.cluster.gateway.agents.set(&space, version);
        }
        self.write_status(task, &deployment, &current, &count);
    }

    /// The replica set of the present template.
    fn replica_set(&self, deployment: &Value) -> Option<Arc<Entry>> {
        let template = &deployment["spec"]["template"];
        let hash = suffix(&template.to_string(), 10);
        let name = format!("{}-{hash}", object::name(deployment));
        let mut template = template.clone();
        object::set(
            &mut template,
            &["metadata", "labels", "pod-template-hash"],
            json!(hash),
        );
        let labels = template["metadata"]["labels"].clone();
        let mut selector = deployment["spec"]["selector"].clone();
        object::set(
            &mut selector,
            &["matchLabels", "pod-template-hash"],
            json!(hash),
        );
        let set = json!({
            "metadata": {
                "name": name,
                "namespace": object::namespace(deployment),
                "labels": labels,
                "annotations": {"deployment.kubernetes.io/desired-replicas": "1"},
                "ownerReferences": [object::owner(deployment)],
            },
            "spec": {
                "replicas": deployment["spec"]["replicas"].as_i64().unwrap_or(1),
                "selector": selector,
                "template": template,
            },
        });
        self.cluster.store.ensure(Kind::ReplicaSet, set, MANAGER)
    }

    fn older(&self, deployment: &Value, current: &Entry) -> Vec<Arc<Entry>> {
        let store = &self.cluster.store;
        store
            .dependents(object::uid(deployment))
            .into_iter()
            .filter(|key| key.kind == Kind::ReplicaSet && *key != current.key)
            .filter_map(|key| store.get(key.kind, &key.namespace, &key.name))
            .collect()
    }

    fn pods_of(&self, set: &Entry) -> Vec<Value> {
        let store = &self.cluster.store;
        let keys = store
            .dependents(&set.uid)
            .into_iter()
            .filter(|key| key.kind == Kind::Pod);
        let mut pods: Vec<Value> = keys
            .filter_map(|key| store.object(key.kind, &key.namespace, &key.name))
            .filter(|pod| !object::terminating(pod))
            .collect();
        pods.sort_by(|one, other| object::name(one).cmp(object::name(other)));
        pods
    }

    /// Ends the pods of older replica sets; whether none is left, not even one on its way out.
    fn cleared(&self, old: &[Arc<Entry>]) -> bool {
        let store = &self.cluster.store;
        for set in old {
            self.older_pods(set, true);
        }
        !old.iter()
            .flat_map(|set| store.dependents(&set.uid))
            .any(|key| key.kind == Kind::Pod)
    }

    /// Makes missing pods of the present template and removes what is too many or was evicted.
    fn scale(&mut self, deployment: &Value, set: &Entry, wished: i64) -> Vec<Value> {
        let mut pods = self.pods_of(set);
        if self.evicts(deployment) {
            let (gone, kept): (Vec<Value>, Vec<Value>) = pods.into_iter().partition(|pod| {
                pod.pointer("/status/containerStatuses/0/state/running")
                    .is_some()
            });
            for pod in &gone {
                self.end(pod);
            }
            pods = kept;
        }
        let wished = usize::try_from(wished).unwrap_or(0);
        for pod in pods.split_off(wished.min(pods.len())) {
            self.end(&pod);
        }
        let template = set.value()["spec"]["template"].clone();
        while pods.len() < wished {
            match self.make_pod(set, &template) {
                Some(pod) => pods.push(pod),
                None => break,
            }
        }
        pods
    }

    /// A fault that only a new pod can show makes room for one.
    fn evicts(&self, deployment: &Value) -> bool {
        let space = object::namespace(deployment);
        object::label(deployment, "app.kubernetes.io/component") == Some("agent")
            && [Fault::ImagePull, Fault::Unschedulable]
                .iter()
                .any(|fault| self.cluster.faults.has(space, *fault))
    }

    fn end(&self, pod: &Value) {
        let key = Key::new(Kind::Pod, object::namespace(pod), object::name(pod));
        let how = if self.instant() {
            Deletion::now()
        } else {
            Deletion::default()
        };
        // Gone already is as good.
        let _ = self.cluster.store.delete(&key, &how);
    }

    fn make_pod(&mut self, set: &Entry, template: &Value) -> Option<Value> {
        let uid = self.cluster.store.fresh_uid(Kind::Pod, &set.key.name);
        let name = format!("{}-{}", set.key.name, suffix(&uid, 5));
        let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": &*set.key.name, "uid": &*set.uid}});
        let mut pod = json!({
            "metadata": {
                "name": name,
                "namespace": &*set.key.namespace,
                "labels": template["metadata"]["labels"],
                "ownerReferences": [object::owner(&owner)],
            },
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        });
        let key = Key::new(Kind::Pod, &set.key.namespace, &name);
        if self.instant() {
            self.advance(
                &Task {
                    role: Role::Pod,
                    key,
                },
                &mut pod,
            );
        }
        let entry = self
            .cluster
            .store
            .create(Kind::Pod, pod, &Write::by(MANAGER))
            .ok()?;
        Some(entry.value())
    }

    /// The pods of an older replica set, ended when the new ones carry the load.
    fn older_pods(&self, set: &Entry, replaced: bool) -> Vec<Value> {
        let pods = self.pods_of(set);
        if !replaced {
            return pods;
        }
        for pod in &pods {
            self.end(pod);
        }
        self.cluster.store.edit(
            Kind::ReplicaSet,
            &set.key.namespace,
            &set.key.name,
            MANAGER,
            |set| {
                object::set(set, &["spec", "replicas"], json!(0));
                object::set(set, &["status"], json!({"replicas": 0}));
            },
        );
        Vec::new()
    }

    fn write_status(&mut self, task: &Task, deployment: &Value, set: &Entry, count: &Count) {
        let complete = count.updated_ready >= count.wished && count.all == count.updated;
        let before = object::condition(deployment, "Progressing");
        let reason = before
            .map_or("", |found| object::text_or_empty(found, "/reason"))
            .to_owned();
        let generation = object::number(deployment, "/metadata/generation").unwrap_or(1);
        let seen = object::number(deployment, "/status/observedGeneration").unwrap_or(0);
        let settled = seen == generation
            && matches!(
                reason.as_str(),
                "NewReplicaSetAvailable" | "ProgressDeadlineExceeded"
            );
        let deadline = object::number(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
        let late = !complete
            && !settled
            && self.passed(
                task,
                "deadline",
                f64::from(u16::try_from(deadline).unwrap_or(600)),
            );
        if complete {
            self.reset(task, "deadline");
        }
        let (space, name) = (&*task.key.namespace, &*task.key.name);
        self.cluster
            .store
            .edit(Kind::Deployment, space, name, MANAGER, |there| {
                numbers(there, count, generation);
                if complete {
                    progress(there, "NewReplicaSetAvailable", &set.key.name);
                } else if late {
                    progress(there, "ProgressDeadlineExceeded", &set.key.name);
                } else if !settled {
                    progress(there, "ReplicaSetUpdated", &set.key.name);
                }
            });
        self.cluster
            .store
            .edit(Kind::ReplicaSet, space, &set.key.name, MANAGER, |there| {
                object::set(there, &["spec", "replicas"], json!(count.wished));
                let status = json!({
                    "replicas": count.updated,
                    "fullyLabeledReplicas": count.updated,
                    "readyReplicas": count.updated_ready,
                    "availableReplicas": count.updated_ready,
                    "observedGeneration": there["metadata"]["generation"],
                });
                object::set(there, &["status"], status);
            });
    }
}

/// Says how the rollout of a replica set goes.
fn progress(deployment: &mut Value, reason: &str, set: &str) {
    let (status, how) = match reason {
        "NewReplicaSetAvailable" => ("True", "has successfully progressed"),
        "ProgressDeadlineExceeded" => ("False", "has timed out progressing"),
        _ => ("True", "is progressing"),
    };
    let message = format!("ReplicaSet \"{set}\" {how}.");
    object::set_condition(deployment, "Progressing", status, reason, &message);
}

fn numbers(deployment: &mut Value, count: &Count, generation: i64) {
    let conditions = deployment["status"]["conditions"].clone();
    let mut status = json!({
        "observedGeneration": generation,
        "replicas": count.all,
        "updatedReplicas": count.updated,
        "readyReplicas": count.ready,
        "availableReplicas": count.ready,
    });
    let missing = (count.wished - count.ready).max(0);
    if missing > 0 {
        status["unavailableReplicas"] = json!(missing);
    }
    if conditions.is_array() {
        status["conditions"] = conditions;
    }
    object::set(deployment, &["status"], status);
    let (word, reason, message) = if missing == 0 {
        (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        (
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    object::set_condition(deployment, "Available", word, reason, message);
}

/// The tag of the image that a pod runs.
fn tag(pod: &Value) -> Option<String> {
    let image = object::text(pod, "/spec/containers/0/image")?;
    image.rsplit_once(':').map(|(_, tag)| tag.to_owned())
}
