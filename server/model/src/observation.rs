//! What was seen of one instance on its cluster and through its gateway, reduced to facts, and the
//! rules that turn facts into opinions and causes. The adapters fill it; nothing here knows how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, CauseCode};
use crate::health::{Assessment, HealthStatus, Opinion, Opinions};
use crate::release::Version;
use crate::time::Timestamp;
use crate::view::{EventLine, Part, PartView};

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

/// Observations older than this say nothing about now.
pub const TRUSTED_FOR: Duration = Duration::from_secs(90);

/// Whether a message of Argo CD is about a repository that cannot be reached rather than a chart
/// that does not render.
#[must_use]
pub fn is_repository_trouble(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "repository not found",
        "authentication required",
        "could not read from remote",
        "unable to access",
        "failed to list refs",
        "ls-remote",
        "failed to fetch",
        "connection refused",
        "no such host",
        "i/o timeout",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Judges one look at an instance: the three opinions and every cause that the facts give.
#[must_use]
pub fn assess(
    cluster: &ClusterFact,
    seen: Option<&Observation>,
    probe: Option<&Probe>,
    wished: Version,
    now: Timestamp,
) -> Assessment {
    let mut causes = Vec::new();
    if let Some((_, why)) = &cluster.unreachable {
        causes.push(Cause::new(
            CauseCode::ClusterUnreachable,
            &cluster.name,
            why,
        ));
    }
    let trusted = seen.filter(|o| cluster.unreachable.is_none() && now.since(o.at) < TRUSTED_FOR);
    let (deployment, runtime) = if let Some(seen) = trusted {
        causes.extend(deployment_causes(cluster, seen));
        causes.extend(runtime_causes(seen));
        (deployment_opinion(seen), runtime_opinion(seen))
    } else {
        let unknown = |summary: &str| Opinion {
            status: HealthStatus::Unknown,
            summary: summary.to_owned(),
            as_of: seen.map(|o| o.at),
        };
        (
            unknown("Nothing recent from the cluster"),
            unknown("Nothing recent from the cluster"),
        )
    };
    let reachability = reachability_opinion(probe, wished, now);
    if trusted.is_some_and(|o| o.application.is_some()) {
        causes.extend(probe_cause(probe, wished, now));
    }
    causes.sort_by_key(|c| CauseCode::ALL.iter().position(|code| *code == c.code));
    Assessment {
        opinions: Opinions {
            deployment,
            runtime,
            reachability,
        },
        causes,
    }
}

fn deployment_causes(cluster: &ClusterFact, seen: &Observation) -> Vec<Cause> {
    let Some(app) = &seen.application else {
        return Vec::new();
    };
    let mut causes = Vec::new();
    let subject = "this instance";
    for (kind, message) in &app.conditions {
        match kind.as_str() {
            "ComparisonError" | "InvalidSpecError" if is_repository_trouble(message) => {
                causes.push(Cause::new(
                    CauseCode::OverridesUnreachable,
                    &cluster.name,
                    message,
                ));
            }
            "ComparisonError" | "InvalidSpecError" => {
                causes.push(Cause::new(CauseCode::ChartDoesNotRender, subject, message));
            }
            "SyncError" => causes.push(Cause::new(CauseCode::SyncFailed, subject, message)),
            "DeletionError" => {
                causes.push(Cause::new(CauseCode::DeletionBlocked, subject, message));
            }
            _ => {}
        }
    }
    if matches!(app.phase.as_str(), "Failed" | "Error") && causes.is_empty() && app.sync != "Synced"
    {
        causes.push(Cause::new(CauseCode::SyncFailed, subject, &app.message));
    }
    for change in &seen.outside_changes {
        causes.push(Cause::new(
            CauseCode::OutsideChange,
            "our objects on the cluster",
            change,
        ));
    }
    causes
}

fn runtime_causes(seen: &Observation) -> Vec<Cause> {
    let mut causes = Vec::new();
    for pod in seen.pods.iter().filter(|p| !p.ready) {
        causes.extend(pod.trouble.as_ref().map(|trouble| match trouble {
            PodTrouble::ImagePull { image, message } => Cause::new(
                CauseCode::ImageCannotBePulled,
                format!("{} ({image})", pod.component),
                message,
            ),
            PodTrouble::Crash { container, message } => {
                Cause::new(CauseCode::ContainerCrashes, container, message)
            }
            PodTrouble::Unschedulable { message } => {
                Cause::new(CauseCode::PodCannotBeScheduled, &pod.name, message)
            }
        }));
    }
    for (workload, message) in &seen.refused {
        causes.push(Cause::new(CauseCode::PodRefused, workload, message));
    }
    for (claim, message) in &seen.unbound {
        causes.push(Cause::new(CauseCode::VolumeNotBound, claim, message));
    }
    if let Some(status) = &seen.database
        && matches!(
            status.as_str(),
            "CreateFailed" | "UpdateFailed" | "SyncFailed" | "Invalid"
        )
    {
        causes.push(Cause::new(
            CauseCode::DatabaseNotRunning,
            "prism-postgres",
            format!("the operator says {status}"),
        ));
    }
    if let Some(certificate) = seen
        .certificate
        .as_ref()
        .filter(|c| c.ready == "False" && !c.reason.is_empty() && c.reason != "DoesNotExist")
    {
        causes.push(Cause::new(
            CauseCode::CertificateNotIssued,
            &certificate.object,
            &certificate.message,
        ));
    }
    for secret in seen.secrets.iter().filter(|s| s.ready == "False") {
        causes.push(Cause::new(
            CauseCode::SecretNotSynced,
            &secret.object,
            &secret.message,
        ));
    }
    causes
}

fn probe_cause(probe: Option<&Probe>, wished: Version, now: Timestamp) -> Option<Cause> {
    let probe = probe.filter(|p| now.since(p.at) < TRUSTED_FOR)?;
    match &probe.outcome {
        ProbeOutcome::Answered { version } if *version != wished.to_string() => Some(Cause::new(
            CauseCode::WrongVersionRunning,
            "This instance",
            format!("{version} answers, {wished} is wished for"),
        )),
        ProbeOutcome::Answered { .. } => None,
        ProbeOutcome::Refused { status } => Some(Cause::new(
            CauseCode::ProbeRefused,
            "this instance",
            format!("the answer was {status}"),
        )),
        ProbeOutcome::Failed { stage, detail } => Some(Cause::new(
            CauseCode::ProbeRefused,
            "this instance",
            format!("{stage}: {detail}"),
        )),
    }
}

fn deployment_opinion(seen: &Observation) -> Opinion {
    let (status, summary) = match &seen.application {
        None => (HealthStatus::Progressing, "No Application yet".to_owned()),
        Some(app) if app.deleting.is_some() => {
            (HealthStatus::Progressing, "Being deleted".to_owned())
        }
        Some(app) if !app.compared => (
            HealthStatus::Progressing,
            "Argo CD has not looked at this yet".to_owned(),
        ),
        Some(app) => {
            let health = if app.health.is_empty() {
                "no health"
            } else {
                &app.health
            };
            let sync = if app.sync.is_empty() {
                "not compared"
            } else {
                &app.sync
            };
            let status = match (sync, health) {
                ("Synced", "Healthy") => HealthStatus::Healthy,
                (_, "Degraded" | "Missing") | ("Unknown", _) => HealthStatus::Degraded,
                _ if matches!(app.phase.as_str(), "Failed" | "Error") => HealthStatus::Degraded,
                _ => HealthStatus::Progressing,
            };
            (status, format!("{sync}, {health}"))
        }
    };
    Opinion {
        status,
        summary,
        as_of: Some(seen.at),
    }
}

fn runtime_opinion(seen: &Observation) -> Opinion {
    let parts = parts(Some(seen), None, None);
    let runtime = |p: &&PartView| !matches!(p.part, Part::Gateway | Part::Deployment);
    let worst = parts.iter().filter(runtime).max_by_key(|p| match p.status {
        HealthStatus::Healthy => 0,
        HealthStatus::Unknown => 1,
        HealthStatus::Progressing => 2,
        HealthStatus::Degraded => 3,
        HealthStatus::Down => 4,
    });
    let (status, summary) = match worst {
        Some(part) if part.status == HealthStatus::Healthy => {
            (HealthStatus::Healthy, "All parts are ready".to_owned())
        }
        Some(part) => (
            if part.status == HealthStatus::Unknown {
                HealthStatus::Progressing
            } else {
                part.status
            },
            format!("{}: {}", part.part.title(), part.detail),
        ),
        None => (HealthStatus::Progressing, "Nothing there yet".to_owned()),
    };
    Opinion {
        status,
        summary,
        as_of: Some(seen.at),
    }
}

fn reachability_opinion(probe: Option<&Probe>, wished: Version, now: Timestamp) -> Opinion {
    let Some(probe) = probe else {
        return Opinion::never();
    };
    if now.since(probe.at) >= TRUSTED_FOR {
        return Opinion {
            status: HealthStatus::Unknown,
            summary: "No recent probe".to_owned(),
            as_of: Some(probe.at),
        };
    }
    let (status, summary) = match &probe.outcome {
        ProbeOutcome::Answered { version } if *version == wished.to_string() => (
            HealthStatus::Healthy,
            format!("{version} answered in {} ms", probe.millis),
        ),
        ProbeOutcome::Answered { version } => (
            HealthStatus::Degraded,
            format!("{version} answered, {wished} is wished for"),
        ),
        ProbeOutcome::Refused { status } => (HealthStatus::Down, format!("Answered {status}")),
        ProbeOutcome::Failed { stage, .. } => (HealthStatus::Down, format!("No answer ({stage})")),
    };
    Opinion {
        status,
        summary,
        as_of: Some(probe.at),
    }
}

/// The parts of an instance, each with its own health, in the order of the diagram.
#[must_use]
pub fn parts(
    seen: Option<&Observation>,
    probe: Option<&Probe>,
    wished: Option<Version>,
) -> Vec<PartView> {
    Part::ALL
        .into_iter()
        .map(|part| {
            let (status, detail) = part_status(part, seen, probe, wished);
            let events = seen.map_or_else(Vec::new, |o| events_of(part, o));
            PartView {
                part,
                status,
                detail,
                events,
            }
        })
        .collect()
}

fn component(part: Part) -> &'static str {
    match part {
        Part::Agent => "agent",
        Part::EnterpriseAgent => "enterprise-agent",
        Part::RegistryNode => "registry-node",
        Part::Database => "database",
        Part::Gateway | Part::Certificate | Part::Secrets | Part::Deployment => "",
    }
}

fn part_status(
    part: Part,
    seen: Option<&Observation>,
    probe: Option<&Probe>,
    wished: Option<Version>,
) -> (HealthStatus, String) {
    let Some(seen) = seen else {
        return (HealthStatus::Unknown, "Not looked at yet".to_owned());
    };
    match part {
        Part::Agent | Part::EnterpriseAgent | Part::RegistryNode => {
            workload_status(component(part), seen)
        }
        Part::Database => match seen.database.as_deref() {
            Some("Running") => workload_status("database", seen),
            Some("Creating" | "Updating" | "") => {
                (HealthStatus::Progressing, "Being set up".to_owned())
            }
            Some(other) => (HealthStatus::Down, other.to_owned()),
            None => (HealthStatus::Unknown, "Not there yet".to_owned()),
        },
        Part::Certificate => {
            ready_status(seen.certificate.as_ref(), "Issued", HealthStatus::Degraded)
        }
        Part::Secrets => {
            let worst = seen
                .secrets
                .iter()
                .find(|s| s.ready != "True")
                .or(seen.secrets.first());
            ready_status(worst, "Synchronised", HealthStatus::Degraded)
        }
        Part::Deployment => {
            let opinion = deployment_opinion(seen);
            (opinion.status, opinion.summary)
        }
        Part::Gateway => match (probe, wished) {
            (Some(probe), Some(wished)) => {
                let opinion = reachability_opinion(Some(probe), wished, probe.at);
                (opinion.status, opinion.summary)
            }
            _ => (HealthStatus::Unknown, "Not probed yet".to_owned()),
        },
    }
}

fn workload_status(component: &str, seen: &Observation) -> (HealthStatus, String) {
    let (mut wished, mut ready, mut found) = (0, 0, false);
    for workload in seen.workloads.iter().filter(|w| w.component == component) {
        found = true;
        wished += workload.wished;
        ready += workload.ready;
    }
    if !found {
        return (HealthStatus::Unknown, "Not there yet".to_owned());
    }
    let trouble = seen
        .pods
        .iter()
        .any(|p| p.component == component && p.trouble.is_some())
        || seen.refused.iter().any(|(object, _)| {
            seen.workloads.iter().any(|w| {
                w.component == component
                    && object.contains(w.object.rsplit('/').next().unwrap_or(""))
            })
        });
    let status = match (ready, trouble) {
        _ if wished == 0 => HealthStatus::Progressing,
        _ if ready >= wished => HealthStatus::Healthy,
        (0, true) => HealthStatus::Down,
        (_, true) => HealthStatus::Degraded,
        (_, false) => HealthStatus::Progressing,
    };
    (status, format!("{ready} of {wished} ready"))
}

fn ready_status(fact: Option<&ReadyFact>, good: &str, bad: HealthStatus) -> (HealthStatus, String) {
    match fact {
        None => (HealthStatus::Unknown, "Not there yet".to_owned()),
        Some(fact) if fact.ready == "True" => (HealthStatus::Healthy, good.to_owned()),
        Some(fact)
            if fact.ready == "False"
                && fact.reason != "DoesNotExist"
                && !fact.reason.is_empty() =>
        {
            (bad, fact.reason.clone())
        }
        Some(_) => (HealthStatus::Progressing, "Under way".to_owned()),
    }
}

fn events_of(part: Part, seen: &Observation) -> Vec<EventLine> {
    let names: Vec<&str> = match part {
        Part::Agent | Part::EnterpriseAgent | Part::RegistryNode | Part::Database => seen
            .workloads
            .iter()
            .filter(|w| w.component == component(part))
            .filter_map(|w| w.object.rsplit('/').next())
            .collect(),
        Part::Certificate => vec!["gateway", "gateway-tls"],
        Part::Secrets => vec!["instance-secrets"],
        Part::Gateway => vec!["instance", "gate", "watchman"],
        Part::Deployment => vec![],
    };
    let about = |event: &&EventLine| {
        let name = event.object.rsplit('/').next().unwrap_or("");
        match part {
            Part::Deployment => event.object.starts_with("Application/"),
            // A pod or replica set is named after its workload with a suffix of its own; the longest
            // workload name that fits owns it (cloud-agent-enterprise-… is not cloud-agent's).
            _ => owner_of(name, seen)
                .map_or_else(|| names.contains(&name), |owner| names.contains(&owner)),
        }
    };
    seen.events.iter().filter(about).take(5).cloned().collect()
}

fn owner_of<'a>(name: &str, seen: &'a Observation) -> Option<&'a str> {
    seen.workloads
        .iter()
        .filter_map(|w| w.object.rsplit('/').next())
        .filter(|w| {
            name == *w
                || name
                    .strip_prefix(w)
                    .is_some_and(|rest| rest.starts_with('-'))
                || name.ends_with(&format!("-{w}-0"))
                || name.contains(&format!("-{w}-"))
        })
        .max_by_key(|w| w.len())
}

#[cfg(test)]
#[path = "observation_tests.rs"]
mod tests;
