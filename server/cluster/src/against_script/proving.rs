//! The prover against replicas that are told what to say: what a proof needs, and every way in which
//! less than that could be taken for one.

use std::time::{Duration, Instant};

use model::Timestamp;
use model::cluster::Replicas;
use model::enforcement::{GatewayLook, Progress, judge, receipt};
use serde_json::{Value, json};
use service::ports::{ClusterError, Target, TokenPort as _};

use super::edge::{Edge, answer, refusal};
use super::{SPACE, world};
use crate::scripted::{Api, Asked, Say};

/// Two keyed routes and one that is open to everybody.
fn routes() -> Value {
    let rule = |path: &str, gate: Option<&str>| {
        json!({
            "match": {"hosts": ["k7mq2x9dr4ht.eu.example.org"], "paths": [path]},
            "plugin_config_name": gate,
        })
    };
    json!({"metadata": {"resourceVersion": "1"}, "items": [{
        "metadata": {"name": "instance", "namespace": SPACE},
        "spec": {"http": [
            rule("/cloud-agent/*", Some("gate")),
            rule("/cloud-agent/_system/health", Some("gate")),
            rule("/cloud-agent/docs/*", None),
        ]},
    }]})
}

fn kubernetes(asked: &Asked, _: usize) -> Say {
    if asked.path.ends_with("/apisixroutes") {
        return Say::Json(200, routes());
    }
    Say::status(404, "not found")
}

/// One look for generation 5 at replicas with these addresses.
async fn look_at(addresses: &[&str], workers: Option<u32>) -> GatewayLook {
    let api = Api::start(kubernetes).await;
    let (clusters, mut target) = world(&api);
    target.cluster.gateway.replicas = Replicas::Addresses {
        addresses: addresses.iter().map(|it| (*it).to_owned()).collect(),
        workers,
    };
    let begun = Instant::now();
    let look = clusters.look(&target, 5).await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    look
}

fn judged(look: &GatewayLook) -> Progress {
    judge(look, 5, Timestamp::default())
}

/// Why the only replica is not proven.
async fn why(edge: &Edge, workers: Option<u32>) -> String {
    let progress = judged(&look_at(&[&edge.address], workers).await);
    assert!(!progress.is_proven());
    progress.replicas[0].why.clone()
}

#[tokio::test]
async fn every_worker_is_asked_every_keyed_route_without_a_key() {
    let one = Edge::start(|number, _| refusal(5, 40 + number % 2)).await;
    let two = Edge::start(|number, _| refusal(6, 40 + number % 2)).await;
    let look = look_at(&[&one.address, &two.address], Some(2)).await;
    let progress = judged(&look);
    assert!(progress.is_proven(), "{progress:?}");
    let receipt = receipt(&look, &progress, 7);
    assert_eq!(
        (receipt.routes, receipt.replicas, receipt.workers),
        (2, 2, 4)
    );
    assert!(receipt.workers_known);
    let asked = [one.asked(), two.asked()].concat();
    for head in &asked {
        let head = head.to_lowercase();
        assert!(
            head.contains("host: k7mq2x9dr4ht.eu.example.org\r\n"),
            "{head}"
        );
        assert!(
            !head.contains("apikey") && !head.contains("authorization"),
            "{head}"
        );
        assert!(!head.contains("/docs/"), "{head}");
    }
    for path in [
        "GET /cloud-agent/gate-proof ",
        "GET /cloud-agent/_system/health ",
    ] {
        assert!(asked.iter().any(|head| head.starts_with(path)), "{path}");
    }
    assert!(asked.len() < 40, "{}", asked.len());
}

#[tokio::test]
async fn one_worker_that_is_behind_ends_the_round_at_once() {
    let edge =
        Edge::start(|number, _| refusal(if number % 4 == 1 { 4 } else { 5 }, 40 + number % 4))
            .await;
    assert_eq!(
        why(&edge, Some(4)).await,
        "a worker still has generation 4 of 5"
    );
    assert!(edge.asked().len() <= 4, "{}", edge.asked().len());
}

#[tokio::test]
async fn one_route_that_is_behind_is_no_proof() {
    let edge = Edge::start(|number, head| {
        let behind = number % 2 == 1 && head.contains("health");
        refusal(if behind { 4 } else { 5 }, 40 + number % 2)
    })
    .await;
    assert_eq!(
        why(&edge, Some(2)).await,
        "a worker still has generation 4 of 5"
    );
}

#[tokio::test]
async fn workers_of_unknown_number_are_asked_until_no_new_one_appears() {
    let edge = Edge::start(|number, _| refusal(5, 40 + number % 3)).await;
    let look = look_at(&[&edge.address], None).await;
    let progress = judged(&look);
    assert!(progress.is_proven(), "{progress:?}");
    assert_eq!(progress.replicas[0].workers_proven, 3);
    assert!(!receipt(&look, &progress, 1).workers_known);
    assert!(edge.asked().len() >= 8 * 4, "{}", edge.asked().len());
    // The fourth is met seldom, but within that many connections.
    let shy = Edge::start(|number, _| match number % 20 {
        19 => refusal(4, 99),
        _ => refusal(5, 40 + number % 3),
    })
    .await;
    assert_eq!(
        why(&shy, None).await,
        "a worker still has generation 4 of 5"
    );
}

#[tokio::test]
async fn workers_without_an_end_are_no_proof() {
    let edge = Edge::start(|number, _| refusal(5, number)).await;
    let why = why(&edge, None).await;
    assert!(why.contains("no end of them was seen"), "{why}");
    assert!(edge.asked().len() <= 2_100, "{}", edge.asked().len());
}

#[tokio::test]
async fn fewer_workers_than_there_are_is_no_proof() {
    let edge = Edge::start(|_, _| refusal(5, 40)).await;
    assert_eq!(why(&edge, Some(2)).await, "1 of 2 workers have shown it");
}

#[tokio::test]
async fn workers_that_do_not_add_up_end_the_round() {
    // As when a worker restarts between its two answers.
    let edge = Edge::start(|_, head| refusal(5, 40 + usize::from(head.contains("health")))).await;
    assert_eq!(why(&edge, Some(1)).await, "0 of 1 workers have shown it");
    assert_eq!(edge.asked().len(), 2);
}

#[tokio::test]
async fn a_silent_replica_is_told_and_delays_no_other() {
    let good = Edge::start(|number, _| refusal(5, 40 + number % 2)).await;
    let silent = Edge::silent().await;
    let look = look_at(&[&good.address, &silent.address, "127.0.0.1:1"], Some(2)).await;
    let progress = judged(&look);
    assert!(progress.replicas[0].proven && !progress.is_proven());
    let why: Vec<&str> = progress.replicas.iter().map(|it| it.why.as_str()).collect();
    assert_eq!(why[1], "it does not answer in time");
    assert!(
        why[2].starts_with("it does not answer (127.0.0.1:1: "),
        "{why:?}"
    );
}

#[tokio::test]
async fn whatever_is_not_the_gates_refusal_is_no_proof() {
    for (says, expected) in [
        (answer(200, "X-Gate: 5.40\r\n"), "is answered with 200"),
        (answer(404, ""), "is answered with 404"),
        (answer(401, ""), "refuses without showing a generation"),
        (
            answer(401, "X-Gate: 5.40\r\nX-Gate: 5.40\r\n"),
            "refuses without showing a generation",
        ),
        (
            answer(401, "X-Gate: 5.$pid\r\n"),
            "refuses without showing a generation",
        ),
        (
            answer(301, "Location: https://k7mq2x9dr4ht.eu.example.org/\r\n"),
            "answers plain HTTP with a redirect (301)",
        ),
        ("HTTP/1.1 what".to_owned(), "it does not answer ("),
    ] {
        let edge = Edge::start(move |_, _| says.clone()).await;
        let why = why(&edge, Some(1)).await;
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[tokio::test]
async fn without_routes_or_replicas_nothing_is_proven() {
    let look = look_at(&[], Some(1)).await;
    assert_eq!(look.routes.len(), 2);
    assert!(!judged(&look).is_proven());
    let api = Api::start(|_, _| Say::Json(200, json!({"metadata": {}, "items": []}))).await;
    let (clusters, target) = world(&api);
    let look = clusters.look(&target, 1).await.unwrap();
    assert_eq!(look, GatewayLook::default());
    let silent = Api::start(|_, _| Say::Nothing).await;
    let (clusters, target) = world(&silent);
    let begun = Instant::now();
    let error = clusters.look(&target, 1).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable(_)), "{error}");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

fn pod(name: &str, phase: &str, ready: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "ingress-apisix"},
        "status": {"phase": phase, "podIP": "10.0.0.9",
            "conditions": [{"type": "Ready", "status": ready}]},
    })
}

/// Pods of which each behaves as its name says, behind the pod proxy.
fn proxied(asked: &Asked, _: usize) -> Say {
    if asked.path.ends_with("/apisixroutes") {
        return Say::Json(200, routes());
    }
    if asked.path.ends_with("/pods") {
        assert_eq!(
            asked.query["labelSelector"],
            "app.kubernetes.io%2Fname%3Dapisix"
        );
        let items = json!([
            pod("good", "Running", "True"),
            pod("leaving", "Running", "False"),
            pod("gone", "Running", "True"),
            pod("forbidden", "Running", "True"),
            pod("dead", "Running", "True"),
            pod("done", "Succeeded", "False"),
        ]);
        return Say::Json(
            200,
            json!({"metadata": {"resourceVersion": "1"}, "items": items}),
        );
    }
    let place = "/api/v1/namespaces/ingress-apisix/pods/";
    let name = asked.path.strip_prefix(place).unwrap_or("");
    match name
        .split_once(":9080/proxy/cloud-agent/")
        .map_or("", |(name, _)| name)
    {
        "good" | "leaving" => Say::Headed(401, "x-gate", "5.40".to_owned()),
        "gone" => Say::status(404, "pods \"gone\" not found"),
        "forbidden" => Say::status(403, "pods is forbidden"),
        "dead" => Say::status(503, "error trying to reach service: connection refused"),
        other => panic!("{other} is asked: {}", asked.path),
    }
}

fn with_workers(mut target: Target, some: Option<u32>) -> Target {
    if let Replicas::Pods { workers, .. } = &mut target.cluster.gateway.replicas {
        *workers = some;
    }
    target
}

#[tokio::test]
async fn pods_are_asked_through_the_api_under_the_instances_own_host() {
    let api = Api::start(proxied).await;
    let (clusters, target) = world(&api);
    let look = clusters
        .look(&with_workers(target, Some(1)), 5)
        .await
        .unwrap();
    let progress = judged(&look);
    let found: Vec<(&str, bool, &str)> = progress
        .replicas
        .iter()
        .map(|it| (it.name.as_str(), it.proven, it.why.as_str()))
        .collect();
    assert_eq!(found[0].0, "dead");
    assert!(
        found[0].2.starts_with("it is not reached (error trying"),
        "{found:?}"
    );
    assert!(
        found[1]
            .2
            .starts_with("this server may not use the pod proxy"),
        "{found:?}"
    );
    assert_eq!(found[2], ("gone", false, "its pod is gone"));
    assert_eq!(found[3], ("good", true, ""));
    assert_eq!(found[4], ("leaving", true, ""));
    assert!(!look.replicas[4].ready && look.replicas.len() == 5);
    let asked = api.asked();
    let mut through = asked.iter().filter(|asked| asked.path.contains("/proxy/"));
    assert!(through.all(|asked| asked.host == "k7mq2x9dr4ht.eu.example.org"));
}

#[tokio::test]
async fn connections_that_the_api_uses_again_count_for_nothing() {
    let api = Api::start(|asked: &Asked, before| {
        if asked.path.contains("/proxy/") {
            // However often it is asked, the second worker is met from the ninth connection on only.
            return Say::Headed(401, "x-gate", format!("5.{}", 40 + usize::from(before > 8)));
        }
        match proxied(asked, before) {
            Say::Json(200, mut list) if asked.path.ends_with("/pods") => {
                list["items"].as_array_mut().unwrap().truncate(1);
                Say::Json(200, list)
            }
            say => say,
        }
    })
    .await;
    let (clusters, target) = world(&api);
    let look = clusters.look(&target, 5).await.unwrap();
    let progress = judged(&look);
    assert_eq!(progress.replicas[0].workers_seen, 2, "{progress:?}");
    let asked = api
        .asked()
        .iter()
        .filter(|asked| asked.path.contains("/proxy/"))
        .count();
    assert!(asked >= 24, "{asked}");
}
