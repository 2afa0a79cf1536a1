//! `Idempotency-Key`: done once, answered as often as asked, also after a restart; never with a secret,
//! never across people, never with another body.

use axum::body::Body;
use http::Method;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::time::Duration;
use tests::app::{TestApp, Who};
use tests::client::{Client, Reply};

const TENANTS: &str = "/api/v1/tenants";

async fn post(client: &Client, path: &str, key: &str, body: &Value) -> Reply {
    let request = client
        .request(Method::POST, path)
        .header(CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Body::from(body.to_string()))
        .expect("a request");
    client.send(request).await
}

#[tokio::test]
async fn a_hundred_at_once_create_one() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let body = json!({"name": "Once"});
    let asked = (0..100).map(|_| post(&owner, TENANTS, "the-same", &body));
    let replies = futures::future::join_all(asked).await;
    let created: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert!(!created.is_empty());
    for reply in &replies {
        match reply.status.as_u16() {
            201 => assert_eq!(reply.value()["id"], created[0].value()["id"]),
            409 => assert_eq!(reply.problem(), "idempotency_running"),
            other => panic!("{other}: {}", reply.text()),
        }
    }
    let fresh = created
        .iter()
        .filter(|reply| reply.header("idempotency-replayed").is_empty());
    assert_eq!(fresh.count(), 1);
    let list = owner.get("/api/v1/tenants?q=Once").await.expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_same_answer_for_a_day_and_after_a_restart() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let body = json!({"name": "Acme Labs"});
    let first = post(&owner, TENANTS, "k1", &body).await;
    assert_eq!(first.status, 201);
    let again = post(&owner, TENANTS, "k1", &body).await;
    assert_eq!((again.status, again.value()), (first.status, first.value()));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
    // Another router over the same database is what a restarted server is.
    let restarted = Client::new(
        hosted_instances::http::router(&app.state),
        owner.proof().clone(),
    );
    assert_eq!(
        post(&restarted, TENANTS, "k1", &body).await.value(),
        first.value()
    );
    app.world.db.clock.advance(Duration::from_hours(25));
    let fresh = app.client(Who::Owner).await;
    let later = post(&fresh, TENANTS, "k1", &body).await;
    assert_eq!(
        (later.status.as_u16(), later.problem().as_str()),
        (409, "name_taken")
    );
}

#[tokio::test]
async fn a_refusal_is_remembered_as_well() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let bad = json!({"name": ""});
    let first = post(&owner, TENANTS, "k", &bad).await;
    let again = post(&owner, TENANTS, "k", &bad).await;
    assert_eq!((first.status, again.status.as_u16()), (again.status, 422));
    assert_eq!(again.header("content-type"), "application/problem+json");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(
        again.value()["request_id"].as_str(),
        Some(again.header("x-request-id"))
    );
    assert_eq!(first.value()["errors"], again.value()["errors"]);
}

#[tokio::test]
async fn another_body_or_address_is_another_request() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    assert_eq!(
        post(&owner, TENANTS, "k", &json!({"name": "One"}))
            .await
            .status,
        201
    );
    let other = post(&owner, TENANTS, "k", &json!({"name": "Two"})).await;
    assert_eq!(
        (other.status.as_u16(), other.problem().as_str()),
        (422, "idempotency_key_reused")
    );
    let invite = json!({"email": "a@example.org", "role": "tenant_member"});
    let acme = format!("/api/v1/tenants/{}/invitations", app.world.tenant);
    let elsewhere = format!("/api/v1/tenants/{}/invitations", app.other);
    assert_eq!(post(&owner, &acme, "i", &invite).await.status, 201);
    assert_eq!(post(&owner, &elsewhere, "i", &invite).await.status, 422);
}

#[tokio::test]
async fn keys_of_different_people_are_different_keys() {
    let app = TestApp::new().await;
    let (owner, operator) = (
        app.client(Who::Owner).await,
        app.client(Who::Operator).await,
    );
    assert_eq!(
        post(&owner, TENANTS, "k", &json!({"name": "One"}))
            .await
            .status,
        201
    );
    assert_eq!(
        post(&operator, TENANTS, "k", &json!({"name": "Two"}))
            .await
            .status,
        201
    );
    let token = app.bearer(Who::Owner, &["tenants:write"]).await;
    assert_eq!(
        post(&token, TENANTS, "k", &json!({"name": "Three"}))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_secret_is_not_repeated_and_that_is_said() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let body = json!({"name": "CI", "scopes": ["instances:read"]});
    let first = post(&owner, "/api/v1/access-tokens", "t", &body)
        .await
        .expect(201);
    let text = first["token"].as_str().expect("a text").to_owned();
    assert!(text.starts_with("hiat_") && first.get("token_omitted").is_none());
    let again = post(&owner, "/api/v1/access-tokens", "t", &body).await;
    assert!(!again.text().contains(&text));
    let again = again.expect(201);
    assert_eq!(again["token"], Value::Null);
    assert!(
        again["token_omitted"]
            .as_str()
            .is_some_and(|said| said.contains("once"))
    );
    assert_eq!(again["access_token"]["id"], first["access_token"]["id"]);
    let invite = json!({"email": "a@example.org", "role": "tenant_member"});
    let path = format!("/api/v1/tenants/{}/invitations", app.world.tenant);
    let sent = post(&owner, &path, "l", &invite).await.expect(201);
    let link = sent["link"].as_str().expect("a link").to_owned();
    let resent = post(&owner, &path, "l", &invite).await;
    assert!(!resent.text().contains(&link));
    assert!(resent.expect(201)["link_omitted"].is_string());
}

#[tokio::test]
async fn what_a_repeat_may_do_better_is_not_remembered() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();
    let body = json!({"name": "Late"});
    assert_eq!(post(&nobody, TENANTS, "k", &body).await.status, 401);
    let owner = app.client(Who::Owner).await;
    assert_eq!(post(&owner, TENANTS, "k", &body).await.status, 201);
}

#[tokio::test]
async fn keys_that_are_none() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    for key in ["", "two words", "é", &"k".repeat(256)] {
        let reply = post(&owner, TENANTS, key, &json!({"name": "X"})).await;
        assert_eq!(
            (reply.status.as_u16(), reply.problem().as_str()),
            (400, "invalid_idempotency_key")
        );
    }
    let list = owner.get("/api/v1/tenants?q=X").await.expect(200);
    assert_eq!(list["items"], json!([]));
}
