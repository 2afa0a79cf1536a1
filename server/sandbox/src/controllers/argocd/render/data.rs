//! The database of an instance, and the secrets that are fetched for it.
//!
//! Two roles for each database, none of them a superuser; each entry of Secrets Manager lies below the
//! instance's own prefix and is read through its own store.

use super::asks_for_entries;
use crate::controllers::argocd::source::Plan;
use serde_json::{Map, Value, json};

/// Databases that have the name of their roles.
const DATABASES: [&str; 5] = ["pollux", "castor", "connect", "agent", "prism"];

/// The database cluster, with its databases and their roles.
pub fn database(plan: &Plan) -> Value {
    let given = plan.at("/database");
    let (mut users, mut databases) = (Map::new(), Map::new());
    for name in DATABASES {
        users.insert(format!("{name}-admin"), json!([]));
        users.insert(format!("{name}-application-user"), json!([]));
        databases.insert(name.to_owned(), json!(format!("{name}-admin")));
    }
    users.insert("enterprise-services-admin".to_owned(), json!([]));
    users.insert("enterprise-services-user".to_owned(), json!([]));
    let owner = json!("enterprise-services-admin");
    databases.insert("enterprise_services".to_owned(), owner);
    let class = match given["onDelete"].as_str() {
        Some("keep") => &given["keepingStorageClass"],
        _ => &given["storageClass"],
    };
    let members = if plan.is("/hibernated") {
        json!(0)
    } else {
        given["replicas"].clone()
    };
    let mut made = json!({
        "teamId": given["team"],
        "numberOfInstances": members,
        "postgresql": {"version": given["version"]},
        "volume": {"size": given["size"], "storageClass": class},
        "resources": given["resources"],
        "spiloRunAsUser": 101,
        "spiloRunAsGroup": 103,
        "spiloFSGroup": 103,
        "podAnnotations": {"hosted-instances.io/instance": plan.text("/instance/id")},
        "enableLogicalBackup": given["backup"]["enabled"],
        "logicalBackupSchedule": given["backup"]["schedule"],
        "logicalBackupRetention": given["backup"]["retention"],
        "env": log(plan),
        "users": users,
        "databases": databases,
    });
    if given["synchronous"] == true {
        made["patroni"] = json!({"synchronous_mode": true});
    }
    made
}

/// What the database is told about its write-ahead log.
fn log(plan: &Plan) -> Value {
    let wal = plan.at("/database/backup/wal");
    if wal["enabled"] != true {
        return json!([{"name": "USE_WALG_BACKUP", "value": "false"}]);
    }
    let mut told = vec![
        json!({"name": "WAL_BUCKET_SCOPE_PREFIX", "value": format!("{}/", plan.namespace)}),
        json!({"name": "USE_WALG_BACKUP", "value": "true"}),
        json!({"name": "USE_WALG_RESTORE", "value": "true"}),
        json!({"name": "CLONE_USE_WALG_RESTORE", "value": "true"}),
        json!({"name": "BACKUP_SCHEDULE", "value": wal["schedule"]}),
        json!({"name": "BACKUP_NUM_TO_RETAIN", "value": wal["retain"].to_string()}),
    ];
    for (name, key) in [("WAL_S3_BUCKET", "bucket"), ("AWS_REGION", "region")] {
        if wal[key].as_str().is_some_and(|text| !text.is_empty()) {
            told.push(json!({"name": name, "value": wal[key]}));
        }
    }
    json!(told)
}

/// The instance's own way into Secrets Manager.
pub fn store(plan: &Plan) -> Value {
    let mut aws = json!({"service": "SecretsManager", "region": plan.text("/secrets/region")});
    let role = plan.text("/secrets/role");
    if !role.is_empty() {
        aws["role"] = json!(role);
        let id = plan.text("/instance/id");
        aws["sessionTags"] = json!([{"key": "hosted-instance", "value": id}]);
    }
    json!({"provider": {"aws": aws}})
}

/// What one `ExternalSecret` fetches.
pub fn secrets(name: &str, plan: &Plan) -> Value {
    let prefix = plan.text("/secrets/prefix");
    let id = plan.text("/instance/id");
    let items: Vec<Value> = entries(name, plan)
        .into_iter()
        .map(|(key, entry)| {
            json!({
                "secretKey": key,
                "remoteRef": {"key": format!("{prefix}/{id}/{entry}"), "property": "value"},
            })
        })
        .collect();
    json!({
        "refreshPolicy": "OnChange",
        "secretStoreRef": {
            "kind": plan.text("/secrets/storeKind"), "name": plan.text("/secrets/store"),
        },
        "target": {"name": name, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": items,
    })
}

/// Keys of a Secret and the entries they come from, in the order of the keys.
fn entries(name: &str, plan: &Plan) -> Vec<(String, String)> {
    let fixed: &[(&str, &str)] = match name {
        "instance-secrets" => &[
            ("admin-token", "admin-token"),
            ("api-key-salt", "api-key-salt"),
            ("wallet-seed", "wallet-seed"),
        ],
        "vault-credentials" => &[
            ("role-id", "vault-role-id"),
            ("secret-id", "vault-secret-id"),
        ],
        "registry-node" => &[
            ("dbsync-password", "cardano-dbsync-password"),
            ("wallet-passphrase", "cardano-wallet-passphrase"),
        ],
        "cloud-agent-environment" => return wished(plan, "/agent/secretEnv"),
        _ => return wished(plan, "/enterpriseAgent/secretEnv"),
    };
    fixed
        .iter()
        .map(|(key, entry)| ((*key).to_owned(), (*entry).to_owned()))
        .collect()
}

fn wished(plan: &Plan, pointer: &str) -> Vec<(String, String)> {
    if !asks_for_entries(plan, pointer) {
        return Vec::new();
    }
    let all = plan.at(pointer).as_object().into_iter().flatten();
    let mut all: Vec<(String, String)> = all
        .map(|(key, from)| {
            let entry = from["entry"].as_str().unwrap_or("");
            (key.clone(), entry.to_owned())
        })
        .collect();
    all.sort();
    all
}
