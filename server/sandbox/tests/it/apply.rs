//! Server-side apply and the other patches, through a real client.

use crate::world::{World, application};
use kube::api::{Patch, PatchParams};
use serde_json::json;

const ID: &str = "c00000000001";

#[tokio::test]
async fn another_managers_change_conflicts_and_is_named() {
    let world = World::new().await;
    world.apply(application(ID, "2.1.0")).await;
    let name = format!("prism{ID}");
    let by_hand = json!({"spec": {"syncPolicy": {"automated": {"selfHeal": false}}}});
    let who = PatchParams {
        field_manager: Some("kubectl-edit".to_owned()),
        ..PatchParams::default()
    };
    world
        .applications()
        .patch(&name, &who, &Patch::Merge(&by_hand))
        .await
        .unwrap();
    let wished = application(ID, "2.1.0");
    let mine = PatchParams::apply("hosted-instances");
    let refused = world
        .applications()
        .patch(&name, &mine, &Patch::Apply(&wished))
        .await;
    let Err(kube::Error::Api(status)) = refused else {
        panic!("expected a conflict: {refused:?}")
    };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    let causes = status.details.unwrap().causes;
    assert_eq!(causes[0].field, ".spec.syncPolicy.automated.selfHeal");
    assert_eq!(causes[0].message, "conflict with \"kubectl-edit\"");
    let forced = world
        .applications()
        .patch(&name, &mine.force(), &Patch::Apply(&wished))
        .await
        .unwrap();
    assert_eq!(
        forced.data["spec"]["syncPolicy"]["automated"]["selfHeal"],
        true
    );
}

#[tokio::test]
async fn applying_what_is_there_keeps_the_version() {
    let world = World::new().await;
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "same", "namespace": "default"}, "data": {"a": "1"},
    });
    world.apply(object.clone()).await;
    let maps = world.api("v1", "ConfigMap", "default");
    let first = maps.get("same").await.unwrap().metadata;
    world.apply(object).await;
    let second = maps.get("same").await.unwrap().metadata;
    assert_eq!(first.resource_version, second.resource_version);
    assert_eq!(
        first.managed_fields.unwrap()[0].manager.as_deref(),
        Some("hosted-instances")
    );
}

#[tokio::test]
async fn json_patches_are_carried_out_or_refused_as_a_whole() {
    let world = World::new().await;
    world
        .apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "p", "namespace": "default"}, "data": {"a": "1"},
        }))
        .await;
    let path = "/api/v1/namespaces/default/configmaps/p";
    let kind = "application/json-patch+json";
    let good = json!([{"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "2"}]);
    let (status, object) = world.raw("PATCH", path, kind, good.to_string()).await;
    assert_eq!((status, &object["data"]["a"]), (200, &json!("2")));
    let (status, refusal) = world.raw("PATCH", path, kind, good.to_string()).await;
    assert_eq!((status, &refusal["reason"]), (422, &json!("Invalid")));
    let stale = json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "3"}});
    let merge = "application/merge-patch+json";
    assert_eq!(
        world.raw("PATCH", path, merge, stale.to_string()).await.0,
        409
    );
    let dry = json!({"data": {"a": "9"}});
    let (status, object) = world
        .raw(
            "PATCH",
            &format!("{path}?dryRun=All"),
            merge,
            dry.to_string(),
        )
        .await;
    assert_eq!((status, &object["data"]["a"]), (200, &json!("9")));
    assert_eq!(world.get(path).await.1["data"]["a"], "2");
}

#[tokio::test]
async fn a_status_is_written_through_its_own_door() {
    let world = World::new().await;
    world
        .apply(json!({
            "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": {"name": "s", "namespace": "default"},
            "spec": {"provider": {}}, "status": {"capabilities": "ReadOnly"},
        }))
        .await;
    let path = "/apis/external-secrets.io/v1/namespaces/default/secretstores/s";
    let change = json!({"spec": {"provider": {"changed": {}}}, "status": {"mine": "yes"}});
    let merge = "application/merge-patch+json";
    let (_, object) = world
        .raw(
            "PATCH",
            &format!("{path}/status"),
            merge,
            change.to_string(),
        )
        .await;
    assert_eq!(object["status"]["mine"], "yes");
    assert_eq!(object["spec"]["provider"], json!({}));
    let (_, object) = world.raw("PATCH", path, merge, change.to_string()).await;
    assert_eq!(object["spec"]["provider"], json!({"changed": {}}));
    assert_eq!(object["metadata"]["generation"], 2);
}
