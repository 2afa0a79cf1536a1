//! Facts from Kubernetes' own kinds, pods and events aside.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Container, Namespace, PersistentVolumeClaim, PodSpec};
use model::InstanceId;
use model::observation::{NamespaceFact, WorkloadFact};

use super::{Fact, Reduce, Sort, WorkloadSeen, brief, component};
use crate::drift::{self, outside_changes};

impl Reduce for Namespace {
    const SORT: Sort = Sort::Namespace;

    fn instance(&self) -> Option<InstanceId> {
        InstanceId::from_namespace(self.metadata.name.as_deref()?)
    }

    fn reduce(self) -> Option<Fact> {
        if self.metadata.deletion_timestamp.is_none() {
            let changes = outside_changes("Namespace", &self.metadata, drift::NAMESPACE);
            return Some(Fact::Namespace(NamespaceFact::Active, changes));
        }
        // What is left and whose finalizers hold it, in the words of the namespace controller.
        let tells = [
            "NamespaceFinalizersRemaining",
            "NamespaceContentRemaining",
            "NamespaceDeletionContentFailure",
            "NamespaceDeletionDiscoveryFailure",
            "NamespaceDeletionGroupVersionParsingFailure",
        ];
        let conditions = self.status.and_then(|s| s.conditions).unwrap_or_default();
        let mut blocked_by: Vec<String> = tells
            .iter()
            .filter_map(|tell| {
                conditions
                    .iter()
                    .find(|c| c.type_ == *tell && c.status == "True")
            })
            .filter_map(|c| c.message.as_deref().map(brief))
            .collect();
        let held = self.metadata.finalizers.unwrap_or_default();
        if !held.is_empty() {
            blocked_by.push(format!(
                "The namespace itself has the finalizers {}",
                held.join(", ")
            ));
        }
        Some(Fact::Namespace(
            NamespaceFact::Terminating { blocked_by },
            Vec::new(),
        ))
    }
}

impl Reduce for Deployment {
    const SORT: Sort = Sort::Deployment;

    fn reduce(self) -> Option<Fact> {
        let spec = self.spec;
        let status = self.status.unwrap_or_default();
        let wished = spec.replicas.unwrap_or(1);
        let ready = status.ready_replicas.unwrap_or(0);
        let failure = status
            .conditions
            .into_iter()
            .flatten()
            .find(|c| {
                c.type_.as_deref() == Some("ReplicaFailure") && c.status.as_deref() == Some("True")
            })
            .map(|c| brief(c.message.as_deref().or(c.reason.as_deref()).unwrap_or("")));
        let seen_newest = status.observed_generation >= self.metadata.generation;
        Some(Fact::Workload(WorkloadSeen {
            fact: WorkloadFact {
                object: object("Deployment", self.metadata.name.as_deref()),
                component: component(&self.metadata),
                wished: count(wished),
                ready: count(ready),
                image: image(spec.template.spec),
            },
            settled: seen_newest
                && ready >= wished
                && status.updated_replicas.unwrap_or(0) >= wished,
            failure,
        }))
    }
}

impl Reduce for StatefulSet {
    const SORT: Sort = Sort::StatefulSet;

    fn reduce(self) -> Option<Fact> {
        let spec = self.spec;
        let status = self.status.unwrap_or_default();
        let wished = spec.replicas.unwrap_or(1);
        let ready = status.ready_replicas.unwrap_or(0);
        Some(Fact::Workload(WorkloadSeen {
            fact: WorkloadFact {
                object: object("StatefulSet", self.metadata.name.as_deref()),
                component: component(&self.metadata),
                wished: count(wished),
                ready: count(ready),
                image: image(spec.template.spec),
            },
            settled: ready >= wished,
            failure: None,
        }))
    }
}

impl Reduce for PersistentVolumeClaim {
    const SORT: Sort = Sort::Claim;

    fn reduce(self) -> Option<Fact> {
        let phase = self.status.and_then(|s| s.phase).unwrap_or_default();
        let going = self.metadata.deletion_timestamp.is_some();
        (phase != "Bound" && !going).then_some(Fact::Claim)
    }
}

fn object(kind: &str, name: Option<&str>) -> String {
    format!("{kind}/{}", name.unwrap_or(""))
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn image(spec: Option<PodSpec>) -> String {
    let first: Option<Container> = spec.and_then(|s| s.containers.into_iter().next());
    first.and_then(|c| c.image).unwrap_or_default()
}
