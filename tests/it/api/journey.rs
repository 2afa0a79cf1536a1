//! What automation does from beginning to end, as one reads it in the reference.

use http::Method;
use serde_json::{Value, json};
use tests::app::{TestApp, Who};
use tests::client::Client;

#[tokio::test]
async fn a_tenant_gets_an_instance_and_loses_it_again() {
    let app = TestApp::new().await;
    let api = app.bearer(Who::Operator, &["all:write"]).await;
    let tenant = api.post("/api/v1/tenants", json!({"name": "Globex"})).await;
    assert_eq!(tenant.status, 201);
    let tenant_path = tenant.header("location");
    assert_eq!(api.get(tenant_path).await.expect(200), tenant.value());
    let path = is_created(&app, &api, tenant_path).await;
    is_changed(&app, &api, &path).await;
    is_deleted_and_comes_back(&app, &api, &path).await;
    is_deleted_for_good(&app, &api, &path).await;
    let by_operator = api.bare(Method::DELETE, tenant_path).await;
    assert_eq!(by_operator.status, 403, "tenants go by owners");
    let owner = app.client(Who::Owner).await;
    assert_eq!(owner.bare(Method::DELETE, tenant_path).await.status, 204);
    assert_eq!(api.get(tenant_path).await.status, 404);
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Where the new instance is to be found.
async fn is_created(app: &TestApp, api: &Client, tenant_path: &str) -> String {
    let body = json!({"name": "Staging", "purpose": "development", "region": "eu-west-1"});
    let made = api.post(&format!("{tenant_path}/instances"), body).await;
    let begun = made.expect(202);
    let address = format!("/api/v1/operations/{}", text(&begun["operation"]["id"]));
    assert_eq!(made.header("location"), address);
    assert_eq!(begun["operation"]["state"], "queued");
    assert_eq!(begun["instance"]["state"], "creating");
    app.run_operations().await;
    let done = api.get(&address).await.expect(200);
    assert_eq!(done["state"], "succeeded");
    assert_eq!(done["percent"], 100);
    let steps = done["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| step["finished_at"].is_string()));

    let path = format!("/api/v1/instances/{}", text(&begun["instance"]["id"]));
    let running = api.get(&path).await.expect(200);
    assert_eq!(running["state"], "running");
    assert!(text(&running["url"]).contains(text(&running["id"])));
    assert_eq!(running["operation"], Value::Null);
    let health = api.get(&format!("{path}/health")).await.expect(200);
    let known = ["healthy", "progressing", "unknown"];
    assert!(known.contains(&text(&health["status"])), "{health}");
    let list = api.get("/api/v1/instances?q=stag").await.expect(200);
    assert_eq!(list["items"][0]["id"], running["id"]);
    path
}

async fn is_changed(app: &TestApp, api: &Client, path: &str) {
    let renamed = api
        .patch(path, json!({"name": "Testing"}))
        .await
        .expect(200);
    assert_eq!(renamed["name"], "Testing");
    let both = api.patch(path, json!({"name": "a", "overrides": ""})).await;
    assert_eq!(
        (both.status.as_u16(), both.problem().as_str()),
        (422, "invalid")
    );
    let change = json!({"overrides": "agent:\n  replicas: 2\n"});
    let asked = api.patch(path, change).await.expect(202);
    assert_eq!(asked["operation"]["kind"], "reconfigure");
    app.run_operations().await;
    let instance = api.get(path).await.expect(200);
    assert!(
        text(&instance["overrides"]).contains("replicas: 2"),
        "{instance}"
    );
}

async fn is_deleted_and_comes_back(app: &TestApp, api: &Client, path: &str) {
    assert_eq!(api.bare(Method::DELETE, path).await.status, 422);
    let wrong = api
        .bare(Method::DELETE, &format!("{path}?confirm=Staging"))
        .await;
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    let confirmed = format!("{path}?confirm=Testing&grace_seconds=3600");
    let deleting = api.bare(Method::DELETE, &confirmed).await.expect(202);
    assert_eq!(deleting["operation"]["kind"], "delete");
    assert_eq!(deleting["instance"]["state"], "deleting");
    let back = api
        .post(&format!("{path}/undelete"), json!({}))
        .await
        .expect(202);
    assert_eq!(back["operation"]["kind"], "delete");
    app.run_operations().await;
    assert_eq!(api.get(path).await.expect(200)["state"], "running");
}

async fn is_deleted_for_good(app: &TestApp, api: &Client, path: &str) {
    let id = path.rsplit('/').next().unwrap_or_default();
    let body = json!({"confirm": id, "grace_seconds": 0});
    let gone = api.json(Method::DELETE, path, &body).await.expect(202);
    app.run_operations().await;
    let operation = format!("/api/v1/operations/{}", text(&gone["operation"]["id"]));
    let ended = api.get(&operation).await.expect(200);
    assert_eq!(ended["state"], "succeeded", "{ended}");
    assert_eq!(app.world.cluster.inventory(), Vec::<String>::new());
    let history = api.get(&format!("{path}/operations")).await.expect(200);
    let count = history["items"].as_array().map(Vec::len);
    assert_eq!(count, Some(4), "{history}");
}

#[tokio::test]
async fn an_upgrade_that_destroys_data_needs_the_name() {
    let app = TestApp::new().await;
    let api = app.bearer(Who::Operator, &["all:write"]).await;
    let releases = api.get("/api/v1/releases").await.expect(200);
    let releases = releases["items"].as_array().unwrap();
    let usable = || {
        releases
            .iter()
            .filter(|release| release["channel"] != "expired")
    };
    let destructive = usable().find(|release| release["destroys"].is_string());
    let to = destructive.expect("one destroys data")["version"]
        .as_str()
        .unwrap()
        .to_owned();
    let parse = |text: &str| text.parse::<model::release::Version>().unwrap();
    let older = usable()
        .map(|it| it["version"].as_str().unwrap())
        .find(|it| parse(it) < parse(&to));
    let path = format!("/api/v1/tenants/{}/instances", app.world.tenant);
    let body = json!({"name": "Old", "purpose": "development", "region": "eu-west-1", "release": older.unwrap()});
    let made = api.post(&path, body).await.expect(202);
    app.run_operations().await;
    let path = format!(
        "/api/v1/instances/{}",
        made["instance"]["id"].as_str().unwrap()
    );
    let unconfirmed = api.patch(&path, json!({"release": to})).await;
    assert!(
        [409, 422].contains(&unconfirmed.status.as_u16()),
        "{}",
        unconfirmed.text()
    );
    let begun = api
        .patch(&path, json!({"release": to, "confirm": "Old"}))
        .await
        .expect(202);
    assert_eq!(begun["operation"]["kind"], "upgrade");
    app.run_operations().await;
    assert_eq!(api.get(&path).await.expect(200)["release"], json!(to));
    let back = api.patch(&path, json!({"release": older.unwrap()})).await;
    assert!([409, 422].contains(&back.status.as_u16()));
    assert!(
        back.value()["detail"].as_str().unwrap().contains("older"),
        "{}",
        back.text()
    );
}

#[tokio::test]
async fn clusters_and_releases_are_managed() {
    let app = TestApp::new().await;
    let api = app.bearer(Who::Operator, &["all:write"]).await;
    let body = json!({
        "name": "us-prod", "region": "us-east-1", "purpose": "production", "zone": "us.example.org",
        "access": {"kind": "sandbox", "name": "us-prod"},
        "chart": {"repo_url": "https://git.example/charts", "path": "prism-instance"},
        "overrides": {"repo_url": "https://git.example/overrides", "revision": "main"},
        "capacity": 10,
    });
    let checked = api
        .post("/api/v1/clusters/check", body.clone())
        .await
        .expect(200);
    assert!(
        checked["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|line| line["ok"] == true),
        "{checked}"
    );
    let added = api.post("/api/v1/clusters", body.clone()).await;
    let cluster = added.expect(201);
    assert_eq!(
        (cluster["instances"].clone(), cluster["capacity"].clone()),
        (json!(0), json!(10))
    );
    let path = added.header("location").to_owned();
    assert_eq!(api.post("/api/v1/clusters", body).await.status, 409);
    let change = json!({"cordoned": true, "overrides": null});
    let changed = api.patch(&path, change).await.expect(200);
    assert_eq!(
        (&changed["cordoned"], &changed["overrides"]),
        (&json!(true), &Value::Null)
    );
    let regions = api.get("/api/v1/regions").await.expect(200);
    let us = regions["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["region"] == "us-east-1")
        .unwrap();
    assert!(
        us["cluster"].is_null() && us["refused"].as_str().unwrap().contains("cordoned"),
        "{us}"
    );
    assert_eq!(api.bare(Method::DELETE, &path).await.status, 204);
    assert_eq!(api.get(&path).await.status, 404);

    let entry = json!({
        "version": "99.0.0", "channel": "preview", "chart_revision": "prism-instance-9.9.9",
        "images": {"agent": "ghcr.io/example/agent:99.0.0"}, "schema": {"agent": 99},
    });
    let put = api.post("/api/v1/releases", entry).await.expect(201);
    assert_eq!(put["instances"], json!(0));
    let moved = api
        .patch("/api/v1/releases/99.0.0", json!({"channel": "supported"}))
        .await
        .expect(200);
    assert_eq!(moved["channel"], "supported");
    let fleet = api.get("/api/v1/fleet").await.expect(200);
    assert_eq!(fleet["instances"], json!(0));
    let trail = api.get("/api/v1/audit").await.expect(200);
    assert!(
        trail["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["action"] == "cluster.add"),
        "{trail}"
    );
}
