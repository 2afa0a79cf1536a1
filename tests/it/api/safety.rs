//! What holds for every answer: headers, request ids, who counts as the caller, cookies, methods, and
//! what an orchestrator asks.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use http::Method;
use http::header::{AUTHORIZATION, COOKIE};
use tests::app::{TestApp, Who};
use tests::client::{Client, Proof};
use tests::process::until;
use tests::services::{PASSWORD, settings};

#[tokio::test]
async fn every_answer_carries_its_headers() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();
    let mut nonces = BTreeSet::new();
    for path in [
        "/sign-in",
        "/api/v1/me",
        "/api/docs",
        "/nothing",
        "/pkg/nothing.js",
        "/healthz",
    ] {
        let reply = nobody.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
        assert_eq!(reply.header("cross-origin-opener-policy"), "same-origin");
        assert!(
            reply.header("strict-transport-security").is_empty(),
            "not on http"
        );
        assert_eq!(reply.header("x-request-id").len(), 16);
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next());
        assert!(
            nonces.insert(nonce.expect("a nonce").to_owned()),
            "a nonce was used twice"
        );
    }
    let https = TestApp::with(settings(), |http| {
        http.public_url = "https://console.example".to_owned();
    })
    .await;
    let reply = https.anonymous().get("/sign-in").await;
    assert_eq!(
        reply.header("strict-transport-security"),
        "max-age=31536000"
    );
}

#[tokio::test]
async fn the_reference_reads_without_scripts() {
    let app = TestApp::new().await;
    let page = app.anonymous().get("/api/docs").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains(" style="));
    for known in [
        "POST /api/v1/tenants/{id}/instances",
        "Idempotency-Key",
        "id=\"shape-Instance\"",
    ] {
        assert!(text.contains(known), "{known}");
    }
    let document = app
        .anonymous()
        .get("/api/v1/openapi.json")
        .await
        .expect(200);
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_wrong_token_is_refused_even_beside_a_session() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let Proof::Session(session) = owner.proof().clone() else {
        panic!("a session")
    };
    let token = app.bearer(Who::Owner, &["tenants:read"]).await;
    let Proof::Token(text) = token.proof().clone() else {
        panic!("a token")
    };
    let mut mistyped = text.clone();
    let last = mistyped.pop();
    mistyped.push(if last == Some('a') { 'b' } else { 'a' });
    for wrong in [
        "Bearer nonsense",
        "Bearer",
        "bearer ",
        &format!("Bearer {mistyped}"),
    ] {
        let request = app
            .anonymous()
            .request(Method::GET, "/api/v1/me")
            .header(COOKIE, format!("session={session}"))
            .header(AUTHORIZATION, wrong)
            .body(Body::empty())
            .expect("a request");
        let reply = owner.send(request).await;
        assert_eq!(
            (reply.status.as_u16(), reply.problem().as_str()),
            (401, "unauthenticated"),
            "{wrong}"
        );
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
        assert!(!reply.text().contains(&mistyped), "the text came back");
    }
    let me = token.get("/api/v1/me").await.expect(200);
    assert_eq!(me["kind"], "access_token");
    // A page takes no token, whatever its scopes.
    assert_eq!(token.get("/tenants").await.status, 303);
    let basic = app
        .anonymous()
        .request(Method::GET, "/api/v1/me")
        .header(AUTHORIZATION, "Basic abc");
    assert_eq!(
        app.anonymous()
            .send(basic.body(Body::empty()).expect("a request"))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn signing_in_gives_a_new_session_and_a_careful_cookie() {
    let app = TestApp::new().await;
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    let nobody = Client::new(app.router.clone(), Proof::Session(planted.to_owned()));
    let fields = [("email", Who::Owner.email()), ("password", PASSWORD)];
    let reply = nobody.form("/sign-in", &fields).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let cookie = reply.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("session=") && !cookie.contains(planted),
        "{cookie}"
    );
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure") && !cookie.contains("Domain"),
        "localhost: {cookie}"
    );
    let id = cookie
        .trim_start_matches("session=")
        .split(';')
        .next()
        .unwrap_or_default();
    let signed_in = Client::new(app.router.clone(), Proof::Session(id.to_owned()));
    let me = signed_in.get("/api/v1/me").await.expect(200);
    assert_eq!(me["email"], Who::Owner.email());

    let https = TestApp::with(settings(), |http| {
        http.public_url = "https://console.example".to_owned();
    })
    .await;
    let reply = https.anonymous().form("/sign-in", &fields).await;
    let cookie = reply.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-session=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

#[tokio::test]
async fn methods_that_are_not_there_say_which_are() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let reply = owner.bare(Method::PUT, "/api/v1/tenants").await;
    assert_eq!(
        (reply.status.as_u16(), reply.problem().as_str()),
        (405, "method_not_allowed")
    );
    let allow: BTreeSet<&str> = reply.header("allow").split(',').map(str::trim).collect();
    assert_eq!(allow, ["GET", "HEAD", "POST"].into());
    assert_eq!(
        owner.bare(Method::HEAD, "/api/v1/tenants").await.status,
        200
    );
    let nowhere = owner.get("/no/such/page").await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn readiness_says_what_is_amiss() {
    let app = TestApp::new().await;
    let ready = app.anonymous().get("/readyz").await.expect(200);
    assert_eq!(ready["ready"], true);
    let names: Vec<_> = ready["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["database", "migrations", "draining"]);
    let owner = app.client(Who::Owner).await;
    app.world.db.db.close().await;
    let reply = app.anonymous().get("/readyz").await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.value()["checks"][0]["ok"], false);
    assert_eq!(app.anonymous().get("/healthz").await.status, 200);
    let page = owner.get("/tenants").await;
    assert_eq!(page.status, 503);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.header("retry-after").is_empty());
    let away = app.bearer_of_nobody().get("/api/v1/me").await;
    assert_eq!(
        (away.status.as_u16(), away.problem().as_str()),
        (503, "unavailable")
    );
    assert!(!away.header("retry-after").is_empty());
}

#[tokio::test]
async fn counters_know_routes_and_no_secrets() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    app.world.running("Staging").await;
    let _ = owner.get("/api/v1/tenants").await.expect(200);
    owner.get("/invitations/very-secret-token").await;
    let wrong = [
        ("email", "owner@example.org"),
        ("password", "wrong password"),
    ];
    app.anonymous().form("/sign-in", &wrong).await;
    let metrics = hosted_instances::http::metrics_router(&app.state);
    let text = Client::new(metrics, Proof::None)
        .get("/metrics")
        .await
        .text();
    for line in [
        "http_requests_total{method=\"GET\",route=\"/api/v1/tenants\",status=\"200\"} 1",
        "http_requests_total{method=\"GET\",route=\"/invitations/{token}\",status=\"404\"} 1",
        "sign_ins_total{outcome=\"refused\"} 1",
        "operations{state=\"running\"} 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(text.contains("instances{health=") && !text.contains("very-secret"));
    assert_eq!(
        app.anonymous().get("/metrics").await.status,
        404,
        "not on the public listener"
    );
}

#[tokio::test]
async fn what_has_ended_opens_nothing() {
    let app = TestApp::new().await;
    let short = app.bearer(Who::Viewer, &["all:read"]).await;
    let revoked = app
        .bearer(Who::Viewer, &["all:read", "access-tokens:write"])
        .await;
    let session = app.client(Who::Viewer).await;
    for client in [&short, &revoked, &session] {
        let _ = client.get("/api/v1/me").await.expect(200);
    }
    let tokens = revoked.get("/api/v1/access-tokens").await.expect(200);
    for token in tokens["items"].as_array().expect("items") {
        if token["scopes"]
            .as_array()
            .is_some_and(|scopes| scopes.contains(&"access-tokens:write".into()))
        {
            let path = format!(
                "/api/v1/access-tokens/{}",
                token["id"].as_str().expect("an id")
            );
            assert_eq!(revoked.bare(Method::DELETE, &path).await.status, 204);
        }
    }
    assert_eq!(revoked.get("/api/v1/me").await.status, 401);
    assert_eq!(session.form("/sign-out", &[]).await.status, 303);
    assert_eq!(session.get("/api/v1/me").await.status, 401);
    assert_eq!(session.get("/tenants").await.status, 303);
    let _ = short.get("/api/v1/me").await.expect(200);
    app.world.db.clock.advance(Duration::from_hours(24 * 91));
    assert_eq!(short.get("/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn the_address_is_that_which_our_own_proxy_saw() {
    let app = TestApp::with(settings(), |http| http.trusted_proxies = 1).await;
    let body = "email=owner%40example.org&password=wrong+password";
    let request = app
        .anonymous()
        .request(Method::POST, "/sign-in")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-forwarded-for", "6.6.6.6, 203.0.113.9")
        .body(Body::from(body))
        .expect("a request");
    app.anonymous().send(request).await;
    let owner = app.client(Who::Owner).await;
    // A refusal is recorded beside the answer, so that it takes as long as any other.
    until("the refusal stands in the trail", || async {
        let trail = owner.get("/api/v1/audit").await.expect(200);
        assert!(!trail.to_string().contains("6.6.6.6"));
        let rows = trail["items"].as_array().expect("rows");
        rows.iter().any(|row| row["address"] == "203.0.113.9")
    })
    .await;
}
