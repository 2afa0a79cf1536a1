//! The columns of each kind's table, as its custom resource definition or Kubernetes declares them.

use crate::object;
use crate::resource::Kind;
use serde_json::{Value, json};

/// Where a cell's text comes from.
pub enum Cell {
    Age(&'static str),
    At(&'static str),
    Condition(&'static str, &'static str),
    Made(fn(&Value) -> Value),
}

/// One column after the name.
pub struct Column {
    pub title: &'static str,
    pub cell: Cell,
    /// Shown with `-o wide` only.
    pub wide: bool,
}

impl Column {
    pub fn kind(&self) -> &'static str {
        match self.title {
            "Restarts" | "Desired" | "Current" | "Up-to-date" | "Available" | "Pods" | "Data" => {
                "integer"
            }
            _ => "string",
        }
    }
}

const fn at(title: &'static str, pointer: &'static str) -> Column {
    Column {
        title,
        cell: Cell::At(pointer),
        wide: false,
    }
}

const fn made(title: &'static str, make: fn(&Value) -> Value) -> Column {
    Column {
        title,
        cell: Cell::Made(make),
        wide: false,
    }
}

const fn ready(title: &'static str, field: &'static str) -> Column {
    Column {
        title,
        cell: Cell::Condition("Ready", field),
        wide: false,
    }
}

const fn wide(title: &'static str, pointer: &'static str) -> Column {
    Column {
        title,
        cell: Cell::At(pointer),
        wide: true,
    }
}

const AGE: Column = Column {
    title: "Age",
    cell: Cell::Age("/metadata/creationTimestamp"),
    wide: false,
};

static NAMESPACE: [Column; 2] = [at("Status", "/status/phase"), AGE];
static POD: [Column; 6] = [
    made("Ready", pod_ready),
    made("Status", pod_status),
    made("Restarts", pod_restarts),
    AGE,
    wide("IP", "/status/podIP"),
    wide("Node", "/spec/nodeName"),
];
static SERVICE: [Column; 5] = [
    at("Type", "/spec/type"),
    at("Cluster-IP", "/spec/clusterIP"),
    made("External-IP", |_| json!("<none>")),
    made("Port(s)", service_ports),
    AGE,
];
static SECRET: [Column; 3] = [at("Type", "/type"), made("Data", data_count), AGE];
static CONFIG_MAP: [Column; 2] = [made("Data", data_count), AGE];
static EVENT: [Column; 6] = [
    Column {
        title: "Last Seen",
        cell: Cell::Age("/lastTimestamp"),
        wide: false,
    },
    at("Type", "/type"),
    at("Reason", "/reason"),
    made("Object", event_object),
    wide("Source", "/source/component"),
    at("Message", "/message"),
];
static VOLUME: [Column; 6] = [
    at("Status", "/status/phase"),
    at("Volume", "/spec/volumeName"),
    at("Capacity", "/status/capacity/storage"),
    at("Access Modes", "/status/accessModes"),
    at("StorageClass", "/spec/storageClassName"),
    AGE,
];
static NODE: [Column; 4] = [
    made("Status", node_status),
    made("Roles", |_| json!("<none>")),
    AGE,
    at("Version", "/status/nodeInfo/kubeletVersion"),
];
static DEPLOYMENT: [Column; 4] = [
    made("Ready", ready_replicas),
    at("Up-to-date", "/status/updatedReplicas"),
    made("Available", |value| {
        json!(object::number(value, "/status/availableReplicas").unwrap_or(0))
    }),
    AGE,
];
static REPLICA_SET: [Column; 4] = [
    at("Desired", "/spec/replicas"),
    at("Current", "/status/replicas"),
    made("Ready", |value| {
        json!(object::number(value, "/status/readyReplicas").unwrap_or(0))
    }),
    AGE,
];
static STATEFUL_SET: [Column; 2] = [made("Ready", ready_replicas), AGE];
static APPLICATION: [Column; 4] = [
    at("Sync Status", "/status/sync/status"),
    at("Health Status", "/status/health/status"),
    wide("Revision", "/status/sync/revision"),
    wide("Project", "/spec/project"),
];
static ROUTE: [Column; 3] = [
    made("Hosts", |value| each_rule(value, "/match/hosts")),
    made("URIs", |value| each_rule(value, "/match/paths")),
    AGE,
];
static TLS: [Column; 4] = [
    at("SNIs", "/spec/hosts"),
    at("Secret Name", "/spec/secret/name"),
    at("Secret Namespace", "/spec/secret/namespace"),
    AGE,
];
static EXTERNAL_SECRET: [Column; 6] = [
    at("StoreType", "/spec/secretStoreRef/kind"),
    at("Store", "/spec/secretStoreRef/name"),
    at("Refresh Interval", "/spec/refreshInterval"),
    ready("Status", "reason"),
    ready("Ready", "status"),
    Column {
        title: "Last Sync",
        cell: Cell::Age("/status/refreshTime"),
        wide: false,
    },
];
static SECRET_STORE: [Column; 4] = [
    AGE,
    ready("Status", "reason"),
    at("Capabilities", "/status/capabilities"),
    ready("Ready", "status"),
];
static POSTGRESQL: [Column; 8] = [
    at("Team", "/spec/teamId"),
    at("Version", "/spec/postgresql/version"),
    at("Pods", "/spec/numberOfInstances"),
    at("Volume", "/spec/volume/size"),
    at("CPU-Request", "/spec/resources/requests/cpu"),
    at("Memory-Request", "/spec/resources/requests/memory"),
    AGE,
    at("Status", "/status/PostgresClusterStatus"),
];
static CERTIFICATE: [Column; 5] = [
    ready("Ready", "status"),
    at("Secret", "/spec/secretName"),
    wide("Issuer", "/spec/issuerRef/name"),
    Column {
        title: "Status",
        cell: Cell::Condition("Ready", "message"),
        wide: true,
    },
    AGE,
];
static ISSUER: [Column; 2] = [ready("Ready", "status"), AGE];
static DEFINITION: [Column; 1] = [Column {
    title: "Created At",
    cell: Cell::At("/metadata/creationTimestamp"),
    wide: false,
}];
static PLAIN: [Column; 1] = [AGE];

/// The columns after the name.
pub fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Namespace => &NAMESPACE,
        Kind::Pod => &POD,
        Kind::Service => &SERVICE,
        Kind::Secret => &SECRET,
        Kind::ConfigMap => &CONFIG_MAP,
        Kind::Event => &EVENT,
        Kind::Volume => &VOLUME,
        Kind::Node => &NODE,
        Kind::Deployment => &DEPLOYMENT,
        Kind::ReplicaSet => &REPLICA_SET,
        Kind::StatefulSet => &STATEFUL_SET,
        Kind::Application => &APPLICATION,
        Kind::Route => &ROUTE,
        Kind::Tls => &TLS,
        Kind::ExternalSecret => &EXTERNAL_SECRET,
        Kind::SecretStore | Kind::ClusterSecretStore => &SECRET_STORE,
        Kind::Postgresql => &POSTGRESQL,
        Kind::Certificate => &CERTIFICATE,
        Kind::ClusterIssuer => &ISSUER,
        Kind::Definition => &DEFINITION,
        _ => &PLAIN,
    }
}

fn containers(value: &Value) -> &[Value] {
    value
        .pointer("/status/containerStatuses")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn pod_ready(value: &Value) -> Value {
    let all = value
        .pointer("/spec/containers")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let ready = containers(value)
        .iter()
        .filter(|one| one["ready"] == true)
        .count();
    json!(format!("{ready}/{all}"))
}

fn pod_status(value: &Value) -> Value {
    if object::terminating(value) {
        return json!("Terminating");
    }
    let reason = containers(value).iter().find_map(|one| {
        object::text(one, "/state/waiting/reason").or(object::text(one, "/state/terminated/reason"))
    });
    json!(
        reason
            .or(object::text(value, "/status/phase"))
            .unwrap_or("Unknown")
    )
}

fn pod_restarts(value: &Value) -> Value {
    json!(
        containers(value)
            .iter()
            .filter_map(|one| one["restartCount"].as_i64())
            .sum::<i64>()
    )
}

fn service_ports(value: &Value) -> Value {
    let ports = value.pointer("/spec/ports").and_then(Value::as_array);
    let texts: Vec<String> = ports
        .into_iter()
        .flatten()
        .map(|port| format!("{}/TCP", port["port"]))
        .collect();
    json!(texts.join(","))
}

fn data_count(value: &Value) -> Value {
    json!(value["data"].as_object().map_or(0, serde_json::Map::len))
}

fn event_object(value: &Value) -> Value {
    let kind = object::text_or_empty(value, "/involvedObject/kind").to_lowercase();
    json!(format!(
        "{kind}/{}",
        object::text_or_empty(value, "/involvedObject/name")
    ))
}

fn node_status(value: &Value) -> Value {
    json!(if object::is_true(value, "Ready") {
        "Ready"
    } else {
        "NotReady"
    })
}

fn ready_replicas(value: &Value) -> Value {
    let ready = object::number(value, "/status/readyReplicas").unwrap_or(0);
    json!(format!(
        "{ready}/{}",
        object::number(value, "/spec/replicas").unwrap_or(1)
    ))
}

fn each_rule(value: &Value, pointer: &str) -> Value {
    let rules = value.pointer("/spec/http").and_then(Value::as_array);
    let texts: Vec<String> = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| Some(rule.pointer(pointer)?.to_string()))
        .collect();
    json!(texts.join(","))
}
