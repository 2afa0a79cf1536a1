//! Who may speak to whom: the chart's network policies.
//!
//! The sandbox has no network to hold them against; they are what `kubectl` shows.

use super::{cardano, selector, vault};
use crate::controllers::argocd::source::Plan;
use serde_json::{Value, json};

/// Whether the registry node is let out to the shared infrastructure.
pub fn to_cardano(plan: &Plan) -> bool {
    plan.is("/networkPolicy/enabled")
        && cardano(plan)
        && !plan.text("/networkPolicy/cardanoCidr").is_empty()
}

/// What one policy says.
pub fn policy(name: &str, plan: &Plan) -> Value {
    match name {
        "default-deny" => json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
        "own-parts" => own_parts(plan),
        "agent" => agent(plan),
        "database" => database(),
        _ => json!({
            "podSelector": {"matchLabels": selector("registry-node", plan)},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": plan.text("/networkPolicy/cardanoCidr")}}]}],
        }),
    }
}

fn namespace(name: &str) -> Value {
    json!({"matchLabels": {"kubernetes.io/metadata.name": name}})
}

fn own_parts(plan: &Plan) -> Value {
    let mut ingress = vec![json!({"from": [{"podSelector": {}}]})];
    let nodes = plan.at("/networkPolicy/probeCidrs").as_array();
    let nodes: Vec<Value> = nodes
        .into_iter()
        .flatten()
        .map(|cidr| json!({"ipBlock": {"cidr": cidr}}))
        .collect();
    if !nodes.is_empty() {
        ingress.push(json!({"from": nodes}));
    }
    json!({
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": ingress,
        "egress": [
            {"to": [{"podSelector": {}}]},
            {
                "to": [{
                    "namespaceSelector": namespace("kube-system"),
                    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                }],
                "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
            },
        ],
    })
}

fn agent(plan: &Plan) -> Value {
    let mut egress = vec![json!({
        "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": plan.at("/networkPolicy/privateCidrs")}}],
        "ports": [{"port": 443}],
    })];
    if vault(plan) {
        egress.push(json!({"ports": [{"port": plan.at("/vault/port")}]}));
    }
    json!({
        "podSelector": {"matchLabels": selector("agent", plan)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{
            "from": [{"namespaceSelector": namespace(plan.text("/gateway/namespace"))}],
            "ports": [{"port": 8085}, {"port": 8090}],
        }],
        "egress": egress,
    })
}

fn database() -> Value {
    json!({
        "podSelector": {"matchExpressions": [
            {"key": "application", "operator": "In", "values": ["spilo", "spilo-logical-backup"]},
        ]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{
            "from": [{"namespaceSelector": namespace("postgres-operator")}],
            "ports": [{"port": 5432}, {"port": 8008}],
        }],
        "egress": [{"ports": [{"port": 443}, {"port": 6443}]}],
    })
}
