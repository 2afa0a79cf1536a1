//! The gateway: who passes, what every answer carries, and that workers are told apart.

use crate::world::{World, gate, key};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const A: &str = "e00000000001";
const B: &str = "e00000000002";
const AGENT: &str = "/cloud-agent/connections";

async fn two_instances() -> World {
    let world = World::new().await;
    for id in [A, B] {
        world.create_instance(id, "2.1.0").await;
        world.until_answering(id).await;
        world.until_proven(id, 1).await;
        world.until_status(id, &key(id), 200).await;
    }
    world
}

async fn status(world: &World, id: &str, path: &str, key: Option<&str>) -> u16 {
    world.through_gateway(id, path, key).await.status().as_u16()
}

#[tokio::test]
async fn a_token_opens_its_own_instance_and_no_other() {
    let world = two_instances().await;
    assert_eq!(status(&world, A, AGENT, Some(&key(A))).await, 200);
    assert_eq!(status(&world, A, AGENT, None).await, 401);
    assert_eq!(status(&world, A, AGENT, Some("nobody's")).await, 401);
    // The key space is global: B's key is known at A's route, and only the whitelist refuses it.
    let refused = world.through_gateway(A, AGENT, Some(&key(B))).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(
        refused.json::<Value>().await.unwrap()["message"],
        "The consumer_name is forbidden."
    );
    let with_query = format!("{AGENT}?apikey={}", key(A));
    assert_eq!(status(&world, A, &with_query, None).await, 200);
}

#[tokio::test]
async fn public_routes_need_no_token_and_metrics_are_blocked() {
    let world = two_instances().await;
    for path in [
        "/cloud-agent/docs/",
        "/cloud-agent/credential-status/x",
        "/cloud-agent/schema-registry/schemas/x",
    ] {
        let answer = world.through_gateway(A, path, None).await;
        assert_eq!(answer.status(), 200, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert!(headers.contains_key("x-request-id"), "{path}");
        assert!(!headers.contains_key("server"), "{path}");
    }
    let open = format!("{}/cloud-agent/didcomm", world.endpoints.gateway_url);
    let sent = world.http.post(&open);
    let sent = sent.header("host", format!("{A}.sandbox.localhost"));
    assert_eq!(sent.send().await.unwrap().status(), 200);
    // Another method is none of the public rule's, and what is below the agent needs a token.
    assert_eq!(status(&world, A, "/cloud-agent/didcomm", None).await, 401);
    for key in [None, Some(key(A))] {
        let metrics = "/cloud-agent/_system/metrics";
        assert_eq!(status(&world, A, metrics, key.as_deref()).await, 404);
    }
    assert_eq!(status(&world, A, "/elsewhere", None).await, 404);
    let root = world.through_gateway(A, "/", None).await;
    assert_eq!(
        (root.status().as_u16(), &root.headers()["location"]),
        (302, &"/cloud-agent/docs/".parse().unwrap())
    );
    let body: Value = world
        .through_gateway(A, AGENT, Some(&key(A)))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(body["apikeyReachedTheAgent"], false);
}

#[tokio::test]
async fn a_refusal_carries_the_gate_of_the_worker_that_refused() {
    let world = two_instances().await;
    let mut workers = BTreeSet::new();
    for url in &world.endpoints.replica_urls {
        // Which worker takes a connection is left to chance: ask until both have.
        for _ in 0..40 {
            let refused = world.through(url, A, AGENT, None).await;
            assert_eq!(refused.status(), 401);
            let gate = refused.headers()["x-gate"].to_str().unwrap().to_owned();
            assert!(gate.starts_with("1."), "{gate}");
            workers.insert((url.clone(), gate));
        }
    }
    assert_eq!(
        workers.len(),
        6,
        "three replicas of two workers: {workers:?}"
    );
}

#[tokio::test]
async fn a_moved_gate_shuts_a_token_out_at_every_worker() {
    let world = two_instances().await;
    world.apply(gate(A, 2, &["sentinel"])).await;
    world.until_proven(A, 2).await;
    for number in 0..world.endpoints.replica_urls.len() {
        let statuses = world.statuses(number, A, AGENT, &key(A)).await;
        assert_eq!(statuses, BTreeSet::from([403]));
    }
    assert_eq!(status(&world, B, AGENT, Some(&key(B))).await, 200);
}

#[tokio::test]
async fn a_changed_key_in_the_secret_is_the_new_key() {
    let world = two_instances().await;
    world
        .apply(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "watchman", "namespace": format!("prism{A}")},
            "stringData": {"key": "a new key of the watchman"},
        }))
        .await;
    world
        .until_status(A, "a new key of the watchman", 200)
        .await;
    assert_eq!(status(&world, A, AGENT, Some(&key(A))).await, 401);
}

#[tokio::test]
async fn the_pod_proxy_reaches_each_replica() {
    let world = two_instances().await;
    let pods = world.get("/api/v1/namespaces/ingress-apisix/pods").await.1;
    for pod in pods["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let base = format!(
            "{}/api/v1/namespaces/ingress-apisix/pods/{name}:9080/proxy",
            world.endpoints.api_url
        );
        let health = "/cloud-agent/_system/health";
        assert_eq!(world.through(&base, A, health, None).await.status(), 401);
        let answer = world.through(&base, A, health, Some(&key(A))).await;
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({"version": "2.1.0"})
        );
    }
    let other = format!(
        "{}/api/v1/namespaces/prism{A}/pods/prism-postgres-0:5432/proxy/",
        world.endpoints.api_url
    );
    assert_eq!(world.through(&other, A, "", None).await.status(), 503);
}
