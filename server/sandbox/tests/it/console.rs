//! The fault page, as a browser without scripts uses it.

use crate::world::{CLUSTER, World};
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

pub async fn post(console: &Router, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.join("&")))
        .unwrap();
    let response = console.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(text.to_vec()).unwrap())
}

async fn page(console: &Router) -> String {
    let request = Request::get("/").body(Body::empty()).unwrap();
    let response = console.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(text.to_vec()).unwrap()
}

#[tokio::test]
async fn a_fault_is_made_listed_and_healed() {
    let world = World::new().await;
    let id = "h00000000001";
    world.create_instance(id, "2.1.0").await;
    world.until_healthy(id).await;
    let console = world.sandbox.console();
    assert!(page(&console).await.contains("SANDBOX"));
    let fields = [
        ("cluster", CLUSTER),
        ("instance", id),
        ("fault", "crash-loop"),
    ];
    assert_eq!(
        post(&console, "/break", &fields).await.0,
        StatusCode::SEE_OTHER
    );
    let annotated = world.application(id).await;
    assert_eq!(
        annotated["metadata"]["annotations"][sandbox::FAULT_ANNOTATION],
        "crash-loop"
    );
    crate::world::eventually("the list of faults", || async {
        let text = page(&console).await;
        if text.contains("action=\"/heal\"") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    assert_eq!(
        post(&console, "/heal", &fields).await.0,
        StatusCode::SEE_OTHER
    );
    world.until_healthy(id).await;
    assert!(
        world.application(id).await["metadata"]
            .get("annotations")
            .is_none_or(|all| { all.get(sandbox::FAULT_ANNOTATION).is_none() })
    );
}

#[tokio::test]
async fn every_fault_of_a_cluster_is_offered_and_outlives_a_restart() {
    let world = World::new().await;
    let text = page(&world.sandbox.console()).await;
    for part in ["Kubernetes API", "Argo CD", "Gateway", "Secrets"] {
        let group = format!("<optgroup label=\"{part}\">");
        assert_eq!(text.matches(&group).count(), 1, "{part}");
    }
    let made: Vec<&sandbox::ClusterFault> = sandbox::ClusterFault::ALL.iter().collect();
    for fault in &made {
        let option = format!("<option value=\"{}\">", fault.name());
        assert!(text.contains(&option), "{}", fault.name());
        world.begin(fault.name()).await;
    }
    let world = world.restarted().await;
    let text = page(&world.sandbox.console()).await;
    let count = format!("{} faults are active.", made.len());
    assert!(text.contains(&count), "{text}");
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_words_and_escaped() {
    let world = World::new().await;
    let console = world.sandbox.console();
    let fields = [
        ("cluster", CLUSTER),
        ("instance", "%3Cb%3E"),
        ("fault", "crash-loop"),
    ];
    let (status, text) = post(&console, "/break", &fields).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("has no instance prism&lt;b&gt;"), "{text}");
    let fields = [("cluster", "nowhere"), ("fault", "api-down")];
    assert_eq!(
        post(&console, "/break", &fields).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn the_page_works_wherever_it_is_nested() {
    let world = World::new().await;
    let outer = Router::new().nest("/sandbox", world.sandbox.console());
    let request = Request::get("/sandbox").body(Body::empty()).unwrap();
    let response = outer.clone().oneshot(request).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains("action=\"/sandbox/break\""), "{text}");
    let request = Request::post("/sandbox/break")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("cluster={CLUSTER}&fault=api-slow")))
        .unwrap();
    let response = outer.oneshot(request).await.unwrap();
    assert_eq!(response.headers()["location"], "/sandbox");
}
