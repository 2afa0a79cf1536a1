//! The instance chart, as the sandbox renders it.
//!
//! Exactly the objects of the contract between the control plane and a cluster, with the names that
//! are fixed there. Every object carries the release's label, its component and Argo CD's tracking
//! annotation.

use super::source::Plan;
use crate::controllers::seed::{ISSUER, SECRET_STORE};
use crate::resource::Kind;
use serde_json::{Value, json};

/// The annotation by which Argo CD knows its objects.
pub const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// The objects in the order in which they are applied.
const PARTS: &[(Kind, &str)] = &[
    (Kind::ExternalSecret, "instance-secrets"),
    (Kind::Service, "cloud-agent"),
    (Kind::Service, "cloud-agent-enterprise"),
    (Kind::Service, "vdr-node"),
    (Kind::Certificate, "gateway"),
    (Kind::Postgresql, "prism-postgres"),
    (Kind::Deployment, "cloud-agent"),
    (Kind::Deployment, "cloud-agent-enterprise"),
    (Kind::Deployment, "vdr-node"),
    (Kind::Tls, "gateway"),
    (Kind::Route, "instance"),
];

/// The objects that the values ask for.
pub fn parts(plan: &Plan) -> impl Iterator<Item = (Kind, &'static str)> {
    let enterprise = plan.values.pointer("/enterpriseAgent/enabled") != Some(&Value::Bool(false));
    PARTS
        .iter()
        .copied()
        .filter(move |(_, name)| enterprise || *name != "cloud-agent-enterprise")
}

/// One object of the chart.
pub fn part(kind: Kind, name: &str, plan: &Plan) -> Value {
    let (component, spec) = match kind {
        Kind::ExternalSecret => ("secrets", secrets(plan)),
        Kind::Service => (component(name), service(name)),
        Kind::Certificate => ("certificate", certificate(plan)),
        Kind::Postgresql => ("database", database(plan)),
        Kind::Deployment => (component(name), deployment(name, plan)),
        Kind::Tls => ("certificate", tls(plan)),
        _ => ("gateway", routes(plan)),
    };
    let row = kind.definition();
    let id = format!(
        "{}_{}:{}/{}:{}/{name}",
        plan.application_namespace, plan.application, row.group, row.name, plan.namespace
    );
    json!({
        "apiVersion": kind.api_version(),
        "kind": row.name,
        "metadata": {
            "name": name,
            "namespace": plan.namespace,
            "labels": labels(component, plan),
            "annotations": {TRACKING: id},
        },
        "spec": spec,
    })
}

/// Every image of the plan.
pub fn images(plan: &Plan) -> Vec<String> {
    ["cloud-agent", "cloud-agent-enterprise", "vdr-node"]
        .iter()
        .map(|name| image(name, plan))
        .collect()
}

fn labels(component: &str, plan: &Plan) -> Value {
    json!({
        "app.kubernetes.io/instance": plan.application,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/managed-by": "Helm",
    })
}

fn component(name: &str) -> &'static str {
    match name {
        "cloud-agent" => "agent",
        "cloud-agent-enterprise" => "enterprise-agent",
        _ => "registry-node",
    }
}

/// The image of a component; the registries moved with the releases.
fn image(name: &str, plan: &Plan) -> String {
    let version = &plan.version;
    let numbers: Vec<u32> = version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    if name == "vdr-node" {
        return "docker.io/inputoutput/prism-node:2.5.0".to_owned();
    }
    match numbers[..] {
        [1, minor, ..] if minor < 32 => format!("ghcr.io/input-output-hk/prism-agent:{version}"),
        [1, ..] => format!("ghcr.io/hyperledger/identus-cloud-agent:{version}"),
        _ => format!("docker.io/hyperledgeridentus/identus-cloud-agent:{version}"),
    }
}

fn port(name: &str) -> u16 {
    if name == "vdr-node" { 50_053 } else { 8_085 }
}

fn service(name: &str) -> Value {
    json!({
        "type": "ClusterIP",
        "selector": {"app.kubernetes.io/component": component(name)},
        "ports": [{"name": "main", "port": port(name), "targetPort": port(name), "protocol": "TCP"}],
    })
}

/// A number among the effective values, or the chart's default.
fn number(plan: &Plan, pointer: &str, usual: u64) -> u64 {
    plan.values
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or(usual)
}

fn replicas(name: &str, plan: &Plan) -> u64 {
    if plan.values["hibernated"] == true {
        return 0;
    }
    match name {
        "cloud-agent" => number(plan, "/agent/replicas", number(plan, "/replicas", 1)),
        "cloud-agent-enterprise" => number(plan, "/enterpriseAgent/replicas", 1),
        _ => number(plan, "/registryNode/replicas", 1),
    }
}

fn deployment(name: &str, plan: &Plan) -> Value {
    let labels = json!({
        "app.kubernetes.io/instance": plan.application,
        "app.kubernetes.io/component": component(name),
    });
    let mut container = json!({
        "name": name,
        "image": image(name, plan),
        "ports": [{"containerPort": port(name), "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"},
            "limits": {"cpu": "500m", "memory": "1Gi"}},
    });
    if name != "vdr-node" {
        container["envFrom"] = json!([{"secretRef": {"name": "instance-secrets"}}]);
        container["env"] = json!([
            {"name": "REST_SERVICE_URL", "value": format!("https://{}/cloud-agent", plan.text("/instance/host"))},
        ]);
    }
    json!({
        "replicas": replicas(name, plan),
        "progressDeadlineSeconds": 60,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    })
}

fn database(plan: &Plan) -> Value {
    let size = plan
        .values
        .pointer("/database/size")
        .and_then(Value::as_str)
        .unwrap_or("10Gi");
    let version = plan
        .values
        .pointer("/database/version")
        .and_then(Value::as_str)
        .unwrap_or("17");
    json!({
        "teamId": "prism",
        "numberOfInstances": number(plan, "/database/replicas", 2),
        "volume": {"size": size},
        "postgresql": {"version": version},
        "users": {
            "pollux-admin": ["superuser", "createdb"], "pollux-application-user": [],
            "connect-admin": ["superuser", "createdb"], "connect-application-user": [],
            "agent-admin": ["superuser", "createdb"], "agent-application-user": [],
            "node-admin": ["superuser", "createdb"],
        },
        "databases": {"pollux": "pollux-admin", "connect": "connect-admin", "agent": "agent-admin",
            "node_db": "node-admin"},
        "resources": {"requests": {"cpu": "100m", "memory": "250Mi"}},
    })
}

fn certificate(plan: &Plan) -> Value {
    json!({
        "secretName": "gateway-tls",
        "dnsNames": [plan.text("/instance/host")],
        "issuerRef": {"kind": "ClusterIssuer", "name": ISSUER},
        "duration": "2160h",
        "renewBefore": "360h",
    })
}

fn tls(plan: &Plan) -> Value {
    json!({
        "hosts": [plan.text("/instance/host")],
        "secret": {"name": "gateway-tls", "namespace": plan.namespace},
    })
}

fn secrets(plan: &Plan) -> Value {
    let usual = format!("hosted-instances/{}", plan.cluster);
    let prefix = match plan.text("/secrets/prefix") {
        "" => usual.as_str(),
        prefix => prefix,
    };
    let id = plan.text("/instance/id");
    let item = |key: &str, entry: &str| json!({"secretKey": key, "remoteRef": {"key": format!("{prefix}/{id}/{entry}"), "property": "value"}});
    json!({
        "refreshPolicy": "OnChange",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": SECRET_STORE},
        "target": {"name": "instance-secrets", "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [
            item("DEFAULT_WALLET_SEED", "wallet-seed"),
            item("ADMIN_TOKEN", "admin-token"),
            item("API_KEY_SALT", "api-key-salt"),
        ],
    })
}

fn routes(plan: &Plan) -> Value {
    let rule = |name: &str, priority: i64, paths: &[&str], methods: &[&str]| {
        let mut made = json!({
            "name": name,
            "priority": priority,
            "match": {"hosts": [plan.text("/instance/host")], "paths": paths},
            "backends": [{"serviceName": "cloud-agent", "servicePort": port("cloud-agent")}],
        });
        if !methods.is_empty() {
            made["match"]["methods"] = json!(methods);
        }
        made
    };
    let rewrite = |from: &str| {
        let regex = json!({"regex_uri": [from, "/$1"]});
        json!([
            {"name": "proxy-rewrite", "enable": true, "config": regex},
            {"name": "request-id", "enable": true, "config": {"include_in_response": true}},
        ])
    };
    let stripped = |mut made: Value| {
        made["plugins"] = rewrite("^/cloud-agent/(.*)");
        made
    };
    let keyed = |mut made: Value| {
        made["plugin_config_name"] = json!("gate");
        stripped(made)
    };
    let mut agent = keyed(rule("agent", 10, &["/cloud-agent/*"], &[]));
    if let Some(plugins) = agent["plugins"].as_array_mut() {
        plugins.push(json!({"name": "uri-blocker", "enable": true,
            "config": {"block_rules": ["_system/metrics"], "rejected_code": 404}}));
    }
    let health = rule("health", 20, &["/cloud-agent/_system/health"], &["GET"]);
    let messages = ["/cloud-agent/didcomm", "/cloud-agent/didcomm/*"];
    let mut didcomm = rule("didcomm", 20, &messages, &[]);
    didcomm["backends"][0]["servicePort"] = json!(8_090);
    didcomm["plugins"] = rewrite("^/cloud-agent/didcomm(.*)");
    let read = |name: &str, path: &str| stripped(rule(name, 20, &[path], &["GET", "HEAD"]));
    let mut start = rule("start", 20, &["/"], &["GET", "HEAD"]);
    start["plugins"] = json!([{"name": "redirect", "enable": true,
        "config": {"uri": "/cloud-agent/docs/", "ret_code": 302}}]);
    json!({
        "ingressClassName": "apisix",
        "http": [
            agent,
            keyed(health),
            didcomm,
            read("docs", "/cloud-agent/docs/*"),
            read("schemas", "/cloud-agent/schema-registry/schemas/*"),
            read("definitions", "/cloud-agent/credential-definition-registry/definitions/*"),
            start,
        ],
    })
}
