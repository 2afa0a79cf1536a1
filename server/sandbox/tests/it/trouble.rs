//! The gateway's faults: in each of them something says that all is well, and it is not.

use crate::look::KEYED;
use crate::world::{World, eventually, gate};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const A: &str = "t00000000001";
const B: &str = "t00000000002";
const KEY: &str = "the key of a token";
/// Passed the gate; nothing runs behind it.
const PASSED: u16 = 503;

async fn one_token(world: &World) {
    world.bare_instance(A).await;
    world.consumer(A, "t1", KEY).await;
    world.apply(gate(A, 2, &["sentinel", "t1"])).await;
    world.until_proven(A, 2).await;
    world.until_status(A, KEY, PASSED).await;
}

/// Waits until a replica's workers show one generation on a route, and answers how many they are.
async fn until_shown(world: &World, number: usize, path: &str, generation: u32) -> usize {
    eventually("the generation", || async {
        let mut seen = crate::look::Seen::new();
        world.look_at(number, A, path, &mut seen).await;
        if seen
            .values()
            .all(|all| *all == BTreeSet::from([generation]))
        {
            Ok(seen.len())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await
}

async fn until_accepted(world: &World) {
    eventually("the controller's word", || async {
        let said = world.accepted(A, "apisixroutes", "instance").await;
        let config = world.accepted(A, "apisixpluginconfigs", "gate").await;
        if said["status"] == "True" && config["status"] == "True" && config["current"] == true {
            Ok(())
        } else {
            Err(format!("{said} {config}"))
        }
    })
    .await;
}

#[tokio::test]
async fn a_lagging_replica_opens_after_the_controller_and_the_others_are_done() {
    let lag = Duration::from_secs(6);
    let world = World::with(0.0, |config| sandbox::SandboxConfig { lag, ..config }).await;
    one_token(&world).await;
    world.begin("gateway-lagging").await;
    world.apply(gate(A, 3, &["sentinel"])).await;
    until_accepted(&world).await;
    for number in [0, 2] {
        assert_eq!(until_shown(&world, number, KEYED[0], 3).await, 2);
    }
    let late = world.statuses(1, A, KEYED[0], KEY).await;
    assert_eq!(
        late,
        BTreeSet::from([PASSED]),
        "accepted where nobody asked"
    );
    assert_eq!(until_shown(&world, 1, KEYED[0], 3).await, 2);
    world.until_status(A, KEY, 403).await;
}

#[tokio::test]
async fn a_stuck_replica_keeps_its_state_over_a_restart() {
    let world = World::new().await;
    one_token(&world).await;
    world.begin("gateway-stuck").await;
    world.apply(gate(A, 3, &["sentinel"])).await;
    let consumers = world.api(
        "apisix.apache.org/v2",
        "ApisixConsumer",
        &format!("prism{A}"),
    );
    consumers
        .delete("t1", &kube::api::DeleteParams::default())
        .await
        .unwrap();
    until_accepted(&world).await;
    for number in [0, 1] {
        until_shown(&world, number, KEYED[0], 3).await;
    }
    assert_eq!(
        world.statuses(2, A, KEYED[0], KEY).await,
        BTreeSet::from([PASSED])
    );
    let world = world.restarted().await;
    until_shown(&world, 0, KEYED[0], 3).await;
    assert_eq!(until_shown(&world, 2, KEYED[0], 2).await, 2);
    assert_eq!(
        world.statuses(2, A, KEYED[0], KEY).await,
        BTreeSet::from([PASSED])
    );
    world.end("gateway-stuck").await;
    world.until_proven(A, 3).await;
    // Also what went while it could not hear of it.
    world.until_status(A, KEY, 401).await;
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
}

/// The name of the one pod of three that is not ready.
async fn until_unready(world: &World) -> String {
    let list = "/api/v1/namespaces/ingress-apisix/pods?labelSelector=app.kubernetes.io/name=apisix";
    eventually("a pod that is not ready", || async {
        let pods = world.get(list).await.1["items"]
            .as_array()
            .cloned()
            .unwrap();
        let unready: Vec<_> = pods.iter().filter(|pod| !is_ready(pod)).collect();
        match unready[..] {
            [pod] if pods.len() == 3 => Ok(pod["metadata"]["name"].as_str().unwrap().to_owned()),
            _ => Err(format!("{pods:?}")),
        }
    })
    .await
}

#[tokio::test]
async fn a_replica_that_is_gone_stays_listed_and_answers_nobody() {
    let world = World::new().await;
    one_token(&world).await;
    let before = world.look(A, KEYED[0]).await;
    world.begin("gateway-gone").await;
    let pod = until_unready(&world).await;
    let pods = "/api/v1/namespaces/ingress-apisix/pods";
    let proxy = format!("{pods}/{pod}:9080/proxy{}", KEYED[0]);
    let (status, refusal) = world.get(&proxy).await;
    let message = refusal["message"].as_str().unwrap();
    assert_eq!(status, 503);
    assert!(message.contains("connection refused"), "{message}");
    let direct = format!("{}{}", world.endpoints.replica_urls[2], KEYED[0]);
    eventually("a refused connection", || async {
        match world.http.get(&direct).send().await {
            Err(error) if error.is_connect() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    for _ in 0..12 {
        let answer = world.through_gateway(A, KEYED[0], None).await;
        assert_eq!(answer.status(), 401, "the load balancer leads past it");
    }
    world.apply(gate(A, 3, &["sentinel"])).await;
    until_shown(&world, 0, KEYED[0], 3).await;
    world.end("gateway-gone").await;
    eventually("its door", || async {
        let answer = world.http.get(&direct).send().await;
        answer.map(drop).map_err(|error| error.to_string())
    })
    .await;
    world.until_proven(A, 3).await;
    let after = world.look(A, KEYED[0]).await;
    let mut there = after.keys().filter(|(number, _)| *number == 2);
    assert!(
        there.all(|place| !before.contains_key(place)),
        "new processes: {after:?}"
    );
}

#[tokio::test]
async fn a_worker_that_restarts_is_another_one_with_the_state_of_its_replica() {
    let world = World::new().await;
    one_token(&world).await;
    let before = world.look(A, KEYED[0]).await;
    world.begin("gateway-worker-restarts").await;
    eventually("a new process", || async {
        let now = world.look(A, KEYED[0]).await;
        assert!(
            now.values().all(|all| *all == BTreeSet::from([2])),
            "{now:?}"
        );
        let fresh: Vec<_> = now
            .keys()
            .filter(|place| !before.contains_key(place))
            .collect();
        if fresh.is_empty() {
            Err(format!("{now:?}"))
        } else {
            assert!(fresh.iter().all(|(number, _)| *number == 0), "{fresh:?}");
            Ok(())
        }
    })
    .await;
    world.end("gateway-worker-restarts").await;
    world.apply(gate(A, 3, &["sentinel"])).await;
    world.until_proven(A, 3).await;
}

#[tokio::test]
async fn a_push_that_fails_half_way_closes_one_route_and_leaves_the_other_open() {
    let world = World::new().await;
    one_token(&world).await;
    world.begin("gateway-push-fails").await;
    world.apply(gate(A, 3, &["sentinel"])).await;
    until_accepted(&world).await;
    for number in 0..3 {
        until_shown(&world, number, KEYED[0], 3).await;
        until_shown(&world, number, KEYED[1], 2).await;
    }
    let shut = world.statuses(0, A, KEYED[0], KEY).await;
    let open = world.statuses(0, A, KEYED[1], KEY).await;
    assert_eq!(
        (shut, open),
        (BTreeSet::from([403]), BTreeSet::from([PASSED]))
    );
    world.end("gateway-push-fails").await;
    world.until_proven(A, 3).await;
    assert_eq!(
        world.statuses(0, A, KEYED[1], KEY).await,
        BTreeSet::from([403])
    );
}

#[tokio::test]
async fn a_lost_whitelist_shows_to_a_neighbours_key_and_to_nothing_else() {
    let world = World::new().await;
    one_token(&world).await;
    world.bare_instance(B).await;
    world.until_proven(B, 1).await;
    world.until_status(B, KEY, 403).await;
    world.begin("whitelist-missing").await;
    world.until_status(B, KEY, PASSED).await;
    world.until_proven(B, 1).await;
    world.end("whitelist-missing").await;
    world.until_status(B, KEY, 403).await;
}

#[tokio::test]
async fn an_empty_whitelist_is_refused_and_the_old_one_stays() {
    let world = World::new().await;
    one_token(&world).await;
    world.bare_instance(B).await;
    world.until_proven(B, 1).await;
    let mut empty = gate(A, 3, &[]);
    empty["spec"]["plugins"][1]["config"]["whitelist"] = json!([]);
    world.apply(empty).await;
    let said = eventually("the refusal", || async {
        let said = world.accepted(A, "apisixroutes", "instance").await;
        if said["status"] == "False" {
            Ok(said)
        } else {
            Err(said.to_string())
        }
    })
    .await;
    assert_eq!(said["reason"], "SyncFailed");
    let message = said["message"].as_str().unwrap();
    assert!(
        message.contains("expect array to have at least 1 items"),
        "{message}"
    );
    // What is said of the plugin configuration itself is that it was accepted.
    let config = world.accepted(A, "apisixpluginconfigs", "gate").await;
    assert_eq!(
        (&config["status"], &config["current"]),
        (&json!("True"), &json!(true))
    );
    world.apply(gate(B, 2, &["sentinel"])).await;
    world.until_proven(B, 2).await;
    world.until_proven(A, 2).await;
    world.until_status(A, KEY, PASSED).await;
    world.apply(gate(A, 4, &["sentinel"])).await;
    world.until_proven(A, 4).await;
    until_accepted(&world).await;
}

#[tokio::test]
async fn workers_of_one_replica_differ_for_a_while() {
    // Slow enough that the time between two workers can be seen.
    let world = World::paced(10.0).await;
    world.bare_instance(A).await;
    world.until_proven(A, 1).await;
    world.consumer(A, "t1", KEY).await;
    world.apply(gate(A, 2, &["sentinel", "t1"])).await;
    let mut refusals = BTreeSet::new();
    eventually("two generations in one replica", || async {
        let mut seen = crate::look::Seen::new();
        world.look_at(0, A, KEYED[0], &mut seen).await;
        let shown: BTreeSet<_> = seen.values().flatten().copied().collect();
        if shown == BTreeSet::from([1, 2]) {
            Ok(())
        } else {
            Err(format!("{seen:?}"))
        }
    })
    .await;
    // A worker that heard of the route first does not know the key; one that heard of the consumer
    // first refuses its name.
    loop {
        let mut now = BTreeSet::new();
        for number in 0..3 {
            now.extend(world.statuses(number, A, KEYED[0], KEY).await);
        }
        refusals.extend(now.iter().copied());
        if now == BTreeSet::from([PASSED]) {
            break;
        }
    }
    assert!(refusals.len() > 1, "{refusals:?}");
    world.until_proven(A, 2).await;
}
