//! Restarts: the folder's lock, the addresses, the state.

use crate::world::{World, config, is_healthy, key};
use sandbox::{Sandbox, SandboxError, endpoints_of};

const ID: &str = "f00000000001";

#[tokio::test]
async fn a_held_folder_is_refused_and_says_where_its_holder_listens() {
    let world = World::new().await;
    let again = Sandbox::start(config(&world.dir(), 0.0)).await;
    assert!(matches!(again, Err(SandboxError::Held(_))));
    assert_eq!(
        endpoints_of(&world.dir()).unwrap(),
        world.sandbox.endpoints()
    );
    assert!(endpoints_of(&world.dir().join("nothing")).is_none());
}

#[tokio::test]
async fn state_and_addresses_survive() {
    let world = World::new().await;
    world.create_instance(ID, "2.1.0").await;
    let before = world.until_healthy(ID).await;
    let endpoints = world.endpoints.clone();
    let world = world.restarted().await;
    assert_eq!(world.endpoints, endpoints);
    let after = world.application(ID).await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert!(is_healthy(&after));
    let answer = crate::world::eventually("the gateway", || async {
        let answer = world
            .through_gateway(ID, "/cloud-agent/_system/health", Some(&key(ID)))
            .await;
        if answer.status() == 200 {
            Ok(answer)
        } else {
            Err(answer.status().to_string())
        }
    })
    .await;
    assert_eq!(answer.text().await.unwrap(), "{\"version\":\"2.1.0\"}");
}

#[tokio::test]
async fn pods_are_as_many_as_replicas() {
    let world = World::new().await;
    let list = "/api/v1/namespaces/ingress-apisix/pods?labelSelector=app.kubernetes.io/name=apisix";
    let count = |pods: &serde_json::Value| pods["items"].as_array().unwrap().len();
    assert_eq!(count(&world.get(list).await.1), 3);
    let fewer = |config| sandbox::SandboxConfig {
        gateway_replicas: 2,
        ..config
    };
    let world = world.restarted_with(fewer).await;
    assert_eq!(world.endpoints.replica_urls.len(), 2);
    crate::world::eventually("two pods", || async {
        match count(&world.get(list).await.1) {
            2 => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
}

#[tokio::test]
async fn addresses_that_an_older_sandbox_wrote_are_completed() {
    let world = World::new().await;
    let file = world.dir().join("ports.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut written: serde_json::Value = serde_json::from_str(&text).unwrap();
    written[0].as_object_mut().unwrap().remove("prometheus_url");
    std::fs::write(&file, written.to_string()).unwrap();
    assert_eq!(endpoints_of(&world.dir()).unwrap()[0].prometheus_url, "");
    let before = world.endpoints.clone();
    let world = world.restarted().await;
    assert_eq!(world.endpoints.replica_urls, before.replica_urls);
    assert!(
        world
            .endpoints
            .prometheus_url
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(
        endpoints_of(&world.dir()).unwrap(),
        world.sandbox.endpoints()
    );
}

#[tokio::test]
async fn a_creation_that_was_interrupted_is_finished() {
    // At this pace nothing gets far before the restart.
    let world = World::paced(50.0).await;
    world.create_instance(ID, "2.1.0").await;
    let world = world.restarted().await;
    world.until_healthy(ID).await;
}
