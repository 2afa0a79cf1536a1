//! From the facts of one instance to an observation: the Application is compared with the wish, and
//! troubles that are only consequences of others are left out, so that the cause that is shown is the
//! one to act on.

use std::cmp::Reverse;

use model::Timestamp;
use model::observation::{ApplicationFact, Observation, PodFact, PodTrouble, ReadyFact};
use model::view::EventLine;
use service::ports::Target;

use super::{ApplicationSeen, Fact, Facts, PodSeen, Sort, WorkloadSeen};
use crate::wish::{application, compared, owned};

/// The certificate that the gateway serves.
const CERTIFICATE: &str = "gateway";

/// What was seen of an instance, judged against its wish.
pub fn assemble(facts: &Facts, target: &Target, at: Timestamp) -> Observation {
    let mut seen = Observation {
        at,
        ..Observation::default()
    };
    let mut workloads: Vec<&WorkloadSeen> = Vec::new();
    let mut pods: Vec<(&str, &PodSeen)> = Vec::new();
    let mut certificates: Vec<(&str, &ReadyFact)> = Vec::new();
    for ((sort, name), fact) in &facts.0 {
        match fact {
            Fact::Namespace(fact, changes) => {
                seen.outside_changes.extend(changes.iter().cloned());
                seen.namespace = fact.clone();
            }
            Fact::Application(fact) => {
                seen.outside_changes
                    .extend(fact.outside_changes.iter().cloned());
                seen.application = Some(judged(fact, target));
            }
            Fact::Workload(workload) => workloads.push(workload),
            Fact::Pod(pod) => pods.push((name, pod)),
            Fact::Claim => seen
                .unbound
                .push((name.to_string(), said_of_claim(facts, name))),
            Fact::Ready(fact) if *sort == Sort::Certificate => certificates.push((name, fact)),
            Fact::Ready(fact) => seen.secrets.push(fact.clone()),
            Fact::Database(status) => seen.database = Some(status.clone()),
            Fact::Gate(fact, changes) => {
                seen.outside_changes.extend(changes.iter().cloned());
                seen.gate = Some(fact.clone());
            }
            Fact::Event(_) => {}
        }
    }
    let certificate = certificates
        .iter()
        .find(|(name, _)| *name == CERTIFICATE)
        .or(certificates.first());
    seen.certificate = certificate.map(|(_, fact)| (*fact).clone());
    seen.pods = pods
        .iter()
        .map(|(name, pod)| pod_fact(name, pod, &seen))
        .collect();
    seen.refused = refused(facts, &workloads);
    seen.workloads = workloads.into_iter().map(|w| w.fact.clone()).collect();
    seen.events = facts.events().cloned().collect();
    seen.events.sort_by_key(|line| Reverse(line.at));
    seen
}

fn judged(seen: &ApplicationSeen, target: &Target) -> ApplicationFact {
    let wished = application(target);
    let spec = &wished.spec.spec;
    ApplicationFact {
        as_wished: seen.owned == owned(&wished),
        compared: seen.compared == Some(compared(&spec.sources, &spec.destination)),
        sync: seen.sync.clone(),
        health: seen.health.clone(),
        phase: seen.phase.clone(),
        message: seen.message.clone(),
        conditions: seen.conditions.clone(),
        deleting: seen.deleting.clone(),
    }
}

fn pod_fact(name: &str, pod: &PodSeen, seen: &Observation) -> PodFact {
    let secrets_missing = seen.secrets.iter().any(|s| s.ready != "True");
    let consequence = match &pod.trouble {
        Some(PodTrouble::Unschedulable { message }) => {
            !seen.unbound.is_empty() && message.to_lowercase().contains("persistentvolumeclaim")
        }
        Some(_) => pod.waits_for_configuration && secrets_missing,
        None => false,
    };
    PodFact {
        name: name.to_owned(),
        component: pod.component.clone(),
        ready: pod.ready,
        trouble: pod.trouble.clone().filter(|_| !consequence),
    }
}

/// What was last said of a claim, warnings first.
fn said_of_claim(facts: &Facts, name: &str) -> String {
    let object = format!("PersistentVolumeClaim/{name}");
    facts
        .events()
        .filter(|line| line.object == object)
        .max_by_key(|line| (line.warning, line.at))
        .map_or_else(|| "it is pending".to_owned(), |line| line.message.clone())
}

/// Pods that could not be created: what a Deployment says of itself, and what events say of workloads that
/// are not complete. A later success of the same object ends it.
fn refused(facts: &Facts, workloads: &[&WorkloadSeen]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = workloads
        .iter()
        .filter_map(|w| Some((w.fact.object.clone(), w.failure.clone()?)))
        .collect();
    for line in facts
        .events()
        .filter(|line| line.warning && line.reason == "FailedCreate")
    {
        let newest = |other: &EventLine| {
            other.object == line.object
                && matches!(other.reason.as_str(), "SuccessfulCreate" | "FailedCreate")
                && other.at > line.at
        };
        let owner = owner(&line.object, workloads).filter(|w| !w.settled);
        let Some(owner) = owner.filter(|_| !facts.events().any(newest)) else {
            continue;
        };
        if !found.iter().any(|(object, _)| *object == owner.fact.object) {
            found.push((owner.fact.object.clone(), line.message.clone()));
        }
    }
    found
}

/// The workload that a pod, replica set or stateful set belongs to: the longest name that begins it.
fn owner<'a>(object: &str, workloads: &[&'a WorkloadSeen]) -> Option<&'a WorkloadSeen> {
    let name = object.rsplit('/').next().unwrap_or("");
    let of = |w: &&WorkloadSeen| w.fact.object.rsplit('/').next().map_or(0, str::len);
    workloads
        .iter()
        .copied()
        .filter(|w| {
            let own = w.fact.object.rsplit('/').next().unwrap_or("");
            name.strip_prefix(own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
        .max_by_key(of)
}
