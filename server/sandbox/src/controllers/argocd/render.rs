//! The instance chart, as the sandbox renders it.
//!
//! The objects of `deploy/charts/prism-instance` of those kinds that the sandbox has, with the names,
//! labels and values that Helm gives them: `tests/it/gates/chart` renders both and compares. Of a pod
//! only what can be seen or matters is here; all else is the same to the letter. Every object carries
//! Argo CD's tracking annotation.

mod data;
mod isolation;
mod route;
mod workload;

use super::source::Plan;
use crate::resource::Kind;
use serde_json::{Value, json};

/// The annotation by which Argo CD knows its objects.
pub const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// Whether the values ask for an object.
type Wanted = fn(&Plan) -> bool;

/// The objects in the order in which they are applied.
const PARTS: &[(Kind, &str, Wanted)] = &[
    (Kind::NetworkPolicy, "default-deny", isolated),
    (Kind::NetworkPolicy, "own-parts", isolated),
    (Kind::NetworkPolicy, "agent", isolated),
    (Kind::NetworkPolicy, "database", isolated),
    (Kind::NetworkPolicy, "cardano", isolation::to_cardano),
    (Kind::DisruptionBudget, "cloud-agent", always),
    (Kind::DisruptionBudget, "cloud-agent-enterprise", enterprise),
    (Kind::DisruptionBudget, "vdr-node", always),
    (Kind::SecretStore, "", own_store),
    (Kind::ExternalSecret, "instance-secrets", always),
    (Kind::ExternalSecret, "vault-credentials", vault),
    (Kind::ExternalSecret, "registry-node", cardano),
    (
        Kind::ExternalSecret,
        "cloud-agent-environment",
        agent_entries,
    ),
    (
        Kind::ExternalSecret,
        "cloud-agent-enterprise-environment",
        enterprise_entries,
    ),
    (Kind::Service, "cloud-agent", always),
    (Kind::Service, "cloud-agent-enterprise", enterprise),
    (Kind::Service, "vdr-node", always),
    (Kind::Service, "instance-dns", named_by_annotation),
    (Kind::Certificate, "gateway", certified),
    (Kind::Postgresql, "prism-postgres", always),
    (Kind::Deployment, "cloud-agent", always),
    (Kind::Deployment, "cloud-agent-enterprise", enterprise),
    (Kind::Deployment, "vdr-node", always),
    (Kind::Tls, "gateway", certified),
    (Kind::Route, "instance", always),
];

fn always(_: &Plan) -> bool {
    true
}

fn isolated(plan: &Plan) -> bool {
    plan.is("/networkPolicy/enabled")
}

fn enterprise(plan: &Plan) -> bool {
    plan.is("/enterpriseAgent/enabled")
}

fn certified(plan: &Plan) -> bool {
    plan.is("/certificate/enabled")
}

fn named_by_annotation(plan: &Plan) -> bool {
    plan.text("/dns/mode") == "annotation"
}

fn own_store(plan: &Plan) -> bool {
    plan.text("/secrets/storeKind") == "SecretStore"
}

fn vault(plan: &Plan) -> bool {
    plan.text("/release/secretStorage") == "vault"
}

fn cardano(plan: &Plan) -> bool {
    plan.text("/registryNode/ledger") == "cardano"
}

fn agent_entries(plan: &Plan) -> bool {
    asks_for_entries(plan, "/agent/secretEnv")
}

fn enterprise_entries(plan: &Plan) -> bool {
    enterprise(plan) && asks_for_entries(plan, "/enterpriseAgent/secretEnv")
}

fn asks_for_entries(plan: &Plan, pointer: &str) -> bool {
    let wished = plan.at(pointer).as_object();
    wished.is_some_and(|entries| !entries.is_empty())
}

/// The objects that the values ask for.
pub fn parts(plan: &Plan) -> impl Iterator<Item = (Kind, &str)> {
    PARTS
        .iter()
        .filter(|(_, _, wanted)| wanted(plan))
        .map(|(kind, name, _)| match kind {
            Kind::SecretStore => (*kind, plan.text("/secrets/store")),
            _ => (*kind, *name),
        })
}

/// One object of the chart.
pub fn part(kind: Kind, name: &str, plan: &Plan) -> Value {
    let (component, spec) = match kind {
        Kind::NetworkPolicy => ("isolation", isolation::policy(name, plan)),
        Kind::DisruptionBudget => (workload::component(name), workload::budget(name, plan)),
        Kind::SecretStore => ("secrets", data::store(plan)),
        Kind::ExternalSecret => ("secrets", data::secrets(name, plan)),
        Kind::Service if name == "instance-dns" => ("dns", route::dns(plan)),
        Kind::Service => (workload::component(name), workload::service(name, plan)),
        Kind::Certificate => ("certificate", route::certificate(plan)),
        Kind::Postgresql => ("database", data::database(plan)),
        Kind::Deployment => (workload::component(name), workload::deployment(name, plan)),
        Kind::Tls => ("certificate", route::tls(plan)),
        _ => ("gateway", route::routes(plan)),
    };
    let row = kind.definition();
    let mut annotations = match (kind, name) {
        (Kind::Postgresql, _) => json!({"argocd.argoproj.io/sync-options": "Prune=false"}),
        (Kind::Service, "instance-dns") => route::dns_annotations(plan),
        _ => json!({}),
    };
    annotations[TRACKING] = json!(format!(
        "{}_{}:{}/{}:{}/{name}",
        plan.application_namespace, plan.application, row.group, row.name, plan.namespace
    ));
    json!({
        "apiVersion": kind.api_version(),
        "kind": row.name,
        "metadata": {
            "name": name,
            "namespace": plan.namespace,
            "labels": labels(component, plan),
            "annotations": annotations,
        },
        "spec": spec,
    })
}

/// Every image of the plan.
pub fn images(plan: &Plan) -> Vec<String> {
    ["cloud-agent", "cloud-agent-enterprise", "vdr-node"]
        .iter()
        .map(|name| workload::image(name, plan).to_owned())
        .collect()
}

fn labels(component: &str, plan: &Plan) -> Value {
    let mut labels = json!({
        "app.kubernetes.io/instance": plan.namespace,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "prism-instance",
        "app.kubernetes.io/managed-by": "Helm",
        "hosted-instances.io/instance": plan.text("/instance/id"),
    });
    let tenant = plan.text("/instance/tenant");
    if !tenant.is_empty() {
        labels["hosted-instances.io/tenant"] = json!(tenant);
    }
    labels
}

/// What tells the pods of a component from all others.
fn selector(component: &str, plan: &Plan) -> Value {
    json!({
        "app.kubernetes.io/instance": plan.namespace,
        "app.kubernetes.io/component": component,
    })
}
