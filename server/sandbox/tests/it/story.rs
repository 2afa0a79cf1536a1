//! The life of an instance: created, changed, upgraded, healed, deleted to nothing.

use crate::world::{World, application, eventually, gate, is_healthy, key};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

const ID: &str = "d00000000001";
const SPACE: &str = "prismd00000000001";

#[tokio::test]
async fn an_instance_is_created_and_answers_with_its_version() {
    let world = World::new().await;
    world.create_instance(ID, "2.1.0").await;
    let found = world.until_answering(ID).await;
    assert_eq!(
        found["status"]["sync"]["comparedTo"]["sources"],
        found["spec"]["sources"]
    );
    assert_eq!(found["status"]["operationState"]["phase"], "Succeeded");
    assert!(
        found["status"].get("conditions").is_none(),
        "{}",
        found["status"]["conditions"]
    );
    assert!(found["status"]["resources"][0].get("health").is_none());
    let answer = world
        .through_gateway(ID, "/cloud-agent/_system/health", Some(&key(ID)))
        .await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({"version": "2.1.0"})
    );
    let database = world
        .get(&format!(
            "/apis/acid.zalan.do/v1/namespaces/{SPACE}/postgresqls/prism-postgres"
        ))
        .await
        .1;
    assert_eq!(
        database["status"],
        json!({"PostgresClusterStatus": "Running"})
    );
    for name in ["pgdata-prism-postgres-0", "pgdata-prism-postgres-1"] {
        let claim = world
            .get(&format!(
                "/api/v1/namespaces/{SPACE}/persistentvolumeclaims/{name}"
            ))
            .await
            .1;
        assert_eq!(claim["status"]["phase"], "Bound");
    }
}

#[tokio::test]
async fn steps_take_their_time_at_a_pace() {
    let world = World::paced(0.05).await;
    world.create_instance(ID, "2.1.0").await;
    world
        .until_application(ID, |found| found["status"]["health"]["status"] == "Missing")
        .await;
    world
        .until_application(ID, |found| {
            found["status"]["sync"]["status"] == "Synced"
                && found["status"]["health"]["status"] == "Progressing"
        })
        .await;
    world.until_healthy(ID).await;
    let scheduled = world.events(ID, "Scheduled").await;
    assert_eq!(scheduled.len(), 5, "{scheduled:?}");
}

#[tokio::test]
async fn deleting_leaves_nothing() {
    let world = World::new().await;
    world.create_instance(ID, "2.1.0").await;
    world.until_healthy(ID).await;
    world
        .applications()
        .delete(SPACE, &DeleteParams::default())
        .await
        .unwrap();
    eventually("the end of the Application", || async {
        match world.applications().get_opt(SPACE).await.unwrap() {
            None => Ok(()),
            Some(left) => Err(format!("{:?}", left.metadata.finalizers)),
        }
    })
    .await;
    for kind in ["pods", "services", "persistentvolumeclaims"] {
        let left = world
            .get(&format!("/api/v1/namespaces/{SPACE}/{kind}"))
            .await
            .1;
        assert_eq!(left["items"], json!([]), "{kind}");
    }
    let spaces = world.api("v1", "Namespace", "");
    spaces
        .delete(SPACE, &DeleteParams::default())
        .await
        .unwrap();
    eventually("the end of the Namespace", || async {
        match spaces.get_opt(SPACE).await.unwrap() {
            None => Ok(()),
            Some(left) => Err(left.data["status"].to_string()),
        }
    })
    .await;
    let secrets = world.get("/api/v1/secrets").await.1;
    assert_eq!(secrets["items"], json!([]));
    let answer = world
        .through_gateway(ID, "/cloud-agent/_system/health", Some(&key(ID)))
        .await;
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn an_upgrade_changes_the_version_that_answers() {
    let world = World::new().await;
    world.create_instance(ID, "2.0.0").await;
    world.until_healthy(ID).await;
    let before = world.pod(ID, "agent").await;
    world.apply(application(ID, "2.2.0")).await;
    world
        .until_application(ID, |found| {
            is_healthy(found)
                && found["status"]["sync"]["comparedTo"]["sources"] == found["spec"]["sources"]
        })
        .await;
    let answer = world
        .through_gateway(ID, "/cloud-agent/_system/health", Some(&key(ID)))
        .await;
    assert_eq!(answer.json::<Value>().await.unwrap()["version"], "2.2.0");
    assert_ne!(
        world.pod(ID, "agent").await["metadata"]["name"],
        before["metadata"]["name"]
    );
}

#[tokio::test]
async fn a_release_that_the_chart_does_not_know_is_a_comparison_error() {
    let world = World::new().await;
    world.create_instance(ID, "9.9.9").await;
    let found = world
        .until_application(ID, |found| {
            found["status"]["conditions"][0]["type"] == "ComparisonError"
        })
        .await;
    assert_eq!(found["status"]["sync"]["status"], "Unknown");
    let message = found["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.starts_with("Failed to load target state"),
        "{message}"
    );
}

#[tokio::test]
async fn an_override_file_reaches_the_instance_after_a_refresh() {
    let world = World::new().await;
    world.create_instance(ID, "2.1.0").await;
    world.until_healthy(ID).await;
    let file = world
        .dir()
        .join(crate::world::CLUSTER)
        .join("overrides")
        .join(format!("{ID}.yaml"));
    std::fs::write(&file, "agent:\n  replicas: 3\ninstance:\n  id: stolen\n").unwrap();
    let refresh = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
    let merge = |patch: Value| {
        let world = &world;
        async move {
            let patch = Patch::Merge(patch);
            world
                .applications()
                .patch(SPACE, &PatchParams::default(), &patch)
                .await
                .unwrap()
        }
    };
    merge(refresh.clone()).await;
    world
        .until_application(ID, |found| found["metadata"].get("annotations").is_none())
        .await;
    world.until_healthy(ID).await;
    let deployment = format!("/apis/apps/v1/namespaces/{SPACE}/deployments/cloud-agent");
    eventually("three replicas", || async {
        let found = world.get(&deployment).await.1;
        if found["status"]["readyReplicas"] == 3 {
            Ok(())
        } else {
            Err(found["status"].to_string())
        }
    })
    .await;
    let path = format!("/apis/apisix.apache.org/v2/namespaces/{SPACE}/apisixroutes/instance");
    let route = world.get(&path).await.1;
    let host = format!("{ID}.sandbox.localhost");
    assert_eq!(route["spec"]["http"][0]["match"]["hosts"][0], json!(host));
    std::fs::write(&file, "- not\n- a map\n").unwrap();
    merge(refresh).await;
    let found = world
        .until_application(ID, |found| {
            found["status"]["conditions"][0]["type"] == "ComparisonError"
        })
        .await;
    assert!(
        found["status"]["conditions"][0]["message"]
            .as_str()
            .unwrap()
            .contains("cannot unmarshal array")
    );
}

#[tokio::test]
async fn what_is_changed_or_deleted_by_hand_is_put_back() {
    let world = World::new().await;
    world.create_instance(ID, "2.1.0").await;
    world.until_healthy(ID).await;
    let path = format!("/apis/apps/v1/namespaces/{SPACE}/deployments/cloud-agent");
    let merge = "application/merge-patch+json";
    let (status, _) = world
        .raw("PATCH", &path, merge, "{\"spec\":{\"replicas\":5}}")
        .await;
    assert_eq!(status, 200);
    eventually("one replica again", || async {
        let found = world.get(&path).await.1;
        if found["spec"]["replicas"] == 1 {
            Ok(())
        } else {
            Err(found["spec"].to_string())
        }
    })
    .await;
    let service = format!("/api/v1/namespaces/{SPACE}/services/cloud-agent");
    assert_eq!(
        world
            .raw("DELETE", &service, "application/json", "")
            .await
            .0,
        200
    );
    eventually("the service again", || async {
        match world.get(&service).await {
            (200, _) => Ok(()),
            (status, _) => Err(status.to_string()),
        }
    })
    .await;
}

#[tokio::test]
async fn the_project_fences_namespaces_and_applications() {
    let world = World::new().await;
    let mut wrong = application(ID, "2.1.0");
    wrong["spec"]["destination"]["namespace"] = json!("argocd");
    world.apply(wrong).await;
    let message = |found: &Value| {
        found["status"]["conditions"][0]["message"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    let found = world
        .until_application(ID, |found| !message(found).is_empty())
        .await;
    assert_eq!(found["status"]["conditions"][0]["type"], "InvalidSpecError");
    assert!(message(&found).contains("do not match any of the allowed destinations"));
    let mut wrong = application(ID, "2.1.0");
    wrong["spec"]["project"] = json!("default");
    world.apply(wrong).await;
    let wished = "Application referencing project default which does not exist";
    world
        .until_application(ID, |found| message(found) == wished)
        .await;
}

#[tokio::test]
async fn an_instance_without_secrets_waits_and_goes_on_when_they_come() {
    let world = World::new().await;
    world.prepare_instance(ID).await;
    world.apply(application(ID, "2.1.0")).await;
    let found = eventually("the pod that waits", || async {
        let pod = world.pod(ID, "agent").await;
        let reason = pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone();
        if reason == "CreateContainerConfigError" {
            Ok(pod)
        } else {
            Err(reason.to_string())
        }
    })
    .await;
    let waiting = &found["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["message"], "secret \"instance-secrets\" not found");
    for entry in ["wallet-seed", "admin-token", "api-key-salt"] {
        world.secret(ID, entry).await;
    }
    world.until_healthy(ID).await;
    world.apply(gate(ID, 2, &["sentinel"])).await;
}
