//! The workloads of an instance: their deployments, Services and budgets.
//!
//! Of a container's environment only what the values decide and what comes from a Secret is here; a
//! Secret that is missing keeps the container from starting, as the kubelet does.

use super::{cardano, labels, selector, vault};
use crate::controllers::argocd::source::Plan;
use serde_json::{Value, json};

/// First release that calls the seed of its wallet by the longer name.
const LONG_SEED: (u64, u64) = (1, 15);

/// The component label of a workload.
pub fn component(name: &str) -> &'static str {
    match name {
        "cloud-agent" => "agent",
        "cloud-agent-enterprise" => "enterprise-agent",
        _ => "registry-node",
    }
}

/// Where the values of a workload are.
fn key(name: &str) -> &'static str {
    match name {
        "cloud-agent" => "agent",
        "cloud-agent-enterprise" => "enterpriseAgent",
        _ => "registryNode",
    }
}

/// The image of a workload.
pub fn image<'a>(name: &str, plan: &'a Plan) -> &'a str {
    plan.text(&format!("/images/{}", key(name)))
}

fn neoprism(plan: &Plan) -> bool {
    plan.text("/release/registry") == "neoprism"
}

fn node_port(plan: &Plan) -> u16 {
    if neoprism(plan) { 8_080 } else { 50_053 }
}

/// Names and numbers of a workload's ports, those of its Service first.
fn ports(name: &str, plan: &Plan) -> Vec<(&'static str, u16)> {
    match name {
        "cloud-agent" => vec![("http", 8_085), ("didcomm", 8_090)],
        "cloud-agent-enterprise" => vec![("http", 8_085)],
        _ => vec![("node", node_port(plan))],
    }
}

pub fn service(name: &str, plan: &Plan) -> Value {
    let ports: Vec<Value> = ports(name, plan)
        .into_iter()
        .map(|(name, port)| json!({"name": name, "port": port, "targetPort": name}))
        .collect();
    json!({"selector": selector(component(name), plan), "ports": ports})
}

pub fn budget(name: &str, plan: &Plan) -> Value {
    json!({
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(component(name), plan)},
    })
}

fn replicas(name: &str, plan: &Plan) -> Value {
    if plan.is("/hibernated") {
        return json!(0);
    }
    match name {
        "vdr-node" => json!(1),
        _ => plan.at(&format!("/{}/replicas", key(name))).clone(),
    }
}

pub fn deployment(name: &str, plan: &Plan) -> Value {
    let component = component(name);
    let mut marks = labels(component, plan);
    marks["hosted-instances.io/purpose"] = json!(plan.text("/instance/purpose"));
    marks["hosted-instances.io/release"] = json!(plan.version);
    // Ten seconds for each attempt, and a while behind the last.
    let attempts = plan.at("/agent/startup/attempts").as_u64().unwrap_or(180);
    json!({
        "replicas": replicas(name, plan),
        "strategy": {"type": "Recreate"},
        "revisionHistoryLimit": 2,
        "progressDeadlineSeconds": attempts * 10 + 300,
        "selector": {"matchLabels": selector(component, plan)},
        "template": {
            "metadata": {"labels": marks},
            "spec": {
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "terminationGracePeriodSeconds": 60,
                "containers": [container(name, plan)],
            },
        },
    })
}

fn container(name: &str, plan: &Plan) -> Value {
    let mut opened = ports(name, plan);
    if name == "vdr-node" && !neoprism(plan) {
        opened.push(("metrics", 9_095));
    }
    let opened: Vec<Value> = opened
        .into_iter()
        .map(|(name, port)| json!({"name": name, "containerPort": port}))
        .collect();
    let mut env = match name {
        "cloud-agent" => agent(plan),
        "cloud-agent-enterprise" => database(
            plan,
            "ENTERPRISE_SERVICES",
            "enterprise_services",
            ("enterprise-services-admin", "enterprise-services-user"),
        ),
        _ => registry_node(plan),
    };
    env.extend(extra(name, plan));
    json!({
        "name": name,
        "image": image(name, plan),
        "imagePullPolicy": plan.text("/imagePullPolicy"),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "ports": opened,
        "env": env,
        "resources": plan.at(&format!("/{}/resources", key(name))),
    })
}

fn plain(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

fn secret(name: &str, from: &str, key: &str) -> Value {
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": from, "key": key}}})
}

/// The Secret that the Postgres operator makes for a role.
fn role_secret(role: &str) -> String {
    let role = role.replace('_', "-");
    format!("{role}.prism-postgres.credentials.postgresql.acid.zalan.do")
}

/// A database as a service knows it: the role that migrates it and the role that works in it.
fn database(plan: &Plan, prefix: &str, name: &str, (owner, user): (&str, &str)) -> Vec<Value> {
    let called = |what: &str| format!("{prefix}_DB_{what}");
    let (owner, user) = (role_secret(owner), role_secret(user));
    vec![
        plain(
            &called("HOST"),
            &format!("prism-postgres.{}.svc", plan.namespace),
        ),
        plain(&called("PORT"), "5432"),
        plain(&called("NAME"), name),
        secret(&called("USER"), &owner, "username"),
        secret(&called("PASSWORD"), &owner, "password"),
        secret(&called("APP_USER"), &user, "username"),
        secret(&called("APP_PASSWORD"), &user, "password"),
    ]
}

fn agent(plan: &Plan) -> Vec<Value> {
    let url = format!("https://{}/cloud-agent", plan.text("/instance/host"));
    let mut env = vec![
        plain("REST_SERVICE_URL", &url),
        plain("DIDCOMM_SERVICE_URL", &format!("{url}/didcomm")),
        plain(
            "SECRET_STORAGE_BACKEND",
            plan.text("/release/secretStorage"),
        ),
    ];
    if vault(plan) {
        let from = "vault-credentials";
        env.push(plain("VAULT_ADDR", plan.text("/vault/address")));
        env.push(secret("VAULT_APPROLE_ROLE_ID", from, "role-id"));
        env.push(secret("VAULT_APPROLE_SECRET_ID", from, "secret-id"));
    }
    if neoprism(plan) {
        env.push(plain("NODE_BACKEND", "neoprism"));
        env.push(plain("NEOPRISM_BASE_URL", "http://vdr-node:8080"));
    } else {
        env.push(plain("PRISM_NODE_HOST", "vdr-node"));
        env.push(plain("PRISM_NODE_PORT", "50053"));
    }
    let long = plan.minor() >= LONG_SEED;
    let seed = if long {
        "DEFAULT_WALLET_SEED"
    } else {
        "WALLET_SEED"
    };
    env.push(secret(seed, "instance-secrets", "wallet-seed"));
    env.push(secret("ADMIN_TOKEN", "instance-secrets", "admin-token"));
    env.push(secret("API_KEY_SALT", "instance-secrets", "api-key-salt"));
    let names = plan.at("/release/databases").as_array();
    for name in names.into_iter().flatten().filter_map(Value::as_str) {
        let roles = (format!("{name}-admin"), format!("{name}-application-user"));
        let prefix = name.to_uppercase();
        env.extend(database(plan, &prefix, name, (&roles.0, &roles.1)));
    }
    env
}

fn registry_node(plan: &Plan) -> Vec<Value> {
    let owner = role_secret("prism-admin");
    let shared = "registry-node";
    let mut env = Vec::new();
    if neoprism(plan) {
        env.push(secret("NODE_OWNER", &owner, "username"));
        env.push(secret("NODE_OWNER_PASSWORD", &owner, "password"));
        if cardano(plan) {
            let name = "NPRISM_CARDANO_WALLET_PASSPHRASE";
            env.push(secret("DBSYNC_PASSWORD", shared, "dbsync-password"));
            env.push(secret(name, shared, "wallet-passphrase"));
        }
        return env;
    }
    env.push(plain("NODE_PSQL_DATABASE", "prism"));
    env.push(secret("NODE_PSQL_USERNAME", &owner, "username"));
    env.push(secret("NODE_PSQL_PASSWORD", &owner, "password"));
    env.push(plain("NODE_LEDGER", plan.text("/registryNode/ledger")));
    if cardano(plan) {
        let name = "NODE_CARDANO_DB_SYNC_PASSWORD";
        env.push(secret(name, shared, "dbsync-password"));
        let name = "NODE_CARDANO_WALLET_PASSPHRASE";
        env.push(secret(name, shared, "wallet-passphrase"));
    }
    env
}

/// What the values add to the environment.
fn extra(name: &str, plan: &Plan) -> Vec<Value> {
    let given = plan.at(&format!("/{}", key(name)));
    let mut env = Vec::new();
    for (variable, value) in given["env"].as_object().into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        env.push(plain(variable, &text));
    }
    let from = format!("{name}-environment");
    let entries = given["secretEnv"].as_object().into_iter().flatten();
    for (variable, _) in entries {
        env.push(secret(variable, &from, variable));
    }
    env
}
