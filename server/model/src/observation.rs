//! What was seen of one instance on its cluster and through its gateway, reduced to facts, and the
//! rules that turn facts into opinions and causes. The adapters fill it; nothing here knows how.

mod assess;
mod parts;

use serde::{Deserialize, Serialize};

pub use self::assess::{TRUSTED_FOR, assess, is_repository_trouble};
pub use self::parts::parts;
use crate::time::Timestamp;
use crate::view::EventLine;

/// The namespace of the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum NamespaceFact {
    /// There is none.
    #[default]
    Absent,
    /// It is there.
    Active,
    /// It is going; `blocked_by` says what it waits for, in Kubernetes' words.
    Terminating {
        /// What the namespace's conditions say is left, and whose finalizers.
        blocked_by: Vec<String>,
    },
}

/// The Argo CD Application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationFact {
    /// Our fields on the cluster are what we would write now.
    pub as_wished: bool,
    /// `status.sync.comparedTo` is what we would write now: what Argo CD says is about this spec.
    pub compared: bool,
    /// `Synced`, `OutOfSync`, `Unknown`, or empty.
    pub sync: String,
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing`, `Unknown`, or empty.
    pub health: String,
    /// Phase of the last operation: `Running`, `Succeeded`, `Failed`, `Error`, or empty.
    pub phase: String,
    /// What the last operation said.
    pub message: String,
    /// Conditions as `(type, message)`.
    pub conditions: Vec<(String, String)>,
    /// Finalizers, when it is being deleted; none when it is not.
    pub deleting: Option<Vec<String>>,
}

/// A Deployment or StatefulSet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadFact {
    /// Kind and name: `Deployment/cloud-agent`.
    pub object: String,
    /// Component label: `agent`, `enterprise-agent`, `registry-node`, `database`.
    pub component: String,
    /// Wished replicas.
    pub wished: u32,
    /// Ready replicas.
    pub ready: u32,
    /// Image of its first container.
    pub image: String,
}

/// What keeps a pod from being ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodTrouble {
    /// `ImagePullBackOff`, `ErrImagePull`, `InvalidImageName`.
    ImagePull {
        /// The image.
        image: String,
        /// What the kubelet said.
        message: String,
    },
    /// `CrashLoopBackOff`, or ended with an error.
    Crash {
        /// The container.
        container: String,
        /// Exit code, reason and last log line as far as known.
        message: String,
    },
    /// Ended with an error by which Flyway says that a migration failed.
    Migration {
        /// The container.
        container: String,
        /// What Flyway and the database said.
        message: String,
    },
    /// `Unschedulable`.
    Unschedulable {
        /// What the scheduler said.
        message: String,
    },
}

/// A pod that is not ready, or is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodFact {
    /// Its name.
    pub name: String,
    /// Component label.
    pub component: String,
    /// Whether it is ready.
    pub ready: bool,
    /// What keeps it from being ready.
    pub trouble: Option<PodTrouble>,
}

/// A condition `Ready` of a custom resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyFact {
    /// Kind and name.
    pub object: String,
    /// `True`, `False`, `Unknown`, or empty before the controller has looked.
    pub ready: String,
    /// Reason word.
    pub reason: String,
    /// Message.
    pub message: String,
}

/// The gate's object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFact {
    /// Generation it carries.
    pub generation: i64,
    /// Names in the whitelist, the sentinel left out.
    pub open_to: Vec<String>,
}

/// Everything seen of one instance on its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// Namespace.
    pub namespace: NamespaceFact,
    /// Application.
    pub application: Option<ApplicationFact>,
    /// Workloads.
    pub workloads: Vec<WorkloadFact>,
    /// Pods.
    pub pods: Vec<PodFact>,
    /// `PostgresClusterStatus` of the postgresql resource; none when there is none.
    pub database: Option<String>,
    /// Certificate.
    pub certificate: Option<ReadyFact>,
    /// `ExternalSecrets`.
    pub secrets: Vec<ReadyFact>,
    /// Volume claims that are not bound: name and what was said.
    pub unbound: Vec<(String, String)>,
    /// Pods that could not even be created: workload and what was said.
    pub refused: Vec<(String, String)>,
    /// Gate.
    pub gate: Option<GateFact>,
    /// Latest events, newest first, at most 40.
    pub events: Vec<EventLine>,
    /// Fields of ours that somebody else changed, as sentences.
    pub outside_changes: Vec<String>,
}

/// What a request through the gateway brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ProbeOutcome {
    /// 200 with a version.
    Answered {
        /// The version that runs.
        version: String,
    },
    /// Another status.
    Refused {
        /// HTTP status.
        status: u16,
    },
    /// No answer.
    Failed {
        /// `dns`, `connect`, `tls`, `timeout` or `http`.
        stage: String,
        /// What was said.
        detail: String,
    },
}

/// A probe with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// When.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub millis: u32,
    /// What it brought.
    #[serde(flatten)]
    pub outcome: ProbeOutcome,
}

/// What is known of the cluster itself when an instance is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFact {
    /// Its name.
    pub name: String,
    /// Why it cannot be reached, and since when; none when it can.
    pub unreachable: Option<(Timestamp, String)>,
    /// Why its override repository cannot be read.
    pub overrides_unreachable: Option<String>,
}

#[cfg(test)]
#[path = "observation_tests.rs"]
mod tests;
