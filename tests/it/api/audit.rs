//! The trail over HTTP: files with the list's filters, of the own tenant only, and refusals by the door
//! itself that leave a row.

use http::Method;
use tests::app::{TestApp, Who};

#[tokio::test]
async fn a_tenants_admin_exports_the_own_part_and_no_more() {
    let app = TestApp::new().await;
    let admin = app.client(Who::Admin).await;
    let own = app.world.tenant.to_string();
    let reply = admin.get("/api/v1/audit/export?format=jsonl").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    assert_eq!(
        reply.header("content-disposition"),
        "attachment; filename=\"audit.jsonl\""
    );
    let text = reply.text();
    assert!(text.lines().count() >= 3, "{text}");
    for line in text.lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a row");
        assert_eq!(row["chain"], own.as_str());
    }
    let list = admin
        .get("/api/v1/audit?action=invitation&limit=1")
        .await
        .expect(200);
    assert_eq!(list["items"][0]["chain"], own.as_str());
    assert!(
        list["items"][0]["action"]
            .as_str()
            .expect("an action")
            .starts_with("invitation.")
    );
    assert!(list["next_cursor"].is_string());
    let csv = admin
        .get("/api/v1/audit/export?format=csv&action=tenant.create")
        .await;
    assert_eq!(csv.text().matches("\r\n").count(), 2, "{}", csv.text());
    let others = app.client(Who::Stranger).await;
    let path = format!("/api/v1/audit/export?format=csv&tenant={own}");
    assert_eq!(others.get(&path).await.status, 404);
    for bad in [
        "format=xml",
        "format=csv&from=yesterday",
        "",
        "format=csv&until=x",
    ] {
        let reply = admin.get(&format!("/api/v1/audit/export?{bad}")).await;
        assert_eq!(reply.status, 422, "{bad}");
    }
}

#[tokio::test]
async fn the_page_keeps_its_filters_in_the_address_and_hands_them_to_the_export() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let page = owner
        .get("/audit?action=invitation&from=2020-01-01&to=2099-12-31&q=%3Cb%3E")
        .await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("No row matches"), "{text}");
    assert!(text.contains("value=\"invitation\"") && !text.contains("<b>"));
    assert!(
        text.contains(
            "/api/v1/audit/export?format=csv&amp;action=invitation&amp;from=2020-01-01T00"
        ),
        "{text}"
    );
    assert!(
        text.contains("to=2100-01-01T00"),
        "the last day is part of it"
    );
    assert_eq!(owner.get("/audit?from=yesterday").await.status, 422);
    let shown = owner.get("/audit?action=invitation.create").await.text();
    assert!(
        shown.contains("Before and after") && shown.contains("tenant_admin"),
        "{shown}"
    );
    let member = app.client(Who::Member).await;
    assert_eq!(member.get("/audit").await.status, 403);
    let admin = app.client(Who::Admin).await;
    assert_eq!(admin.get("/audit").await.status, 200);
    assert_eq!(
        admin
            .get(&format!("/audit?tenant={}", app.other))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_request_from_another_site_with_somebodys_session_is_recorded() {
    let app = TestApp::new().await;
    let admin = app.client(Who::Admin).await;
    let path = format!("/tenants/{}/rename", app.world.tenant);
    let mut request = admin
        .request(Method::POST, &path)
        .body(axum::body::Body::empty())
        .expect("a request");
    let elsewhere = http::HeaderValue::from_static("cross-site");
    request.headers_mut().insert("sec-fetch-site", elsewhere);
    assert_eq!(admin.send(request).await.status, 403);
    let list = admin
        .get("/api/v1/audit?action=request.cross_site")
        .await
        .expect(200);
    let row = &list["items"][0];
    assert_eq!(row["actor_id"], app.user(Who::Admin).to_string());
    let summary = row["summary"].as_str().expect("a summary");
    assert!(summary.contains("POST /tenants/{id}/rename"), "{summary}");
}
