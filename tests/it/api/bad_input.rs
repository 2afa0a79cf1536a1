//! Whatever is put badly gets a problem with a stable type and, where it is about a field, the field;
//! and nothing is half done.

use axum::body::Body;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tests::app::{TestApp, Who};
use tests::client::{Client, Reply};

const TENANTS: &str = "/api/v1/tenants";

async fn raw(client: &Client, path: &str, media_type: &str, body: impl Into<Body>) -> Reply {
    let request = client.request(Method::POST, path);
    let request = if media_type.is_empty() {
        request
    } else {
        request.header(CONTENT_TYPE, media_type)
    };
    client
        .send(request.body(body.into()).expect("a request"))
        .await
}

#[track_caller]
fn assert_problem(reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status.as_u16(), reply.problem().as_str()),
        (status, code),
        "{}",
        reply.text()
    );
    let problem = reply.value();
    assert_eq!(problem["status"], status);
    assert_eq!(
        problem["request_id"].as_str(),
        Some(reply.header("x-request-id"))
    );
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(
        detail.ends_with(['.', '…']) || detail.len() > 20,
        "{detail}"
    );
    assert!(!problem["title"].as_str().unwrap_or_default().is_empty());
}

fn fields(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors");
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let json_type = "application/json";
    assert_problem(
        &raw(&owner, TENANTS, json_type, "").await,
        400,
        "malformed_json",
    );
    assert_problem(
        &raw(&owner, TENANTS, json_type, "{\"name\":").await,
        400,
        "malformed_json",
    );
    let not_utf8 = b"{\"name\":\"\xff\xfe\"}".to_vec();
    assert_problem(
        &raw(&owner, TENANTS, json_type, not_utf8).await,
        400,
        "malformed_json",
    );
    assert_problem(
        &raw(&owner, TENANTS, json_type, "{} trailing").await,
        422,
        "invalid",
    );
    assert_problem(
        &raw(&owner, TENANTS, "text/plain", "{\"name\":\"x\"}").await,
        415,
        "unsupported_media_type",
    );
    assert_problem(
        &raw(&owner, TENANTS, "", "{\"name\":\"x\"}").await,
        415,
        "unsupported_media_type",
    );
    let form = raw(
        &owner,
        TENANTS,
        "application/x-www-form-urlencoded",
        "name=x",
    )
    .await;
    assert_problem(&form, 415, "unsupported_media_type");
    let accepted = raw(
        &owner,
        TENANTS,
        "Application/JSON; charset=utf-8",
        "{\"name\":\"x\"}",
    )
    .await;
    assert_eq!(accepted.status, 201, "{}", accepted.text());
}

#[tokio::test]
async fn ten_megabytes_are_refused_announced_or_not() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    assert_problem(
        &raw(&owner, TENANTS, "application/json", huge.clone()).await,
        413,
        "too_large",
    );
    // In pieces and without a length.
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = huge
        .as_bytes()
        .chunks(64 * 1024)
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    let stream = Body::from_stream(futures::stream::iter(pieces));
    assert_problem(
        &raw(&owner, TENANTS, "application/json", stream).await,
        413,
        "too_large",
    );
    let announced = owner
        .request(Method::POST, "/tenants")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("content-length", "1000000")
        .body(Body::empty())
        .expect("a request");
    let page = owner.send(announced).await;
    assert_eq!(page.status, 413);
    assert!(
        page.header("content-type").starts_with("text/html") && page.text().contains("256 KiB")
    );
}

#[tokio::test]
async fn fields_that_do_not_fit_are_named() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let cases = [
        (json!({}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": null}), "name"),
        (json!({"name": ["a"]}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "   "}), "name"),
        (json!({"name": "x".repeat(10_000)}), "name"),
        (json!({"name": "a", "nmae": "b"}), "nmae"),
        (json!({"name": "a\u{0}b"}), "body"),
        (json!({"name": "line\nbreak"}), "name"),
        (json!("text"), "body"),
        (json!(["a"]), "body"),
    ];
    for (body, field) in cases {
        let reply = owner.post(TENANTS, body.clone()).await;
        assert_problem(&reply, 422, "invalid");
        assert_eq!(fields(&reply.value()), [field], "{body}");
    }
    let tenants = owner.get(TENANTS).await.expect(200);
    assert_eq!(
        tenants["items"].as_array().map(Vec::len),
        Some(2),
        "nothing was created"
    );
}

#[tokio::test]
async fn names_are_text_and_not_markup() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let markup = "<script>alert(1)</script> & \"Söhne\"";
    let made = owner
        .post(TENANTS, json!({"name": markup}))
        .await
        .expect(201);
    assert_eq!(made["name"], markup);
    let page = owner.get("/tenants").await;
    assert!(
        !page.text().contains("<script>alert"),
        "markup reached the page"
    );
    assert!(page.text().contains("&lt;script&gt;alert(1)"));
    // Marks that turn the direction of text round would let one name look like another.
    let turned = owner.post(TENANTS, json!({"name": "abc\u{202e}fed"})).await;
    assert_problem(&turned, 422, "invalid");
    let again = owner.post(TENANTS, json!({"name": markup})).await;
    assert_problem(&again, 409, "name_taken");
}

#[tokio::test]
async fn ids_cursors_and_filters_that_are_none() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    for path in [
        "/api/v1/tenants/1",
        "/api/v1/tenants/%00",
        "/api/v1/tenants/%FF",
        "/api/v1/tenants/{id}",
        "/api/v1/tenants/01900000-0000-7000-8000-00000000000A",
        "/api/v1/instances/ABCDEFGHIJKL",
        "/api/v1/instances/..%2F..%2Fme",
        "/api/v1/operations/*",
        "/api/v1/clusters/none",
        "/api/v1/releases/latest",
        "/api/v1/nothing",
        "/api/v2/tenants",
    ] {
        assert_problem(&owner.get(path).await, 404, "not_found");
    }
    for (query, field) in [
        ("tenants?cursor=made-up", "cursor"),
        ("instances?cursor=AAAA", "cursor"),
        ("operations?cursor=%F0%9F%92%A9", "cursor"),
        ("tenants?limit=0", "limit"),
        ("tenants?limit=100000", "limit"),
        ("tenants?limit=many", "limit"),
        ("tenants?limit=-1", "limit"),
        ("tenants?nmae=x", "nmae"),
        ("tenants?q=a%00b", "query"),
        ("instances?health=fine", "health"),
        ("instances?tenant=x", "tenant"),
        ("operations?state=going", "state"),
        ("events?last_event_id=x", "last_event_id"),
    ] {
        let reply = owner.get(&format!("/api/v1/{query}")).await;
        assert_problem(&reply, 422, "invalid");
        assert_eq!(fields(&reply.value()), [field], "{query}");
    }
}

#[tokio::test]
async fn instances_that_cannot_be_made_leave_nothing_behind() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let path = format!("/api/v1/tenants/{}/instances", app.world.tenant);
    let base = json!({"purpose": "development", "region": "eu-west-1"});
    let with = |field: &str, value: Value| {
        let mut body = base.clone();
        body[field] = value;
        body
    };
    for (body, field) in [
        (with("purpose", json!("staging")), "purpose"),
        (with("region", json!("EU WEST")), "region"),
        (with("release", json!("newest")), "release"),
        (with("release", json!("99.0.0")), "release"),
        (with("overrides", json!("- a\n- list")), "overrides"),
        (with("overrides", json!("a: [")), "overrides"),
        (
            with("overrides", json!("agent: {image: {tag: evil}}")),
            "overrides",
        ),
        (
            with("overrides", json!("agent: {password: hunter2}")),
            "overrides",
        ),
        (with("name", json!("a\u{202e}b")), "name"),
        (with("size", json!("large")), "size"),
    ] {
        let reply = owner.post(&path, body.clone()).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.text());
        assert_eq!(fields(&reply.value()), [field], "{body}");
    }
    let full = owner
        .post(&path, with("purpose", json!("production")))
        .await;
    assert_eq!(full.status, 422, "{}", full.text());
    assert_eq!(fields(&full.value()), ["region"]);
    assert!(
        full.value()["detail"]
            .as_str()
            .is_some_and(|text| text.contains("eu-west-1"))
    );
    let instances = owner.get("/api/v1/instances").await.expect(200);
    assert_eq!(instances["items"], json!([]));
    let operations = owner.get("/api/v1/operations").await.expect(200);
    assert_eq!(operations["items"], json!([]));
}

#[tokio::test]
async fn two_people_who_press_the_same_button() {
    let app = TestApp::new().await;
    let instance = app.world.running("Staging").await;
    let (one, other) = (
        app.client(Who::Owner).await,
        app.client(Who::Operator).await,
    );
    let path = format!("/api/v1/instances/{}", instance.id);
    let body = json!({"overrides": "agent:\n  replicas: 2\n"});
    let (a, b) = tokio::join!(one.patch(&path, body.clone()), other.patch(&path, body));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409], "{} {}", a.text(), b.text());
    let active = one.get("/api/v1/operations?active=true").await.expect(200);
    assert_eq!(active["items"].as_array().map(Vec::len), Some(1));
}
