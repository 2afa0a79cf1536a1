//! The parts of an instance, each with its own health and the events that are about it.

use super::assess::{deployment_opinion, reachability_opinion};
use super::{Observation, Probe, ReadyFact};
use crate::health::HealthStatus;
use crate::release::Version;
use crate::view::{EventLine, Part, PartView};

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
