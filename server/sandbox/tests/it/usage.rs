//! Counts of use, and how connections reach workers.

use crate::look::KEYED;
use crate::world::{World, gate};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const A: &str = "u00000000001";
const B: &str = "u00000000002";
const QUERY: &str = "sum by (consumer) (apisix_http_status{consumer=~\"prism.+\"})";

async fn asked(world: &World, query: &str) -> (u16, Value) {
    let url = format!("{}/api/v1/query", world.endpoints.prometheus_url);
    let url = reqwest::Url::parse_with_params(&url, [("query", query)]).unwrap();
    let answer = world.http.get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn two_tokens() -> World {
    let world = World::new().await;
    for (id, key) in [(A, "key a"), (B, "key b")] {
        world.bare_instance(id).await;
        world.consumer(id, "t1", key).await;
        world.apply(gate(id, 2, &["sentinel", "t1"])).await;
        world.until_proven(id, 2).await;
    }
    world
}

#[tokio::test]
async fn requests_are_counted_by_consumer_refused_ones_too() {
    let world = two_tokens().await;
    world.until_status(A, "key a", 503).await;
    let (status, before) = asked(&world, QUERY).await;
    assert_eq!((status, &before["status"]), (200, &json!("success")));
    assert_eq!(before["data"]["resultType"], "vector");
    let count = |answer: &Value, consumer: &str| {
        let all = answer["data"]["result"].as_array().unwrap();
        let found = all
            .iter()
            .find(|one| one["metric"] == json!({"consumer": consumer}));
        found.map_or(0, |one| {
            one["value"][1].as_str().unwrap().parse::<u64>().unwrap()
        })
    };
    let (of_a, of_b) = (format!("prism{A}_t1"), format!("prism{B}_t1"));
    for _ in 0..5 {
        world.through_gateway(A, KEYED[0], Some("key a")).await;
    }
    for _ in 0..3 {
        let refused = world.through_gateway(A, KEYED[0], Some("key b")).await;
        assert_eq!(refused.status(), 403);
    }
    world.through_gateway(A, KEYED[0], Some("nobody's")).await;
    let after = asked(&world, QUERY).await.1;
    assert_eq!(count(&after, &of_a), count(&before, &of_a) + 5);
    assert_eq!(count(&after, &of_b), count(&before, &of_b) + 3);
    assert_eq!(
        after["data"]["result"].as_array().unwrap().len(),
        2,
        "{after}"
    );
    let form = [("query", QUERY)];
    let url = format!("{}/api/v1/query", world.endpoints.prometheus_url);
    let posted = reqwest::Url::parse_with_params("http://x/", form).unwrap();
    let body = posted.query().unwrap().to_owned();
    let posted = world.http.post(url).body(body).send().await.unwrap();
    let posted: Value = posted.json().await.unwrap();
    assert_eq!(count(&posted, &of_a), count(&after, &of_a));
    let (status, refusal) = asked(&world, "rate(apisix_http_status[5m])").await;
    assert_eq!((status, &refusal["errorType"]), (400, &json!("bad_data")));
}

#[tokio::test]
async fn the_pod_proxy_keeps_to_a_connection_unless_it_is_asked_at_once() {
    let world = two_tokens().await;
    let pods = world.get("/api/v1/namespaces/ingress-apisix/pods").await.1;
    let name = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let base = format!(
        "{}/api/v1/namespaces/ingress-apisix/pods/{name}:9080/proxy",
        world.endpoints.api_url
    );
    let ask = || async {
        let answer = world.through(&base, A, KEYED[0], None).await;
        assert_eq!(answer.status(), 401);
        answer.headers()["x-gate"].to_str().unwrap().to_owned()
    };
    let mut one_by_one = BTreeSet::new();
    for _ in 0..30 {
        one_by_one.insert(ask().await);
    }
    assert_eq!(one_by_one.len(), 1, "a connection belongs to one worker");
    let mut at_once = BTreeSet::new();
    while at_once.len() < 2 {
        at_once.extend(join_all((0..8).map(|_| ask())).await);
    }
    assert!(at_once.is_superset(&one_by_one));
}

#[tokio::test]
async fn a_connection_that_is_kept_belongs_to_one_worker() {
    let world = two_tokens().await;
    let kept = reqwest::Client::builder().build().unwrap();
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        let answer = kept
            .get(format!("{}{}", world.endpoints.replica_urls[0], KEYED[0]))
            .header("host", format!("{A}.sandbox.localhost"))
            .send()
            .await
            .unwrap();
        seen.insert(answer.headers()["x-gate"].to_str().unwrap().to_owned());
        // The connection is free again once its answer has been read.
        answer.text().await.unwrap();
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}
