//! Pods: the scheduler and the kubelet of every node.
//!
//! A pod goes from pending over pulling and running to ready, and each fault of an agent stops it
//! where and how a real one would stop: in the container's waiting reason, the pod's conditions and
//! its events. Only pods of the component `agent` take the agent's faults.

use super::{Controllers, Task};
use crate::clock;
use crate::fault::Fault;
use crate::object;
use crate::resource::Kind;
use crate::store::delete::Deletion;
use serde_json::{Value, json};

const KUBELET: &str = "kubelet";
const SCHEDULER: &str = "default-scheduler";
const DATABASE: &str = "prism-postgres";
/// The pod by which an instance's database becomes reachable.
pub const FIRST_DATABASE_POD: &str = "prism-postgres-0";
/// Seconds between two starts of a container that keeps ending.
const RESTART: f64 = 20.0;
/// What an agent whose migration fails writes last, as the kubelet keeps it: the container's last lines.
const MIGRATION_FAILED: &str = "\
org.flywaydb.core.internal.command.DbMigrate$FlywayMigrateException: Migration V18__add_wallet_index.sql failed
---------------------------------------------
SQL State  : 42P07
Error Code : 0
Message    : ERROR: relation \"connection_records_wallet_id_index\" already exists
Line       : 1
Statement  : CREATE INDEX connection_records_wallet_id_index ON public.connection_records (wallet_id)

\tat org.flywaydb.core.internal.command.DbMigrate.doMigrateGroup(DbMigrate.java:371)
\tat org.flywaydb.core.internal.command.DbMigrate.migrateGroup(DbMigrate.java:274)
\tat org.flywaydb.core.Flyway.migrate(Flyway.java:180)
\tat java.base/java.lang.Thread.run(Thread.java:1583)
";

impl Controllers {
    pub fn pod(&mut self, task: &Task) {
        let (space, name) = (task.key.namespace.clone(), task.key.name.clone());
        let Some(mut pod) = self.cluster.store.object(Kind::Pod, &space, &name) else {
            return self.forget(task);
        };
        if &*space == crate::cluster::GATEWAY {
            return;
        }
        if object::terminating(&pod) {
            if self.passed(task, "terminate", 0.9) {
                // Gone already is as good.
                let _ = self.cluster.store.delete(&task.key, &Deletion::now());
            }
            return;
        }
        let before = pod.clone();
        self.advance(task, &mut pod);
        if pod != before {
            let status = pod["status"].clone();
            let spec = pod["spec"].clone();
            self.cluster
                .store
                .edit(Kind::Pod, &space, &name, KUBELET, |there| {
                    object::set(there, &["status"], status.clone());
                    object::set(there, &["spec"], spec.clone());
                });
        }
    }

    /// Brings a pod as far as it comes at this moment.
    pub fn advance(&mut self, task: &Task, pod: &mut Value) {
        // Each turn is one step; a pod has fewer than ten.
        for _ in 0..10 {
            if !self.step(task, pod) {
                return;
            }
        }
    }

    fn suffers(&self, pod: &Value, fault: Fault) -> bool {
        object::label(pod, "app.kubernetes.io/component") == Some("agent")
            && self.cluster.faults.has(object::namespace(pod), fault)
    }

    /// Whether the container ends with an error at every start.
    fn ends(&self, pod: &Value) -> bool {
        self.suffers(pod, Fault::CrashLoop) || self.suffers(pod, Fault::MigrationFailed)
    }

    /// What the container wrote last, as far as it wrote anything.
    fn last_words(&self, pod: &Value) -> Option<&'static str> {
        let failed = self.suffers(pod, Fault::MigrationFailed);
        failed.then_some(MIGRATION_FAILED)
    }

    /// One step; whether it was taken and another may follow.
    fn step(&mut self, task: &Task, pod: &mut Value) -> bool {
        if object::text(pod, "/spec/nodeName").is_none() {
            return self.schedule(task, pod);
        }
        let state = pod
            .pointer("/status/containerStatuses/0/state")
            .cloned()
            .unwrap_or(Value::Null);
        if state.get("running").is_none() {
            return match object::text_or_empty(&state, "/waiting/reason") {
                "CrashLoopBackOff" => self.restart(task, pod),
                reason => self.start(task, pod, reason),
            };
        }
        if self.ends(pod) {
            return self.crash(task, pod);
        }
        let seconds = if is_database(pod) { 1.5 } else { 2.2 };
        if object::is_true(pod, "Ready")
            || !self.database_answers(pod)
            || !self.passed(task, "ready", seconds)
        {
            return false;
        }
        for kind in ["Ready", "ContainersReady"] {
            object::set_condition(pod, kind, "True", "", "");
        }
        container(pod)["ready"] = json!(true);
        true
    }

    fn schedule(&mut self, task: &Task, pod: &mut Value) -> bool {
        let refuse = |controllers: &Self, pod: &mut Value, message: &str| {
            if object::condition(pod, "PodScheduled")
                .is_none_or(|found| found["message"] != message)
            {
                object::set_condition(pod, "PodScheduled", "False", "Unschedulable", message);
                controllers.warn(pod, SCHEDULER, "FailedScheduling", message);
            }
            false
        };
        if self.suffers(pod, Fault::Unschedulable) {
            return refuse(
                self,
                pod,
                "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are \
                 available: 3 No preemption victims found for incoming pod.",
            );
        }
        let unbound = self.unbound(pod);
        if unbound
            && !self
                .cluster
                .faults
                .has(object::namespace(pod), Fault::VolumePending)
            && !self.passed(task, "unbound", 3.0)
        {
            // Provisioning takes a moment, and the scheduler says nothing before.
            return false;
        }
        if unbound {
            return refuse(
                self,
                pod,
                "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. \
                 preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            );
        }
        if !self.passed(task, "schedule", 0.3) {
            return false;
        }
        let place = crate::store::digest(object::name(pod), 5);
        let node = super::seed::node_name(place % super::seed::NODES);
        object::set(pod, &["spec", "nodeName"], json!(node));
        placed(pod, place);
        let message = format!(
            "Successfully assigned {}/{} to {node}",
            object::namespace(pod),
            object::name(pod)
        );
        self.note(pod, SCHEDULER, "Scheduled", &message);
        true
    }

    /// The components of an instance are ready once its database takes connections.
    fn database_answers(&self, pod: &Value) -> bool {
        let space = object::namespace(pod);
        if is_database(pod)
            || self
                .cluster
                .store
                .get(Kind::Postgresql, space, DATABASE)
                .is_none()
        {
            return true;
        }
        let first = self
            .cluster
            .store
            .object(Kind::Pod, space, FIRST_DATABASE_POD);
        first.is_some_and(|pod| object::is_true(&pod, "Ready"))
    }

    fn unbound(&self, pod: &Value) -> bool {
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        volumes
            .filter_map(|volume| object::text(volume, "/persistentVolumeClaim/claimName"))
            .any(|claim| {
                let found = self
                    .cluster
                    .store
                    .object(Kind::Volume, object::namespace(pod), claim);
                found.is_none_or(|claim| object::text(&claim, "/status/phase") != Some("Bound"))
            })
    }

    /// A container that waits to start for a reason.
    fn start(&mut self, task: &Task, pod: &mut Value, reason: &str) -> bool {
        let image = object::text_or_empty(pod, "/spec/containers/0/image").to_owned();
        if self.suffers(pod, Fault::ImagePull) {
            return self.fail_pull(task, pod, reason, &image);
        }
        let name = object::text_or_empty(pod, "/spec/containers/0/name").to_owned();
        let seconds = if name == "postgres" { 0.9 } else { 2.4 };
        if reason == "ContainerCreating" && !self.passed(task, "pull", seconds) {
            return false;
        }
        if let Some(secret) = self.missing_secret(pod) {
            let message = format!("secret \"{secret}\" not found");
            if waits(pod, "CreateContainerConfigError", &message) {
                self.warn(pod, KUBELET, "Failed", &format!("Error: {message}"));
            }
            return false;
        }
        let message =
            format!("Successfully pulled image \"{image}\" in 2.4s (2.4s including waiting)");
        self.note(pod, KUBELET, "Pulled", &message);
        self.note(
            pod,
            KUBELET,
            "Started",
            &format!("Started container {name}"),
        );
        runs(pod);
        true
    }

    fn missing_secret(&self, pod: &Value) -> Option<String> {
        let container = &pod["spec"]["containers"][0];
        let sources = container["envFrom"].as_array().into_iter().flatten();
        let whole = sources.filter_map(|from| object::text(from, "/secretRef/name"));
        let variables = container["env"].as_array().into_iter().flatten();
        let single = variables.filter_map(|one| object::text(one, "/valueFrom/secretKeyRef/name"));
        whole
            .chain(single)
            .find(|name| {
                self.cluster
                    .store
                    .get(Kind::Secret, object::namespace(pod), name)
                    .is_none()
            })
            .map(str::to_owned)
    }

    fn fail_pull(&mut self, task: &Task, pod: &mut Value, reason: &str, image: &str) -> bool {
        match reason {
            "ImagePullBackOff" => false,
            "ErrImagePull" => {
                if !self.passed(task, "back-off", 1.5) {
                    return false;
                }
                waits(
                    pod,
                    "ImagePullBackOff",
                    &format!("Back-off pulling image \"{image}\""),
                );
                self.warn(pod, KUBELET, "Failed", "Error: ImagePullBackOff");
                true
            }
            _ => {
                if !self.passed(task, "pull", 1.2) {
                    return false;
                }
                let why = format!(
                    "rpc error: code = NotFound desc = failed to pull and unpack image \
                     \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
                );
                waits(pod, "ErrImagePull", &why);
                self.warn(
                    pod,
                    KUBELET,
                    "Failed",
                    &format!("Failed to pull image \"{image}\": {why}"),
                );
                self.warn(pod, KUBELET, "Failed", "Error: ErrImagePull");
                true
            }
        }
    }

    fn crash(&mut self, task: &Task, pod: &mut Value) -> bool {
        if !self.passed(task, "crash", 1.2) {
            return false;
        }
        crashed(pod, self.last_words(pod));
        let message = back_off_event(pod);
        self.warn(pod, KUBELET, "BackOff", &message);
        true
    }

    /// A container between two attempts.
    fn restart(&mut self, task: &Task, pod: &mut Value) -> bool {
        if !self.ends(pod) {
            self.reset(task, "restart");
            if !self.passed(task, "recover", 0.8) {
                return false;
            }
            runs(pod);
            return true;
        }
        if self.instant() || !self.passed(task, "restart", RESTART) {
            return false;
        }
        crashed(pod, self.last_words(pod));
        let message = back_off_event(pod);
        self.warn(pod, KUBELET, "BackOff", &message);
        true
    }
}

fn back_off_event(pod: &Value) -> String {
    format!(
        "Back-off restarting failed container {} in pod {}_{}({})",
        object::text_or_empty(pod, "/spec/containers/0/name"),
        object::name(pod),
        object::namespace(pod),
        object::uid(pod),
    )
}

fn is_database(pod: &Value) -> bool {
    object::label(pod, "application") == Some("spilo")
}

/// The status of the one container.
fn container(pod: &mut Value) -> &mut Value {
    let list = object::slot(pod, &["status", "containerStatuses"], || json!([{}]));
    if list.as_array().is_none_or(Vec::is_empty) {
        *list = json!([{}]);
    }
    &mut list[0]
}

/// A pod that a node has taken.
fn placed(pod: &mut Value, place: u64) {
    let spec = pod["spec"]["containers"][0].clone();
    let address = format!("10.0.{}.{}", (place >> 8) % 256, place % 254 + 1);
    object::set(pod, &["status", "phase"], json!("Pending"));
    object::set(pod, &["status", "qosClass"], json!("Burstable"));
    object::set(pod, &["status", "podIP"], json!(address));
    object::set(pod, &["status", "startTime"], json!(clock::stamp()));
    for kind in ["PodScheduled", "PodReadyToStartContainers", "Initialized"] {
        object::set_condition(pod, kind, "True", "", "");
    }
    unready(pod);
    *container(pod) = json!({
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "ready": false,
        "started": false,
        "restartCount": 0,
        "state": {"waiting": {"reason": "ContainerCreating"}},
        "lastState": {},
    });
}

fn unready(pod: &mut Value) {
    let name = object::text_or_empty(pod, "/spec/containers/0/name").to_owned();
    let message = format!("containers with unready status: [{name}]");
    for kind in ["Ready", "ContainersReady"] {
        object::set_condition(pod, kind, "False", "ContainersNotReady", &message);
    }
}

/// Writes why a container waits; whether that is new.
fn waits(pod: &mut Value, reason: &str, message: &str) -> bool {
    let state = json!({"waiting": {"reason": reason, "message": message}});
    let new = container(pod)["state"] != state;
    container(pod)["state"] = state;
    container(pod)["ready"] = json!(false);
    new
}

fn runs(pod: &mut Value) {
    let digest = super::event::short_digest(object::uid(pod));
    let status = container(pod);
    status["state"] = json!({"running": {"startedAt": clock::stamp()}});
    status["started"] = json!(true);
    status["containerID"] = json!(format!("containerd://{digest}"));
    status["imageID"] = json!(format!(
        "{}@sha256:{digest}",
        status["image"].as_str().unwrap_or("")
    ));
    object::set(pod, &["status", "phase"], json!("Running"));
}

fn crashed(pod: &mut Value, last_words: Option<&str>) {
    let name = object::name(pod).to_owned();
    let (space, uid) = (
        object::namespace(pod).to_owned(),
        object::uid(pod).to_owned(),
    );
    unready(pod);
    let status = container(pod);
    let count = status["restartCount"].as_i64().unwrap_or(0) + 1;
    let since = status.pointer("/state/running/startedAt").cloned();
    let wait = match count {
        1 => "10s",
        2 => "20s",
        3 => "40s",
        4 => "1m20s",
        5 => "2m40s",
        _ => "5m0s",
    };
    let container = status["name"].as_str().unwrap_or("").to_owned();
    status["restartCount"] = json!(count);
    status["ready"] = json!(false);
    status["started"] = json!(false);
    status["lastState"] = json!({"terminated": {
        "exitCode": 1,
        "reason": "Error",
        "startedAt": since.unwrap_or_else(|| json!(clock::stamp())),
        "finishedAt": clock::stamp(),
    }});
    if let Some(text) = last_words {
        status["lastState"]["terminated"]["message"] = json!(text);
    }
    status["state"] = json!({"waiting": {
        "reason": "CrashLoopBackOff",
        "message": format!(
            "back-off {wait} restarting failed container={container} pod={name}_{space}({uid})"
        ),
    }});
}
