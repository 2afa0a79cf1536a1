//! Tokens over REST: the text is in one answer and never in a second one, revoking answers 202 with how
//! it stands, and the policy and its refusals name the field.

use axum::body::Body;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tests::app::{TestApp, Who};
use tests::client::{Client, Reply};

async fn issued(client: &Client, instance: &str, name: &str) -> Value {
    let path = format!("/api/v1/instances/{instance}/tokens");
    let reply = client.post(&path, json!({"name": name})).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    reply.expect(201)
}

async fn with_key(client: &Client, path: &str, key: &str) -> Reply {
    let request = client
        .request(Method::POST, path)
        .header(CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Body::from(json!({"name": "Once"}).to_string()))
        .expect("a request");
    client.send(request).await
}

#[tokio::test]
async fn the_text_is_in_one_answer() {
    let app = TestApp::new().await;
    let instance = app.world.running("Staging").await.id.to_string();
    let admin = app.client(Who::Admin).await;
    let path = format!("/api/v1/instances/{instance}/tokens");
    let first = with_key(&admin, &path, "k1").await;
    let made = first.expect(201);
    let text = made["text"].as_str().expect("the text").to_owned();
    assert!(text.starts_with(&format!("prism_{instance}_")), "{text}");
    let again = with_key(&admin, &path, "k1").await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    let replayed = again.expect(201);
    assert_eq!(replayed["text"], Value::Null);
    assert!(replayed["token_omitted"].is_string());
    assert_eq!(replayed["token"]["id"], made["token"]["id"]);
    let id = made["token"]["id"].as_str().expect("an id");
    for address in [
        "/api/v1/tokens".to_owned(),
        path,
        format!("/api/v1/tokens/{id}"),
    ] {
        let reply = admin.get(&address).await;
        assert_eq!(reply.status, 200, "{address}");
        assert!(!reply.text().contains(&text), "{address} repeats the text");
    }
}

#[tokio::test]
async fn revoking_answers_with_how_it_stands() {
    let app = TestApp::new().await;
    let instance = app.world.running("Staging").await.id.to_string();
    let admin = app.client(Who::Admin).await;
    let made = issued(&admin, &instance, "Payments").await;
    let address = format!(
        "/api/v1/tokens/{}",
        made["token"]["id"].as_str().expect("an id")
    );
    let bad = admin
        .bare(Method::DELETE, &format!("{address}?wait=2h"))
        .await;
    assert_eq!(bad.expect(422)["errors"][0]["field"], "wait");
    let reply = admin.bare(Method::DELETE, &address).await;
    assert_eq!(reply.header("location"), address);
    let revoking = reply.expect(202);
    assert_eq!(revoking["state"], "revoking");
    assert_eq!(revoking["reason"], "revoked");
    assert!(revoking["receipt"].is_null());
    // Nothing proves anything while no keeper runs: waiting ends with the time.
    let waited = admin
        .bare(Method::DELETE, &format!("{address}?wait=1s"))
        .await;
    assert_eq!(waited.expect(202)["state"], "revoking");
    let listed = admin
        .get(&format!(
            "/api/v1/instances/{instance}/tokens?state=revoking"
        ))
        .await;
    assert_eq!(
        listed.expect(200)["items"].as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_rotation_links_both_and_bounds_the_overlap() {
    let app = TestApp::new().await;
    let instance = app.world.running("Staging").await.id.to_string();
    let admin = app.client(Who::Admin).await;
    let old = issued(&admin, &instance, "Payments").await;
    let id = old["token"]["id"].as_str().expect("an id");
    let rotate = format!("/api/v1/tokens/{id}/rotate");
    let long = admin
        .post(&rotate, json!({"overlap_seconds": 2_592_001}))
        .await;
    assert_eq!(long.status, 422, "{}", long.text());
    let new = admin
        .post(&rotate, json!({"overlap_seconds": 3_600}))
        .await
        .expect(201);
    assert_eq!(new["token"]["replaces"], id);
    assert_ne!(new["text"], old["text"]);
    let read = admin.get(&format!("/api/v1/tokens/{id}")).await.expect(200);
    assert_eq!(read["replaced_by"], new["token"]["id"]);
    assert!(read["retires_at"].is_string());
    let retired = admin
        .bare(Method::POST, &format!("/api/v1/tokens/{id}/retire"))
        .await;
    assert_eq!(retired.expect(202)["reason"], "rotated");
}

#[tokio::test]
async fn a_tenants_policy_is_its_own_and_never_laxer() {
    let app = TestApp::new().await;
    let admin = app.client(Who::Admin).await;
    let path = format!("/api/v1/tenants/{}/token-policy", app.world.tenant);
    let before = admin.get(&path).await.expect(200);
    assert_eq!(before["own"], Value::Null);
    assert_eq!(before["effective"], before["staff"]);
    let own = json!({"own": {"default_days": 7, "max_days": 30, "on_leak": "tell"}});
    let set = admin.patch(&path, own).await.expect(200);
    assert_eq!(set["effective"]["max_days"], 30);
    let lax = json!({"own": {"default_days": 7, "max_days": 100_000, "on_leak": "tell"}});
    assert_eq!(admin.patch(&path, lax).await.status, 422);
    let instance = app.world.running("Staging").await.id.to_string();
    let tokens = format!("/api/v1/instances/{instance}/tokens");
    let long = admin
        .post(&tokens, json!({"name": "Long", "days": 31}))
        .await;
    assert_eq!(long.expect(422)["errors"][0]["field"], "days");
    let followed = admin.patch(&path, json!({"own": null})).await.expect(200);
    assert_eq!(followed["own"], Value::Null);
}
