//! From facts to the three opinions and every cause, worst first. A fact that is too old, or of a
//! cluster that cannot be reached, says nothing about now.

use std::time::Duration;

use super::parts::parts;
use super::{ClusterFact, Observation, PodTrouble, Probe, ProbeOutcome};
use crate::cause::{Cause, CauseCode};
use crate::health::{Assessment, HealthStatus, Opinion, Opinions};
use crate::release::Version;
use crate::time::Timestamp;
use crate::view::{Part, PartView};

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
    // While parts are on their way up or over, a request that is refused, or answered by the version
    // before, is what that looks like from outside, not a trouble of its own.
    let settled = runtime.status != HealthStatus::Progressing;
    if settled && trusted.is_some_and(|o| o.application.is_some()) {
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
            PodTrouble::Migration { container, message } => {
                Cause::new(CauseCode::MigrationFailed, container, message)
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

pub(super) fn deployment_opinion(seen: &Observation) -> Opinion {
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

pub(super) fn reachability_opinion(
    probe: Option<&Probe>,
    wished: Version,
    now: Timestamp,
) -> Opinion {
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
