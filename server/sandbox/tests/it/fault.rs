//! Every fault can be made to happen, shows as on a real cluster, and heals.

use crate::console::post;
use crate::world::{CLUSTER, World, application, eventually, is_healthy, key};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

const ID: &str = "i00000000001";

async fn healthy_instance() -> World {
    let world = World::new().await;
    world.create_instance(ID, "2.1.0").await;
    world.until_answering(ID).await;
    world
}

async fn until_waiting(world: &World, reason: &str) -> Value {
    eventually(reason, || async {
        let pod = world.pod(ID, "agent").await;
        let waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"].clone();
        if waiting["reason"] == reason {
            Ok(pod)
        } else {
            Err(pod["status"].to_string())
        }
    })
    .await
}

async fn health(world: &World) -> (u16, String) {
    let answer = world
        .through_gateway(ID, "/cloud-agent/_system/health", Some(&key(ID)))
        .await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn until_health(world: &World, wished: u16) {
    eventually("the agent's answer", || async {
        match health(world).await {
            (status, _) if status == wished => Ok(()),
            (status, text) => Err(format!("{status} {text}")),
        }
    })
    .await;
}

async fn heal(world: &World) {
    world.fault(ID, None).await;
    world.until_healthy(ID).await;
    until_health(world, 200).await;
}

#[tokio::test]
async fn image_pull() {
    let world = healthy_instance().await;
    world.fault(ID, Some("image-pull")).await;
    let pod = until_waiting(&world, "ImagePullBackOff").await;
    let message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.starts_with("Back-off pulling image \"docker.io/"),
        "{message}"
    );
    let failed = world.events(ID, "Failed").await;
    assert!(
        failed.iter().any(|text| text.contains("not found")),
        "{failed:?}"
    );
    until_health(&world, 503).await;
    heal(&world).await;
}

#[tokio::test]
async fn crash_loop() {
    let world = healthy_instance().await;
    world.fault(ID, Some("crash-loop")).await;
    let pod = until_waiting(&world, "CrashLoopBackOff").await;
    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    assert!(status["restartCount"].as_i64().unwrap() >= 1);
    assert!(!world.events(ID, "BackOff").await.is_empty());
    heal(&world).await;
}

#[tokio::test]
async fn migration_failed() {
    let world = healthy_instance().await;
    world.fault(ID, Some("migration-failed")).await;
    let pod = until_waiting(&world, "CrashLoopBackOff").await;
    let ended = &pod["status"]["containerStatuses"][0]["lastState"]["terminated"];
    let said = ended["message"].as_str().unwrap();
    let (first, last) = (said.lines().next().unwrap(), said.lines().last().unwrap());
    assert!(
        first.ends_with("Migration V18__add_wallet_index.sql failed"),
        "{said}"
    );
    assert!(last.starts_with("\tat "), "{said}");
    assert!(said.len() <= 2048, "what a kubelet keeps");
    heal(&world).await;
}

#[tokio::test]
async fn unschedulable() {
    let world = healthy_instance().await;
    world.fault(ID, Some("unschedulable")).await;
    let pod = eventually("the pod without a node", || async {
        let pod = world.pod(ID, "agent").await;
        if pod["status"]["conditions"][0]["reason"] == "Unschedulable" {
            Ok(pod)
        } else {
            Err(pod.to_string())
        }
    })
    .await;
    assert_eq!(pod["status"]["phase"], "Pending");
    assert!(
        pod["status"]["conditions"][0]["message"]
            .as_str()
            .unwrap()
            .contains("Insufficient memory")
    );
    assert!(!world.events(ID, "FailedScheduling").await.is_empty());
    heal(&world).await;
}

/// Sets the fault on the Namespace, before there is an Application, and creates the instance.
async fn created_with(fault: &str) -> World {
    let world = World::new().await;
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": format!("prism{ID}"), "annotations": {sandbox::FAULT_ANNOTATION: fault}}});
    world.apply_as("tester", space).await;
    world.create_instance(ID, "2.1.0").await;
    world
}

async fn heal_namespace(world: &World) {
    let patch = json!({"metadata": {"annotations": {sandbox::FAULT_ANNOTATION: null}}});
    let spaces = world.api("v1", "Namespace", "");
    spaces
        .patch(
            &format!("prism{ID}"),
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await
        .unwrap();
    world.until_healthy(ID).await;
    until_health(world, 200).await;
}

#[tokio::test]
async fn volume_pending() {
    let world = created_with("volume-pending").await;
    let path =
        format!("/api/v1/namespaces/prism{ID}/persistentvolumeclaims/pgdata-prism-postgres-0");
    eventually("the event of the claim", || async {
        let events = world.events(ID, "ProvisioningFailed").await;
        if events.is_empty() {
            Err(world.get(&path).await.1.to_string())
        } else {
            Ok(())
        }
    })
    .await;
    assert_eq!(world.get(&path).await.1["status"]["phase"], "Pending");
    eventually("the database's pod", || async {
        let path = format!("/api/v1/namespaces/prism{ID}/pods/prism-postgres-0");
        let pod = world.get(&path).await.1;
        let text = pod["status"]["conditions"].to_string();
        if text.contains("unbound immediate PersistentVolumeClaims") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    heal_namespace(&world).await;
}

async fn database_status(world: &World, wished: &str) {
    let path = format!("/apis/acid.zalan.do/v1/namespaces/prism{ID}/postgresqls/prism-postgres");
    eventually(wished, || async {
        let found = world.get(&path).await.1["status"]["PostgresClusterStatus"].clone();
        if found == wished {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
}

#[tokio::test]
async fn database_failed_at_creation() {
    let world = created_with("database-failed").await;
    database_status(&world, "CreateFailed").await;
    world
        .until_application(ID, |found| {
            found["status"]["health"]["status"] == "Degraded"
        })
        .await;
    heal_namespace(&world).await;
}

#[tokio::test]
async fn database_failed_later() {
    let world = healthy_instance().await;
    world.fault(ID, Some("database-failed")).await;
    database_status(&world, "SyncFailed").await;
    world
        .until_application(ID, |found| {
            found["status"]["health"]["status"] == "Degraded"
        })
        .await;
    heal(&world).await;
}

#[tokio::test]
async fn certificate_pending() {
    let world = created_with("certificate-pending").await;
    let path = format!("/apis/cert-manager.io/v1/namespaces/prism{ID}/certificates/gateway");
    let certificate = eventually("the certificate's conditions", || async {
        let found = world.get(&path).await.1;
        if found["status"]["conditions"].is_array() {
            Ok(found)
        } else {
            Err(found.to_string())
        }
    })
    .await;
    assert_eq!(
        certificate["status"]["conditions"][0]["reason"],
        "DoesNotExist"
    );
    world
        .until_application(ID, |found| {
            found["status"]["health"]["status"] == "Progressing"
        })
        .await;
    heal_namespace(&world).await;
}

#[tokio::test]
async fn secret_not_synced() {
    let world = created_with("secret-not-synced").await;
    until_waiting(&world, "CreateContainerConfigError").await;
    let path = format!(
        "/apis/external-secrets.io/v1/namespaces/prism{ID}/externalsecrets/instance-secrets"
    );
    let found = world.get(&path).await.1;
    assert_eq!(
        found["status"]["conditions"][0]["reason"],
        "SecretSyncedError"
    );
    let events = world.events(ID, "UpdateFailed").await;
    assert!(events[0].contains("AccessDeniedException"), "{events:?}");
    heal_namespace(&world).await;
}

#[tokio::test]
async fn secret_and_certificate_fail_later_while_what_runs_goes_on() {
    let world = healthy_instance().await;
    world
        .fault(ID, Some("secret-not-synced, certificate-pending"))
        .await;
    for (path, reason) in [
        (
            "external-secrets.io/v1/namespaces/{}/externalsecrets/instance-secrets",
            "SecretSyncedError",
        ),
        (
            "cert-manager.io/v1/namespaces/{}/certificates/gateway",
            "Expired",
        ),
    ] {
        let path = format!("/apis/{}", path.replace("{}", &format!("prism{ID}")));
        eventually(reason, || async {
            let found = world.get(&path).await.1["status"]["conditions"].clone();
            if found[0]["reason"] == reason {
                Ok(())
            } else {
                Err(found.to_string())
            }
        })
        .await;
    }
    assert_eq!(health(&world).await.0, 200);
    heal(&world).await;
}

#[tokio::test]
async fn chart_broken() {
    let world = healthy_instance().await;
    world.fault(ID, Some("chart-broken")).await;
    let found = world
        .until_application(ID, |found| {
            found["status"]["conditions"][0]["type"] == "ComparisonError"
        })
        .await;
    assert_eq!(found["status"]["sync"]["status"], "Unknown");
    assert!(
        found["status"]["conditions"][0]["message"]
            .as_str()
            .unwrap()
            .contains("nil pointer evaluating")
    );
    assert_eq!(health(&world).await.0, 200, "what runs goes on running");
    heal(&world).await;
}

#[tokio::test]
async fn sync_failed_is_not_tried_again_by_itself() {
    let world = created_with("sync-failed").await;
    let found = world
        .until_application(ID, |found| {
            found["status"]["conditions"][0]["type"] == "SyncError"
        })
        .await;
    let state = &found["status"]["operationState"];
    assert_eq!(
        (state["phase"].as_str(), &state["retryCount"]),
        (Some("Failed"), &json!(5))
    );
    assert!(
        state["message"]
            .as_str()
            .unwrap()
            .contains("denied the request"),
        "{state}"
    );
    let patch = json!({"metadata": {"annotations": {sandbox::FAULT_ANNOTATION: null}}});
    let spaces = world.api("v1", "Namespace", "");
    spaces
        .patch(
            &format!("prism{ID}"),
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await
        .unwrap();
    let refresh = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
    let name = format!("prism{ID}");
    let who = PatchParams::default();
    world
        .applications()
        .patch(&name, &who, &Patch::Merge(&refresh))
        .await
        .unwrap();
    let found = world
        .until_application(ID, |found| found["metadata"].get("annotations").is_none())
        .await;
    assert_eq!(found["status"]["sync"]["status"], "OutOfSync");
    let again = json!({"operation": {"initiatedBy": {"username": "hosted-instances"}, "sync": {}}});
    world
        .applications()
        .patch(&name, &who, &Patch::Merge(&again))
        .await
        .unwrap();
    let found = world.until_healthy(ID).await;
    assert!(found.get("operation").is_none());
    assert_eq!(
        found["status"]["operationState"]["operation"]["initiatedBy"]["username"],
        "hosted-instances"
    );
}

#[tokio::test]
async fn probe_refused_and_wrong_version() {
    let world = healthy_instance().await;
    world.fault(ID, Some("probe-refused")).await;
    until_health(&world, 503).await;
    assert!(is_healthy(&world.application(ID).await));
    world.fault(ID, Some("wrong-version")).await;
    until_health(&world, 200).await;
    eventually("another version", || async {
        let (_, text) = health(&world).await;
        if text.contains("2.1.0") {
            Err(text)
        } else {
            Ok(())
        }
    })
    .await;
    heal(&world).await;
}

#[tokio::test]
async fn stuck_finalizer() {
    let world = healthy_instance().await;
    world.fault(ID, Some("stuck-finalizer")).await;
    let path = format!("/apis/acid.zalan.do/v1/namespaces/prism{ID}/postgresqls/prism-postgres");
    eventually("the finalizer", || async {
        let found = world.get(&path).await.1["metadata"]["finalizers"].clone();
        if found[0] == "postgres-operator.acid.zalan.do" {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
    let name = format!("prism{ID}");
    world
        .applications()
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    eventually("the database to be ending", || async {
        let found = world.get(&path).await.1;
        if found["metadata"]["deletionTimestamp"].is_string() {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
    eventually("the rest to be gone", || async {
        match world
            .get(&format!("/apis/apps/v1/namespaces/{name}/deployments"))
            .await
            .1["items"]
            .as_array()
        {
            Some(left) if left.is_empty() => Ok(()),
            left => Err(format!("{left:?}")),
        }
    })
    .await;
    assert_eq!(world.get(&path).await.0, 200);
    world.fault(ID, None).await;
    eventually("the end", || async {
        match world.applications().get_opt(&name).await.unwrap() {
            None => Ok(()),
            Some(left) => Err(format!("{:?}", left.metadata)),
        }
    })
    .await;
}

#[tokio::test]
async fn a_cluster_that_breaks_answers_as_named_and_heals() {
    let world = healthy_instance().await;
    let console = world.sandbox.console();
    let path = format!("{}/api/v1/namespaces", world.endpoints.api_url);
    let expected = [("api-500", 500), ("api-429", 429), ("api-garbage", 200)];
    for (fault, status) in expected {
        let fields = [("cluster", CLUSTER), ("fault", fault)];
        post(&console, "/break", &fields).await;
        let answer = world.http.get(&path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        if fault == "api-429" {
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        let text = answer.text().await.unwrap();
        assert_eq!(text.contains("<html>"), fault == "api-garbage", "{text}");
        post(&console, "/heal", &fields).await;
        assert_eq!(world.http.get(&path).send().await.unwrap().status(), 200);
    }
    let fields = [("cluster", CLUSTER), ("fault", "api-down")];
    post(&console, "/break", &fields).await;
    eventually("refused connections", || async {
        match world.http.get(&path).send().await {
            Err(error) if error.is_connect() => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(health(&world).await.0, 200, "the gateway goes on");
    post(&console, "/heal", &fields).await;
    eventually("the API again", || async {
        match world.http.get(&path).send().await {
            Ok(answer) if answer.status() == 200 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn an_unreachable_override_repository_is_named_on_every_application() {
    let world = healthy_instance().await;
    let console = world.sandbox.console();
    let fields = [("cluster", CLUSTER), ("fault", "overrides-unreachable")];
    post(&console, "/break", &fields).await;
    let found = world
        .until_application(ID, |found| {
            found["status"]["conditions"][0]["type"] == "ComparisonError"
        })
        .await;
    let message = found["status"]["conditions"][0]["message"]
        .as_str()
        .unwrap();
    assert!(
        message.contains("https://git.example/overrides.git"),
        "{message}"
    );
    assert_eq!(found["status"]["health"]["status"], "Healthy");
    post(&console, "/heal", &fields).await;
    world.until_healthy(ID).await;
    world.apply(application(ID, "2.2.0")).await;
    world.until_healthy(ID).await;
}
