//! What a cluster holds before anybody uses it: what `deploy/middleware` would have set up.

use crate::cluster::{APPLICATIONS, ARGO, Cluster, GATEWAY, PROJECT};
use crate::resource::{Definition, Kind, served};
use crate::{Endpoints, clock};
use serde_json::{Value, json};

const MANAGER: &str = "eks-bootstrap";
/// Nodes of a cluster.
pub const NODES: u64 = 3;
/// The store through which External Secrets reaches the Secrets Manager.
pub const SECRET_STORE: &str = "aws-secrets-manager";
/// The issuer of every certificate.
pub const ISSUER: &str = "letsencrypt";

/// The name of a node by its number.
pub fn node_name(number: u64) -> String {
    format!("ip-10-0-{}-{}.ec2.internal", number + 1, 11 + 7 * number)
}

/// The names of the gateway's pods.
pub fn gateway_pods(replicas: usize) -> Vec<String> {
    let hash = super::event::suffix("apisix", 10);
    (0..replicas)
        .map(|number| {
            format!(
                "apisix-{hash}-{}",
                super::event::suffix(&format!("replica {number}"), 5)
            )
        })
        .collect()
}

/// Makes what is missing; what is there stays.
pub fn sow(cluster: &Cluster, endpoints: &Endpoints) {
    let make = |kind: Kind, object: Value| {
        cluster.store.ensure(kind, object, MANAGER);
    };
    let spaces = [
        "default",
        "kube-system",
        ARGO,
        APPLICATIONS,
        GATEWAY,
        "cert-manager",
        "external-secrets",
        "postgres-operator",
    ];
    for space in spaces {
        make(Kind::Namespace, json!({"metadata": {"name": space}}));
    }
    for number in 0..NODES {
        make(Kind::Node, node(number, &cluster.seed.region));
    }
    for row in served().filter(|row| row.custom) {
        make(Kind::Definition, definition(row));
    }
    make(Kind::AppProject, project());
    make(
        Kind::ClusterSecretStore,
        json!({
            "metadata": {"name": SECRET_STORE},
            "spec": {"provider": {"aws": {"service": "SecretsManager", "region": cluster.seed.region}}},
        }),
    );
    make(
        Kind::ClusterIssuer,
        json!({
            "metadata": {"name": ISSUER},
            "spec": {"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory",
                "privateKeySecretRef": {"name": ISSUER}}},
        }),
    );
    for (number, name) in gateway_pods(endpoints.replica_urls.len())
        .iter()
        .enumerate()
    {
        make(Kind::Pod, gateway_pod(name, number));
    }
}

fn node(number: u64, region: &str) -> Value {
    let size = json!({"cpu": "16", "memory": "64Gi", "pods": "234"});
    let zone = ["a", "b", "c"][usize::try_from(number % 3).unwrap_or(0)];
    json!({
        "metadata": {"name": node_name(number), "labels": {
            "kubernetes.io/hostname": node_name(number),
            "topology.kubernetes.io/region": region,
            "topology.kubernetes.io/zone": format!("{region}{zone}"),
        }},
        "spec": {"providerID": format!("aws:///{region}{zone}/i-0{number}")},
        "status": {
            "capacity": size,
            "allocatable": size,
            "nodeInfo": {"kubeletVersion": "v1.34.2-eks-sandbox", "osImage": "Amazon Linux 2023"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                "message": "kubelet is posting ready status", "lastTransitionTime": clock::stamp()}],
        },
    })
}

fn definition(row: &Definition) -> Value {
    let mut version = json!({
        "name": row.version,
        "served": true,
        "storage": true,
        "schema": {"openAPIV3Schema": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
        }},
    });
    if row.status {
        version["subresources"] = json!({"status": {}});
    }
    json!({
        "metadata": {"name": format!("{}.{}", row.plural, row.group)},
        "spec": {
            "group": row.group,
            "scope": if row.namespaced { "Namespaced" } else { "Cluster" },
            "names": {
                "plural": row.plural, "singular": row.singular, "kind": row.name,
                "listKind": format!("{}List", row.name),
                "shortNames": row.short, "categories": row.categories,
            },
            "versions": [version],
        },
        "status": {
            "acceptedNames": {"plural": row.plural, "kind": row.name},
            "storedVersions": [row.version],
            "conditions": [
                {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts",
                    "message": "no conflicts found", "lastTransitionTime": clock::stamp()},
                {"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
                    "message": "the initial names have been accepted",
                    "lastTransitionTime": clock::stamp()},
            ],
        },
    })
}

fn project() -> Value {
    json!({
        "metadata": {"name": PROJECT, "namespace": ARGO},
        "spec": {
            "description": "Instances of the hosted platform",
            "sourceNamespaces": [APPLICATIONS],
            "sourceRepos": ["*"],
            "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "prism*"}],
            "clusterResourceWhitelist": [],
        },
    })
}

fn gateway_pod(name: &str, number: usize) -> Value {
    let now = clock::stamp();
    let yes = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now});
    json!({
        "metadata": {"name": name, "namespace": GATEWAY,
            "labels": {"app.kubernetes.io/name": "apisix", "app.kubernetes.io/instance": "apisix"}},
        "spec": {
            "nodeName": node_name(number as u64 % NODES),
            "containers": [{"name": "apisix", "image": "apache/apisix:3.18.0-debian",
                "ports": [{"name": "http", "containerPort": 9080, "protocol": "TCP"}]}],
        },
        "status": {
            "phase": "Running",
            "podIP": format!("10.0.9.{}", number + 10),
            "startTime": now,
            "conditions": [yes("PodScheduled"), yes("Initialized"), yes("ContainersReady"), yes("Ready")],
            "containerStatuses": [{"name": "apisix", "image": "apache/apisix:3.18.0-debian",
                "ready": true, "started": true, "restartCount": 0,
                "state": {"running": {"startedAt": now}}, "lastState": {}}],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_pods_have_names_of_their_own() {
        let names = gateway_pods(3);
        assert_eq!(names.len(), 3);
        assert!(names[0] != names[1] && names[1] != names[2]);
        assert_eq!(names, gateway_pods(3));
    }
}
