//! Looking into the simulated clusters, past the control plane; and that they outlive the process
//! that simulates them.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};
use tests::process::{Server, until};

use super::api::Api;
use super::place::here;

pub const QUICK: [&str; 3] = ["--sandbox", "--sandbox-pace", "0"];

/// What lies in all clusters of a sandbox.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Names of the Applications; a name that is there twice is there twice.
    pub applications: Vec<String>,
    /// Namespaces of instances.
    pub namespaces: BTreeSet<String>,
    /// Entries of Secrets Manager, without the prefix of the cluster.
    pub secrets: Vec<String>,
}

/// Takes stock of the sandbox of a data folder.
pub async fn inventory(data: &Path) -> Inventory {
    let client = Client::new();
    let mut found = Inventory::default();
    for cluster in sandbox::endpoints_of(&data.join("sandbox")).expect("a sandbox") {
        let list = async |path: &str| -> Vec<Value> {
            let url = format!("{}{path}", cluster.api_url);
            let body: Value = client
                .get(url)
                .send()
                .await
                .expect("an answer")
                .json()
                .await
                .expect("JSON");
            body["items"].as_array().cloned().expect("items")
        };
        let name = |item: &Value| {
            item["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let applications = list("/apis/argoproj.io/v1alpha1/applications").await;
        found.applications.extend(applications.iter().map(name));
        let namespaces = list("/api/v1/namespaces").await;
        found.namespaces.extend(
            namespaces
                .iter()
                .map(name)
                .filter(|name| name.starts_with("prism")),
        );
        found
            .secrets
            .extend(secrets(&client, &cluster.secrets_manager_url).await);
    }
    found.applications.sort();
    found.secrets.sort();
    found
}

async fn secrets(client: &Client, url: &str) -> Vec<String> {
    let (mut names, mut next) = (Vec::new(), Value::Null);
    loop {
        let mut body = json!({ "MaxResults": 100 });
        if next.is_string() {
            body["NextToken"] = next;
        }
        let request = client
            .post(url)
            .header("X-Amz-Target", "secretsmanager.ListSecrets")
            .header("Content-Type", "application/x-amz-json-1.1")
            .body(body.to_string());
        let page: Value = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        for entry in page["SecretList"].as_array().expect("a list") {
            let name = entry["Name"].as_str().unwrap_or_default();
            // prefix/cluster/instance/secret
            let parts: Vec<&str> = name.rsplitn(3, '/').collect();
            names.push(format!("{}/{}", parts[1], parts[0]));
        }
        next = page["NextToken"].clone();
        if !next.is_string() {
            return names;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_made_and_its_deletion_leaves_nothing() {
    let here = here().await;
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &QUICK).await;
    let tenant = api.tenant(&server, "Acme").await;
    let created = api.instance(&server, &tenant, "One").await;
    api.succeeds(&server, &created.operation).await;
    let of = format!("prism{}", created.instance);
    let found = inventory(&here.place.data).await;
    assert_eq!(found.applications, std::slice::from_ref(&of));
    assert!(
        found.namespaces.contains(&of) && !found.secrets.is_empty(),
        "{found:?}"
    );
    let path = format!("/instances/{}", created.instance);
    until("the instance is healthy", || async {
        api.get(&server, &path).await["health"]["status"] == "healthy"
    })
    .await;
    let deletion = api.delete(&server, &created.instance).await;
    api.succeeds(&server, &deletion).await;
    assert_eq!(inventory(&here.place.data).await, Inventory::default());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_clusters_and_what_runs_on_them() {
    let here = here().await;
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &QUICK).await;
    let tenant = api.tenant(&server, "Acme").await;
    let created = api.instance(&server, &tenant, "One").await;
    api.succeeds(&server, &created.operation).await;
    let before = inventory(&here.place.data).await;
    let addresses = server.sandbox();
    assert_eq!(addresses.len(), 2, "{}", server.said());
    server.stop().await;

    let server = Server::start(&here.place, &QUICK).await;
    assert_eq!(server.sandbox(), addresses);
    assert_eq!(inventory(&here.place.data).await, before);
    let path = format!("/instances/{}", created.instance);
    until("the instance is healthy again", || async {
        let found = api.get(&server, &path).await;
        found["health"]["status"] == "healthy" && found["state"] == "running"
    })
    .await;
    server.stop().await;
}
