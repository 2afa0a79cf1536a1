//! Keys as they are taken away and looked at: in which order, and without ever hearing a Secret.

use serde_json::{Value, json};
use service::ports::{ClusterPort as _, TokenPort as _};

use super::{TOKEN, world};
use crate::scripted::{Api, Asked, Say};

fn list(items: &Value) -> Say {
    Say::Json(
        200,
        json!({"metadata": {"resourceVersion": "1"}, "items": items}),
    )
}

/// A namespace with a token and a watchman, and with a secret of the chart's.
fn there(asked: &Asked, _: usize) -> Say {
    let ours = json!({"app.kubernetes.io/managed-by": "hosted-instances"});
    let consumer = |name: &str| {
        json!({"metadata": {"name": name, "labels": ours}, "spec": {"authParameter": {"keyAuth":
            {"secretRef": {"name": name}}}}})
    };
    match (
        asked.method.as_str(),
        asked.path.rsplit('/').next().unwrap(),
    ) {
        ("GET", "apisixconsumers") => list(&json!([consumer(TOKEN), consumer("watchman1")])),
        ("GET", "externalsecrets") => list(&json!([
            {"metadata": {"name": "instance-secrets", "labels": {"app.kubernetes.io/managed-by": "Helm"}},
                "spec": {}},
            {"metadata": {"name": TOKEN, "labels": ours}, "spec": {}},
            {"metadata": {"name": "t2", "labels": ours}, "spec": {}},
        ])),
        _ => Say::status(404, "gone already"),
    }
}

/// What was deleted, as `name of kind`.
fn gone(api: &Api) -> Vec<String> {
    let name = |asked: Asked| {
        let last: Vec<&str> = asked.path.rsplit('/').take(2).collect();
        last.join(" of ")
    };
    api.asked_by("DELETE").into_iter().map(name).collect()
}

/// No answer about a Secret may hold more than its metadata.
fn nothing_was_heard(api: &Api) {
    let asked = api.asked();
    let mut about = asked
        .iter()
        .filter(|asked| asked.path.contains("/secrets/"));
    assert!(about.all(|asked| {
        let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        asked.method != "GET" && asked.accept.starts_with(metadata)
    }));
}

#[tokio::test]
async fn one_key_goes_consumer_first_and_may_be_gone_already() {
    let api = Api::start(there).await;
    let (clusters, target) = world(&api);
    clusters.remove_key(&target, TOKEN).await.unwrap();
    assert_eq!(
        gone(&api),
        ["apisixconsumers", "externalsecrets", "secrets"].map(|kind| format!("{TOKEN} of {kind}"))
    );
    nothing_was_heard(&api);
}

#[tokio::test]
async fn all_keys_go_consumers_first_and_the_charts_secret_stays() {
    let api = Api::start(there).await;
    let (clusters, target) = world(&api);
    clusters.remove_keys(&target).await.unwrap();
    let mut gone = gone(&api);
    for (part, kind) in [
        (0..2, "apisixconsumers"),
        (2..4, "externalsecrets"),
        (4..7, "secrets"),
    ] {
        let some = &mut gone[part];
        some.sort();
        assert!(
            some.iter().all(|it| it.ends_with(&format!(" of {kind}"))),
            "{some:?}"
        );
    }
    assert_eq!(gone.len(), 7);
    assert!(!gone.iter().any(|it| it.contains("instance-secrets")));
    assert!(gone.contains(&"watchman1 of secrets".to_owned()));
    nothing_was_heard(&api);
}

#[tokio::test]
async fn a_consumer_that_stays_keeps_its_secret() {
    let api = Api::start(|asked: &Asked, _| {
        if asked.path.contains("apisixconsumers") {
            Say::status(403, "no")
        } else {
            Say::Json(200, json!({}))
        }
    })
    .await;
    let (clusters, target) = world(&api);
    clusters.remove_key(&target, TOKEN).await.unwrap_err();
    assert_eq!(gone(&api), [format!("{TOKEN} of apisixconsumers")]);
}

#[tokio::test]
async fn keys_are_listed_by_name_and_those_of_others_are_not() {
    let api = Api::start(there).await;
    let (clusters, target) = world(&api);
    let found = clusters.keys(&target).await.unwrap();
    let found: Vec<(&str, bool)> = found
        .iter()
        .map(|fact| (fact.consumer.as_str(), fact.consumer_present))
        .collect();
    assert_eq!(found, [(TOKEN, true), ("t2", false), ("watchman1", true)]);
    let none = Api::start(|_, _| Say::status(404, "not installed")).await;
    let (clusters, target) = world(&none);
    assert!(clusters.keys(&target).await.unwrap().is_empty());
}
