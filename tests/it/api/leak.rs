//! Reports of leaked tokens: open to everybody, the same answer for every text, and from GitHub only
//! with its signature over exactly what was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ::http::Method;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hosted_instances::http;
use hosted_instances::wiring::github::GithubKeys;
use model::token::TokenState;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::json;
use service::token::TokenFilter;
use tests::app::{TestApp, Who};
use tests::client::{Client, Proof, Reply};

const LEAKS: &str = "/api/v1/leaks";
const GITHUB: &str = "/api/v1/leaks/github";

async fn text_of_a_live_token(app: &TestApp) -> String {
    let instance = app.world.running("Staging").await.id;
    let admin = app.client(Who::Admin).await;
    let path = format!("/api/v1/instances/{instance}/tokens");
    let made = admin
        .post(&path, json!({"name": "Payments"}))
        .await
        .expect(201);
    made["text"].as_str().expect("the text").to_owned()
}

async fn state_of_the_token(app: &TestApp) -> TokenState {
    let tokens = &app.world.services.token;
    let page = tokens
        .list(&app.world.actor, TokenFilter::default())
        .await
        .expect("a list");
    page.items[0].state
}

#[tokio::test]
async fn every_report_is_answered_alike_and_a_live_token_ends() {
    let app = TestApp::new().await;
    let text = text_of_a_live_token(&app).await;
    let mut mistyped = text.clone();
    mistyped.pop();
    let anybody = app.anonymous();
    let mut bodies = Vec::new();
    for found in [
        "nothing",
        &mistyped,
        &format!("key = \"{text}\" # old"),
        &text,
    ] {
        let reply = anybody
            .post(LEAKS, json!({"text": found, "place": "a chat"}))
            .await;
        bodies.push(reply.expect(202));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(state_of_the_token(&app).await, TokenState::Revoking);
}

/// A server that publishes one key as GitHub does, and counts how often it is asked.
async fn publish(key: &SigningKey) -> (String, Arc<AtomicU32>) {
    let pem = key
        .verifying_key()
        .to_public_key_pem(LineEnding::LF)
        .expect("a key has a text");
    let list = json!({"public_keys": [{"key_identifier": "k1", "key": pem, "is_current": true}]});
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let answer = move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(axum::Json(list.clone()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/keys", get(answer))).await },
    );
    (format!("http://{address}/keys"), asked)
}

async fn send(client: &Client, identifier: &str, signature: &str, body: &str) -> Reply {
    let request = client
        .request(Method::POST, GITHUB)
        .header("content-type", "application/json")
        .header("github-public-key-identifier", identifier)
        .header("github-public-key-signature", signature)
        .body(Body::from(body.to_owned()))
        .expect("a request");
    client.send(request).await
}

#[tokio::test]
async fn github_is_believed_by_its_signature_alone() {
    let app = TestApp::new().await;
    let text = text_of_a_live_token(&app).await;
    let key = SigningKey::from_slice(&[7; 32]).expect("a key");
    let (url, asked) = publish(&key).await;
    let mut state = app.state.clone();
    state.github_keys = Arc::new(GithubKeys::new(&url));
    let client = Client::new(http::router(&state), Proof::None);
    let body =
        json!([{"token": text, "type": "prism_instance_token", "url": "https://example.org/x"}])
            .to_string();
    let sign = |key: &SigningKey, body: &str| {
        let signature: Signature = key.sign(body.as_bytes());
        STANDARD.encode(signature.to_der())
    };
    let good = sign(&key, &body);
    let other = SigningKey::from_slice(&[8; 32]).expect("a key");
    for (identifier, signature, sent) in [
        ("k1", "not base64", body.as_str()),
        ("k1", "", body.as_str()),
        ("k1", &sign(&other, &body), body.as_str()),
        ("k2", &good, body.as_str()),
        ("k1", &good, "[]"),
    ] {
        let reply = send(&client, identifier, signature, sent).await;
        assert_eq!(reply.status, 403, "{identifier}: {}", reply.text());
    }
    assert_eq!(state_of_the_token(&app).await, TokenState::Issuing);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "made-up keys asked again and again"
    );
    assert_eq!(send(&client, "k1", &good, &body).await.status, 202);
    assert_eq!(state_of_the_token(&app).await, TokenState::Revoking);
}

#[tokio::test]
async fn without_the_list_of_keys_nothing_is_believed() {
    let app = TestApp::new().await;
    let key = SigningKey::from_slice(&[7; 32]).expect("a key");
    let signature: Signature = key.sign(b"[]");
    let reply = send(
        &app.anonymous(),
        "k1",
        &STANDARD.encode(signature.to_der()),
        "[]",
    )
    .await;
    assert_eq!(reply.status, 503, "{}", reply.text());
}
