//! Watches: order, bookmarks, the end of history.

use crate::console::post;
use crate::world::{CLUSTER, World, application};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use serde_json::{Value, json};

fn map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

#[tokio::test]
async fn changes_arrive_in_order_and_a_bookmark_before_the_end() {
    let world = World::new().await;
    let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), "default");
    let version = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    let parameters = WatchParams::default().timeout(1);
    let stream = maps.watch(&parameters, &version).await.unwrap();
    maps.create(&PostParams::default(), &map("w"))
        .await
        .unwrap();
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    maps.patch("w", &PatchParams::default(), &Patch::Merge(&label))
        .await
        .unwrap();
    maps.delete("w", &DeleteParams::default()).await.unwrap();
    let events: Vec<WatchEvent<ConfigMap>> = stream.try_collect().await.unwrap();
    let words: Vec<&str> = events
        .iter()
        .map(|event| match event {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            WatchEvent::Bookmark(_) => "bookmark",
            WatchEvent::Error(_) => "error",
        })
        .collect();
    assert_eq!(words, ["added", "modified", "deleted", "bookmark"]);
}

#[tokio::test]
async fn a_selector_turns_a_change_of_labels_into_coming_and_going() {
    let world = World::new().await;
    let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), "default");
    let version = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    maps.create(&PostParams::default(), &map("w"))
        .await
        .unwrap();
    for value in [json!("yes"), Value::Null] {
        let label = json!({"metadata": {"labels": {"wanted": value}}});
        maps.patch("w", &PatchParams::default(), &Patch::Merge(&label))
            .await
            .unwrap();
    }
    let parameters = WatchParams::default()
        .labels("wanted=yes")
        .timeout(1)
        .disable_bookmarks();
    let stream = maps.watch(&parameters, &version).await.unwrap();
    let events: Vec<WatchEvent<ConfigMap>> = stream.try_collect().await.unwrap();
    assert!(
        matches!(events[..], [WatchEvent::Added(_), WatchEvent::Deleted(_)]),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_version_from_before_the_restart_is_gone() {
    let world = World::new().await.restarted().await;
    let maps: Api<ConfigMap> = Api::namespaced(world.client.clone(), "default");
    let mut stream = maps
        .watch(&WatchParams::default(), "1")
        .await
        .unwrap()
        .boxed();
    match stream.next().await {
        Some(Ok(WatchEvent::Error(status))) => assert_eq!(status.code, 410),
        other => panic!("expected 410, got {other:?}"),
    }
}

#[tokio::test]
async fn a_streamed_list_ends_with_its_bookmark() {
    let world = World::new().await;
    world.apply(application("b00000000001", "2.1.0")).await;
    let parameters = WatchParams::default().initial_events().timeout(5);
    let mut stream = world
        .applications()
        .watch(&parameters, "0")
        .await
        .unwrap()
        .boxed();
    let mut seen = Vec::new();
    loop {
        match stream.next().await {
            Some(Ok(WatchEvent::Added(object))) => seen.extend(object.metadata.name),
            Some(Ok(WatchEvent::Bookmark(mark))) => {
                assert_eq!(
                    mark.metadata.annotations["k8s.io/initial-events-end"],
                    "true"
                );
                break;
            }
            Some(Ok(WatchEvent::Modified(_))) => {}
            other => panic!("the list never ended: {other:?}"),
        }
    }
    assert_eq!(seen, ["prismb00000000001"]);
}

#[tokio::test]
async fn watches_that_are_gone_end_and_a_new_list_goes_on() {
    let world = World::new().await;
    let console = world.sandbox.console();
    let applications = world.applications();
    let list = applications.list(&ListParams::default()).await.unwrap();
    let version = list.metadata.resource_version.unwrap();
    let parameters = WatchParams::default();
    let mut stream = applications
        .watch(&parameters, &version)
        .await
        .unwrap()
        .boxed();
    let fields = [("cluster", CLUSTER), ("fault", "watch-gone")];
    post(&console, "/break", &fields).await;
    for _ in 0..2 {
        match stream.next().await {
            Some(Ok(WatchEvent::Error(status))) => assert_eq!(status.code, 410),
            other => panic!("expected 410, got {other:?}"),
        }
        stream = applications
            .watch(&parameters, &version)
            .await
            .unwrap()
            .boxed();
    }
    post(&console, "/heal", &fields).await;
    let mut stream = applications
        .watch(&parameters, &version)
        .await
        .unwrap()
        .boxed();
    world.apply(application("b00000000002", "2.1.0")).await;
    match stream.next().await {
        Some(Ok(WatchEvent::Added(object))) => {
            assert_eq!(object.metadata.name.as_deref(), Some("prismb00000000002"));
        }
        other => panic!("expected the new Application, got {other:?}"),
    }
}
