//! Deletion: preconditions, finalizers, propagation.

use crate::world::{World, eventually};
use serde_json::{Value, json};

const MERGE: &str = "application/merge-patch+json";

async fn owner_and_child(world: &World) -> (String, String) {
    let owner = json!({"metadata": {"name": "owner"}});
    let path = "/api/v1/namespaces/default/configmaps";
    let (status, owner) = world
        .raw("POST", path, "application/json", owner.to_string())
        .await;
    assert_eq!(status, 201);
    let child = json!({"metadata": {"name": "child", "ownerReferences": [{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": true,
    }]}});
    assert_eq!(
        world
            .raw("POST", path, "application/json", child.to_string())
            .await
            .0,
        201
    );
    (format!("{path}/owner"), format!("{path}/child"))
}

async fn until_gone(world: &World, path: &str) {
    eventually(path, || async {
        match world.get(path).await {
            (404, _) => Ok(()),
            (_, left) => Err(left["metadata"].to_string()),
        }
    })
    .await;
}

async fn delete(world: &World, path: &str, options: &Value) -> (u16, Value) {
    world
        .raw("DELETE", path, "application/json", options.to_string())
        .await
}

#[tokio::test]
async fn dependents_follow_in_the_background() {
    let world = World::new().await;
    let (owner, child) = owner_and_child(&world).await;
    assert_eq!(
        delete(&world, &owner, &json!({"propagationPolicy": "Background"}))
            .await
            .0,
        200
    );
    until_gone(&world, &child).await;
}

#[tokio::test]
async fn an_owner_waits_for_its_dependents_in_the_foreground() {
    let world = World::new().await;
    let (owner, child) = owner_and_child(&world).await;
    let hold = json!({"metadata": {"finalizers": ["example.org/hold"]}});
    world.raw("PATCH", &child, MERGE, hold.to_string()).await;
    let (_, left) = delete(&world, &owner, &json!({"propagationPolicy": "Foreground"})).await;
    assert_eq!(
        left["metadata"]["finalizers"],
        json!(["foregroundDeletion"])
    );
    eventually("the child to be ending", || async {
        let found = world.get(&child).await.1;
        if found["metadata"]["deletionTimestamp"].is_string() {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
    assert_eq!(world.get(&owner).await.0, 200);
    let release = json!({"metadata": {"finalizers": null}});
    world.raw("PATCH", &child, MERGE, release.to_string()).await;
    until_gone(&world, &owner).await;
}

#[tokio::test]
async fn orphans_stay_without_their_owner() {
    let world = World::new().await;
    let (owner, child) = owner_and_child(&world).await;
    delete(&world, &owner, &json!({"propagationPolicy": "Orphan"})).await;
    until_gone(&world, &owner).await;
    let (status, left) = world.get(&child).await;
    assert_eq!(
        (status, &left["metadata"]["ownerReferences"]),
        (200, &json!([]))
    );
}

#[tokio::test]
async fn preconditions_protect_the_successor_of_a_name() {
    let world = World::new().await;
    let (owner, _) = owner_and_child(&world).await;
    let wrong = json!({"preconditions": {"uid": "another"}});
    let (status, refusal) = delete(&world, &owner, &wrong).await;
    assert_eq!((status, &refusal["reason"]), (409, &json!("Conflict")));
    let wrong = json!({"preconditions": {"resourceVersion": "1"}});
    assert_eq!(delete(&world, &owner, &wrong).await.0, 409);
    assert_eq!(
        delete(&world, &owner, &json!({"dryRun": ["All"]})).await.0,
        200
    );
    assert_eq!(world.get(&owner).await.0, 200);
}

#[tokio::test]
async fn a_collection_goes_by_selector() {
    let world = World::new().await;
    let path = "/api/v1/namespaces/default/configmaps";
    for (name, label) in [("x", "a"), ("y", "b")] {
        let object = json!({"metadata": {"name": name, "labels": {"l": label}}});
        world
            .raw("POST", path, "application/json", object.to_string())
            .await;
    }
    let (status, list) = delete(&world, &format!("{path}?labelSelector=l%3Da"), &Value::Null).await;
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(world.get(&format!("{path}/x")).await.0, 404);
    assert_eq!(world.get(&format!("{path}/y")).await.0, 200);
}

#[tokio::test]
async fn a_namespace_names_what_holds_it() {
    let world = World::new().await;
    world
        .raw(
            "POST",
            "/api/v1/namespaces",
            "application/json",
            "{\"metadata\":{\"name\":\"held\"}}",
        )
        .await;
    let held = json!({"metadata": {"name": "h", "finalizers": ["example.org/hold"]}});
    let path = "/api/v1/namespaces/held/configmaps";
    world
        .raw("POST", path, "application/json", held.to_string())
        .await;
    delete(&world, "/api/v1/namespaces/held", &Value::Null).await;
    let space = eventually("the conditions", || async {
        let space = world.get("/api/v1/namespaces/held").await.1;
        if space["status"]["conditions"].is_array() {
            Ok(space)
        } else {
            Err(space.to_string())
        }
    })
    .await;
    assert_eq!(space["status"]["phase"], "Terminating");
    let conditions = space["status"]["conditions"].as_array().unwrap();
    let remaining = conditions
        .iter()
        .find(|one| one["type"] == "NamespaceFinalizersRemaining")
        .unwrap();
    assert_eq!(remaining["status"], "True");
    assert!(
        remaining["message"]
            .as_str()
            .unwrap()
            .contains("example.org/hold in 1 resource instances")
    );
    let release = json!({"metadata": {"finalizers": []}});
    world
        .raw("PATCH", &format!("{path}/h"), MERGE, release.to_string())
        .await;
    until_gone(&world, "/api/v1/namespaces/held").await;
}
