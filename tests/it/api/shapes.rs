//! The shapes of a few answers, word for word; what differs from run to run is left out.

use insta::{Settings, assert_json_snapshot};
use serde_json::json;
use tests::app::{TestApp, Who};

/// Hides ids and texts that are drawn.
fn redacted() -> Settings {
    let mut settings = Settings::clone_current();
    for id in [
        ".id",
        ".**.id",
        ".**.tenant_id",
        ".**.instance_id",
        ".tenant_id",
        ".user_id",
        ".request_id",
    ] {
        settings.add_redaction(id, "[id]");
    }
    for text in [
        ".token", ".**.hint", ".**.host", ".**.url", ".link", ".host", ".url",
    ] {
        settings.add_redaction(text, "[drawn]");
    }
    settings
}

#[tokio::test]
async fn answers_have_their_shapes() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let me = owner.get("/api/v1/me").await.expect(200);
    let tenant = owner
        .post("/api/v1/tenants", json!({"name": "Globex"}))
        .await
        .expect(201);
    let refused = owner
        .post("/api/v1/tenants", json!({"name": ""}))
        .await
        .expect(422);
    let path = format!("/api/v1/tenants/{}/instances", app.world.tenant);
    let body = json!({"name": "Staging", "purpose": "development", "region": "eu-west-1", "release": "2.1.0"});
    let made = owner.post(&path, body).await.expect(202);
    redacted().bind(|| {
        assert_json_snapshot!("me", me);
        assert_json_snapshot!("tenant", tenant);
        assert_json_snapshot!("problem", refused);
        assert_json_snapshot!("created_instance", made);
    });
}
