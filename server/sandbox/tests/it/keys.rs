//! Keys on their way to the gateway: External Secrets, Secrets, consumers.

use crate::world::{CLUSTER, World, eventually, gate};
use kube::api::DeleteParams;
use serde_json::{Value, json};

const ID: &str = "k00000000001";
const SPACE: &str = "prismk00000000001";
const FIRST: &str = "0123456789abcdef0123456789abcdef";
const SECOND: &str = "fedcba9876543210fedcba9876543210";
const PASSED: u16 = 503;

fn entry() -> String {
    format!("hosted-instances/{CLUSTER}/{ID}/t1")
}

/// As the control plane writes it: read when it changes, one version pinned.
fn external(version: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "t1", "namespace": SPACE},
        "spec": {
            "refreshPolicy": "OnChange",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": "aws-secrets-manager"},
            "target": {"name": "t1", "creationPolicy": "Owner", "deletionPolicy": "Retain"},
            "data": [{"secretKey": "key", "remoteRef": {
                "key": entry(), "property": "key", "version": format!("uuid/{version}")}}],
        },
    })
}

async fn write(world: &World, operation: &str, token: &str, key: &str) -> (u16, Value) {
    let field = if operation == "CreateSecret" {
        "Name"
    } else {
        "SecretId"
    };
    let input = json!({field: entry(), "ClientRequestToken": token,
        "SecretString": json!({"key": key}).to_string()});
    world.aws(operation, &input).await
}

async fn until_ready(world: &World, wished: &str, reason: &str) -> Value {
    let path = format!("/apis/external-secrets.io/v1/namespaces/{SPACE}/externalsecrets/t1");
    eventually("the condition", || async {
        let found = world.get(&path).await.1;
        let ready = &found["status"]["conditions"][0];
        if ready["status"] == wished && ready["reason"] == reason {
            Ok(found)
        } else {
            Err(found["status"].to_string())
        }
    })
    .await
}

/// An instance with one token that came all the way.
async fn issued() -> World {
    let world = World::new().await;
    world.bare_instance(ID).await;
    assert_eq!(write(&world, "CreateSecret", FIRST, "one").await.0, 200);
    world.apply(external(FIRST)).await;
    world
        .apply(json!({
            "apiVersion": "apisix.apache.org/v2", "kind": "ApisixConsumer",
            "metadata": {"name": "t1", "namespace": SPACE},
            "spec": {"authParameter": {"keyAuth": {"secretRef": {"name": "t1"}}}},
        }))
        .await;
    world.apply(gate(ID, 2, &["sentinel", "t1"])).await;
    until_ready(&world, "True", "SecretSynced").await;
    world.until_status(ID, "one", PASSED).await;
    world
}

#[tokio::test]
async fn a_pinned_version_stays_whatever_is_current() {
    let world = issued().await;
    assert_eq!(write(&world, "PutSecretValue", SECOND, "two").await.0, 200);
    let mut touched = external(FIRST);
    touched["metadata"]["annotations"] = json!({"force-sync": "2"});
    world.apply(touched).await;
    until_ready(&world, "True", "SecretSynced").await;
    world.until_status(ID, "one", PASSED).await;
    world.apply(external(SECOND)).await;
    world.until_status(ID, "two", PASSED).await;
    world.until_status(ID, "one", 401).await;
    world
        .apply(external("00000000000000000000000000000000"))
        .await;
    until_ready(&world, "False", "SecretSyncedError").await;
    world.until_status(ID, "two", PASSED).await;
}

#[tokio::test]
async fn deleting_the_entry_revokes_nothing() {
    let world = issued().await;
    let gone = json!({"SecretId": entry(), "ForceDeleteWithoutRecovery": true});
    assert_eq!(world.aws("DeleteSecret", &gone).await.0, 200);
    let mut touched = external(FIRST);
    touched["metadata"]["annotations"] = json!({"force-sync": "2"});
    world.apply(touched.clone()).await;
    until_ready(&world, "False", "SecretSyncedError").await;
    world.until_status(ID, "one", PASSED).await;
    // Under another policy the Secret goes, and the gateway still has the key.
    touched["spec"]["target"]["deletionPolicy"] = json!("Delete");
    world.apply(touched).await;
    until_ready(&world, "True", "SecretDeleted").await;
    let secret = format!("/api/v1/namespaces/{SPACE}/secrets/t1");
    assert_eq!(world.get(&secret).await.0, 404);
    world.until_status(ID, "one", PASSED).await;
}

#[tokio::test]
async fn a_consumer_without_its_secret_keeps_its_key_until_it_goes_itself() {
    let world = issued().await;
    let secrets = world.api("external-secrets.io/v1", "ExternalSecret", SPACE);
    secrets
        .delete("t1", &DeleteParams::default())
        .await
        .unwrap();
    // The Secret belongs to its ExternalSecret and goes with it.
    let secret = format!("/api/v1/namespaces/{SPACE}/secrets/t1");
    eventually("the end of the Secret", || async {
        match world.get(&secret).await.0 {
            404 => Ok(()),
            status => Err(status.to_string()),
        }
    })
    .await;
    let said = eventually("the controller's complaint", || async {
        let said = world.accepted(ID, "apisixconsumers", "t1").await;
        if said["status"] == "False" {
            Ok(said)
        } else {
            Err(said.to_string())
        }
    })
    .await;
    let wished = format!("invalid key auth config: secret {SPACE}/t1 not found");
    assert_eq!(said["message"], wished);
    world.until_status(ID, "one", PASSED).await;
    let consumers = world.api("apisix.apache.org/v2", "ApisixConsumer", SPACE);
    consumers
        .delete("t1", &DeleteParams::default())
        .await
        .unwrap();
    world.until_status(ID, "one", 401).await;
}

#[tokio::test]
async fn a_route_without_its_gate_keeps_the_old_one() {
    let world = issued().await;
    let gates = world.api("apisix.apache.org/v2", "ApisixPluginConfig", SPACE);
    gates
        .delete("gate", &DeleteParams::default())
        .await
        .unwrap();
    eventually("the controller's complaint", || async {
        let said = world.accepted(ID, "apisixroutes", "instance").await;
        if said["reason"] == "InvalidSpec" {
            Ok(())
        } else {
            Err(said.to_string())
        }
    })
    .await;
    world.until_proven(ID, 2).await;
    let routes = world.api("apisix.apache.org/v2", "ApisixRoute", SPACE);
    routes
        .delete("instance", &DeleteParams::default())
        .await
        .unwrap();
    world.until_status(ID, "one", 404).await;
}

#[tokio::test]
async fn a_rules_own_plugin_takes_the_place_of_the_gates() {
    let world = issued().await;
    let mut route = crate::look::route(ID);
    route["spec"]["http"][1]["plugins"] = json!([{"name": "response-rewrite", "enable": true,
        "config": {"headers": {"set": {"x-own": "1"}}}}]);
    world.apply(route).await;
    let health = crate::look::KEYED[1];
    eventually("the rule's own header", || async {
        let answer = world.through_gateway(ID, health, None).await;
        assert_eq!(answer.status(), 401);
        let headers = answer.headers();
        if headers.contains_key("x-own") && !headers.contains_key("x-gate") {
            Ok(())
        } else {
            Err(format!("{headers:?}"))
        }
    })
    .await;
    let answer = world.through_gateway(ID, crate::look::KEYED[0], None).await;
    assert!(answer.headers().contains_key("x-gate"));
}

#[tokio::test]
async fn stopped_external_secrets_keep_what_is_there_and_make_nothing_new() {
    let world = issued().await;
    world.begin("external-secrets-stopped").await;
    assert_eq!(write(&world, "PutSecretValue", SECOND, "two").await.0, 200);
    world.apply(external(SECOND)).await;
    // Something else goes on meanwhile: by then External Secrets would have been through long ago.
    world.apply(gate(ID, 3, &["sentinel", "t1"])).await;
    world.until_proven(ID, 3).await;
    world.until_status(ID, "one", PASSED).await;
    world.end("external-secrets-stopped").await;
    world.until_status(ID, "two", PASSED).await;
}

#[tokio::test]
async fn secrets_manager_fails_in_each_of_its_ways() {
    let world = issued().await;
    let named = |answer: &Value| answer["__type"].as_str().unwrap_or("").to_owned();
    for (fault, status, code) in [
        ("secrets-throttled", 400, "ThrottlingException"),
        ("secrets-500", 500, "InternalServiceError"),
    ] {
        world.begin(fault).await;
        let (found, answer) = write(&world, "PutSecretValue", SECOND, "two").await;
        assert_eq!((found, named(&answer).as_str()), (status, code));
        world.apply(external(SECOND)).await;
        until_ready(&world, "False", "SecretSyncedError").await;
        world.until_status(ID, "one", PASSED).await;
        world.end(fault).await;
        world.apply(external(FIRST)).await;
        until_ready(&world, "True", "SecretSynced").await;
    }
    world.begin("secrets-slow").await;
    let asked = write(&world, "PutSecretValue", SECOND, "two");
    let soon = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(soon, asked).await.is_err());
    world.end("secrets-slow").await;
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_write() {
    let world = issued().await;
    world.begin("secrets-answer-lost").await;
    let sent = world
        .http
        .post(&world.endpoints.secrets_manager_url)
        .header("x-amz-target", "secretsmanager.CreateSecret")
        .body(json!({"Name": "lost", "SecretString": "s", "ClientRequestToken": FIRST}).to_string())
        .send()
        .await;
    assert!(sent.is_err(), "{sent:?}");
    let (status, there) = world
        .aws("DescribeSecret", &json!({"SecretId": "lost"}))
        .await;
    assert_eq!(
        (status, &there["VersionIdsToStages"][FIRST]),
        (200, &json!(["AWSCURRENT"]))
    );
    world.end("secrets-answer-lost").await;
    let again = json!({"Name": "lost", "SecretString": "s", "ClientRequestToken": FIRST});
    assert_eq!(world.aws("CreateSecret", &again).await.0, 200);
}
