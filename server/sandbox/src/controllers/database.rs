//! The database operator: a `postgresql` becomes a stateful set with volumes and credentials.
//!
//! Its status is the one word that the real operator writes, without message or generation. What it
//! makes carries owner references, so a deleted database takes everything with it; with the fault
//! `stuck-finalizer` the operator holds its finalizer and nothing goes.

use super::{Controllers, Role, Task};
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use crate::store::Key;
use crate::store::delete::Deletion;
use crate::store::write::Write;
use base64::Engine;
use serde_json::{Value, json};

const MANAGER: &str = "postgres-operator";
/// The most members that a database has.
const MEMBERS: i64 = 10;
/// The finalizer of the real operator.
pub const FINALIZER: &str = "postgres-operator.acid.zalan.do";

impl Controllers {
    pub fn database(&mut self, task: &Task) {
        let (space, name) = (&*task.key.namespace.clone(), &*task.key.name.clone());
        let Some(database) = self.cluster.store.object(Kind::Postgresql, space, name) else {
            return self.forget(task);
        };
        let stuck = self.cluster.faults.has(space, Fault::StuckFinalizer);
        if object::terminating(&database) {
            if !stuck && object::has_finalizer(&database, FINALIZER) {
                self.finalizer(task, false);
            }
            return;
        }
        if stuck != object::has_finalizer(&database, FINALIZER) {
            self.finalizer(task, stuck);
        }
        self.credentials(&database);
        let word = object::text_or_empty(&database, "/status/PostgresClusterStatus").to_owned();
        if self.cluster.faults.has(space, Fault::DatabaseFailed) {
            return self.fail(task, &database, &word);
        }
        let ready = self.bring_up(&database);
        let next = match word.as_str() {
            "Running" if self.grown(&database) => "Updating",
            "Running" => return,
            _ if ready && self.passed(task, "running", 0.4) => "Running",
            "Updating" => "Updating",
            _ => "Creating",
        };
        if next == "Creating" && word.is_empty() {
            self.note(
                &database,
                MANAGER,
                "Create",
                "Started creation of new cluster resources",
            );
        }
        if next == "Running" {
            self.note(
                &database,
                MANAGER,
                "Create",
                "The cluster has been successfully created",
            );
        }
        self.say(task, next);
    }

    fn finalizer(&self, task: &Task, on: bool) {
        let key = &task.key;
        self.cluster
            .store
            .edit(key.kind, &key.namespace, &key.name, MANAGER, |database| {
                if on {
                    object::add_finalizer(database, FINALIZER);
                } else {
                    object::remove_finalizer(database, FINALIZER);
                }
            });
    }

    fn say(&self, task: &Task, word: &str) {
        let key = &task.key;
        self.cluster
            .store
            .edit(key.kind, &key.namespace, &key.name, MANAGER, |database| {
                object::set(
                    database,
                    &["status"],
                    json!({"PostgresClusterStatus": word}),
                );
            });
    }

    fn fail(&mut self, task: &Task, database: &Value, word: &str) {
        let next = match word {
            "Running" | "SyncFailed" | "Updating" => "SyncFailed",
            _ => "CreateFailed",
        };
        if word == next || !self.passed(task, "fail", 1.5) {
            return;
        }
        let (reason, message) = if next == "CreateFailed" {
            (
                "Create",
                "could not create cluster: could not create statefulset: pods are not ready: \
                        still failed after 200 retries",
            )
        } else {
            (
                "Sync",
                "could not sync cluster: could not sync statefulsets: could not connect to \
                      Patroni endpoint: connection refused",
            )
        };
        self.warn(database, MANAGER, reason, message);
        self.say(task, next);
    }

    fn wished(database: &Value) -> i64 {
        object::number(database, "/spec/numberOfInstances")
            .unwrap_or(1)
            .clamp(0, MEMBERS)
    }

    /// Whether the running database has fewer pods than it should.
    fn grown(&self, database: &Value) -> bool {
        let space = object::namespace(database);
        let set = self
            .cluster
            .store
            .object(Kind::StatefulSet, space, object::name(database));
        set.is_none_or(|set| object::number(&set, "/spec/replicas") != Some(Self::wished(database)))
    }

    /// Makes what is missing; whether every pod is ready.
    fn bring_up(&mut self, database: &Value) -> bool {
        let (space, name) = (object::namespace(database), object::name(database));
        let wished = Self::wished(database);
        let owner = object::owner(database);
        let Some(set) =
            self.cluster
                .store
                .ensure(Kind::StatefulSet, stateful_set(database), MANAGER)
        else {
            return false;
        };
        for part in ["", "-repl"] {
            let service = json!({
                "metadata": {"name": format!("{name}{part}"), "namespace": space,
                    "labels": labels(database), "ownerReferences": [owner]},
                "spec": {"type": "ClusterIP", "ports": [{"name": "postgresql", "port": 5432}]},
            });
            self.cluster.store.ensure(Kind::Service, service, MANAGER);
        }
        self.end_beyond(database, wished);
        let mut ready = 0;
        for number in 0..wished {
            self.cluster
                .store
                .ensure(Kind::Volume, claim(database, number), MANAGER);
            let pod = format!("{name}-{number}");
            let found = self.cluster.store.object(Kind::Pod, space, &pod);
            let found = found.or_else(|| self.database_pod(database, &set.value(), number));
            // The next pod of a stateful set waits until this one is ready.
            if !found.is_some_and(|pod| object::is_true(&pod, "Ready")) {
                break;
            }
            ready += 1;
        }
        self.cluster
            .store
            .edit(Kind::StatefulSet, space, name, MANAGER, |set| {
                object::set(set, &["spec", "replicas"], json!(wished));
                let generation = set["metadata"]["generation"].clone();
                let status = json!({
                    "observedGeneration": generation,
                    "replicas": wished,
                    "readyReplicas": ready,
                    "currentReplicas": ready,
                    "updatedReplicas": ready,
                    "availableReplicas": ready,
                    "currentRevision": format!("{name}-1"),
                    "updateRevision": format!("{name}-1"),
                });
                object::set(set, &["status"], status);
            });
        ready == wished
    }

    /// Ends the pods that a smaller database does not need; their volumes stay.
    fn end_beyond(&self, database: &Value, wished: i64) {
        let space = object::namespace(database);
        let how = if self.instant() {
            Deletion::now()
        } else {
            Deletion::default()
        };
        for number in wished..MEMBERS {
            let pod = format!("{}-{number}", object::name(database));
            let found = self.cluster.store.get(Kind::Pod, space, &pod);
            if let Some(pod) = found.filter(|pod| !pod.terminating) {
                // Gone already is as good.
                let _ = self.cluster.store.delete(&pod.key, &how);
            }
        }
    }

    fn database_pod(&mut self, database: &Value, set: &Value, number: i64) -> Option<Value> {
        let space = object::namespace(database);
        let name = format!("{}-{number}", object::name(database));
        let mut labels = labels(database);
        labels["spilo-role"] = json!(if number == 0 { "master" } else { "replica" });
        labels["statefulset.kubernetes.io/pod-name"] = json!(name);
        let mut spec = set["spec"]["template"]["spec"].clone();
        spec["volumes"] = json!([{
            "name": "pgdata",
            "persistentVolumeClaim": {"claimName": format!("pgdata-{name}")},
        }]);
        let mut pod = json!({
            "metadata": {"name": name, "namespace": space, "labels": labels,
                "ownerReferences": [object::owner(set)]},
            "spec": spec,
            "status": {"phase": "Pending"},
        });
        let key = Key::new(Kind::Pod, space, &name);
        if self.instant() {
            let claim = Key::new(Kind::Volume, space, &format!("pgdata-{name}"));
            self.volume(&Task {
                role: Role::Volume,
                key: claim,
            });
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

    /// One Secret per user, named as the operator names them.
    fn credentials(&self, database: &Value) {
        let (space, name) = (object::namespace(database), object::name(database));
        let declared = database["spec"]["users"].as_object().into_iter().flatten();
        let users = ["postgres", "standby"]
            .into_iter()
            .chain(declared.map(|(user, _)| user.as_str()));
        for user in users {
            let spelled = user.replace('_', "-");
            let secret = format!("{spelled}.{name}.credentials.postgresql.acid.zalan.do");
            let password = super::event::suffix(&format!("{}{user}", object::uid(database)), 24);
            let coded = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
            let object = json!({
                "metadata": {"name": secret, "namespace": space, "labels": labels(database),
                    "ownerReferences": [object::owner(database)]},
                "type": "Opaque",
                "data": {"username": coded(user), "password": coded(&password)},
            });
            self.cluster.store.ensure(Kind::Secret, object, MANAGER);
        }
    }
}

fn labels(database: &Value) -> Value {
    json!({
        "application": "spilo",
        "cluster-name": object::name(database),
        "team": database["spec"]["teamId"],
        "app.kubernetes.io/instance": object::namespace(database),
        "app.kubernetes.io/component": "database",
    })
}

fn stateful_set(database: &Value) -> Value {
    let (space, name) = (object::namespace(database), object::name(database));
    let version = object::text_or_empty(database, "/spec/postgresql/version");
    json!({
        "metadata": {"name": name, "namespace": space, "labels": labels(database),
            "ownerReferences": [object::owner(database)]},
        "spec": {
            "replicas": database["spec"]["numberOfInstances"],
            "serviceName": name,
            "podManagementPolicy": "OrderedReady",
            "selector": {"matchLabels": {"application": "spilo", "cluster-name": name}},
            "template": {
                "metadata": {"labels": labels(database)},
                "spec": {"containers": [{
                    "name": "postgres",
                    "image": format!("ghcr.io/zalando/spilo-{version}:4.0-p2"),
                    "ports": [{"containerPort": 5432, "protocol": "TCP"}],
                }]},
            },
        },
    })
}

fn claim(database: &Value, number: i64) -> Value {
    let name = object::name(database);
    json!({
        "metadata": {
            "name": format!("pgdata-{name}-{number}"),
            "namespace": object::namespace(database),
            "labels": labels(database),
            "ownerReferences": [object::owner(database)],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": database["spec"]["volume"]["storageClass"],
            "resources": {"requests": {"storage": database["spec"]["volume"]["size"]}},
        },
        "status": {"phase": "Pending"},
    })
}
