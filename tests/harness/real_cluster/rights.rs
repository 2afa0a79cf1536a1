//! The service account that the product runs as, with the rights that the product itself prints and no
//! others, and the kubeconfig by which it is known.

use std::path::Path;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::Site;
use super::cluster::Cluster;
use crate::process::{Place, said};

/// Where the account's token is asked for.
const TOKEN: &str = "/api/v1/namespaces/hosted-instances/serviceaccounts/hosted-instances/token";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The objects that `doctor --print-rbac` prints.
///
/// # Panics
/// When it prints none.
#[must_use]
pub fn printed(place: &Place) -> Vec<Value> {
    let output = place.run(&["doctor", "--print-rbac"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).expect("text");
    let objects: Vec<Value> = text
        .split("---\n")
        .filter(|part| !part.trim().is_empty())
        .map(|part| serde_saphyr::from_str(part).expect("YAML"))
        .collect();
    assert!(!objects.is_empty(), "{text}");
    objects
}

/// Grants the printed rights on every cluster, once in a run.
async fn grant(place: &Place) {
    static GRANTED: OnceCell<()> = OnceCell::const_new();
    GRANTED
        .get_or_init(|| async {
            for object in printed(place) {
                for cluster in Site::get().clusters() {
                    cluster.apply(&path(&object), &object).await;
                }
            }
        })
        .await;
}

fn path(object: &Value) -> String {
    let plural = match object["kind"].as_str() {
        Some("ClusterRole") => "clusterroles",
        Some("ClusterRoleBinding") => "clusterrolebindings",
        Some("Role") => "roles",
        Some("RoleBinding") => "rolebindings",
        other => panic!("a right is no {other:?}"),
    };
    let name = object["metadata"]["name"].as_str().expect("a name");
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{RBAC}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("{RBAC}/{plural}/{name}"),
    }
}

/// Writes a kubeconfig in which each cluster's context is the product's service account.
///
/// # Panics
/// When a cluster gives no token, or the file cannot be written.
pub async fn kubeconfig(place: &Place, to: &Path) {
    grant(place).await;
    let admin = std::fs::read_to_string(Site::get().kubeconfig()).expect("the kubeconfig");
    let admin: Value = serde_saphyr::from_str(&admin).expect("YAML");
    let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    for cluster in Site::get().clusters() {
        let name = cluster.name();
        let known = admin["clusters"].as_array().expect("clusters");
        let known = known.iter().find(|it| it["name"] == name).expect("it");
        clusters.push(known.clone());
        users.push(json!({"name": name, "user": {"token": token(&cluster).await}}));
        contexts.push(json!({"name": name, "context": {"cluster": name, "user": name}}));
    }
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": contexts[0]["name"],
        "clusters": clusters, "users": users, "contexts": contexts,
    });
    std::fs::write(to, config.to_string()).expect("the kubeconfig");
}

async fn token(cluster: &Cluster) -> String {
    let asked = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"expirationSeconds": 86_400},
    });
    let answer = cluster.create(TOKEN, &asked).await;
    answer["status"]["token"]
        .as_str()
        .expect("a token")
        .to_owned()
}
