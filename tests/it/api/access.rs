//! Every operation of the API against everybody: not signed in, another tenant, too small a role, too
//! small a scope, and those who may. An operation that is missing from the table fails the test.

use std::collections::BTreeMap;

use axum::body::Body;
use http::Method;
use http::header::CONTENT_TYPE;
use model::InstanceId;
use model::token::EndReason;
use model::user::Role;
use service::token::{IssueToken, RevokeToken};
use service::{CreateAccessToken, InvitePerson};
use tests::app::{TestApp, Who};
use tests::client::Client;
use tests::services::origin;

use super::table::{OPERATIONS, Operation};

/// Fills in the things that exist.
pub struct Things {
    names: BTreeMap<&'static str, String>,
}

impl Things {
    /// A running instance of the tenant, its finished operation, and an access token of nobody here.
    pub async fn of(app: &TestApp) -> Self {
        let instance = app.world.running("Staging").await;
        let filter = service::OperationFilter {
            instance: Some(instance.id.clone()),
            ..Default::default()
        };
        let list = app
            .world
            .services
            .operation
            .list(&app.world.actor, filter)
            .await
            .expect("a list");
        let command = CreateAccessToken {
            name: "Of the command line".to_owned(),
            scopes: vec!["all:read".to_owned()],
            days: None,
        };
        let tokens = &app.world.services.access_token;
        let token = tokens
            .create(&app.world.actor, command, &origin())
            .await
            .expect("a token");
        let instance_token = ended_token(app, &instance.id).await;
        let names = BTreeMap::from([
            ("tenant", app.world.tenant.to_string()),
            ("instance", instance.id.to_string()),
            ("operation", list.items[0].id.to_string()),
            ("release", instance.release.to_string()),
            ("token", token.view.id.to_string()),
            ("instance_token", instance_token),
            ("member", app.user(Who::Member).to_string()),
            ("invitation", String::new()),
        ]);
        Self { names }
    }

    /// The path with every name filled in.
    pub fn fill(&self, path: &str) -> String {
        self.names
            .iter()
            .fold(path.to_owned(), |path, (name, value)| {
                path.replace(&format!("{{{name}}}"), value)
            })
    }

    /// Another open invitation, since withdrawing one uses it up.
    async fn invite(&mut self, app: &TestApp) {
        let command = InvitePerson {
            email: "new@acme.example".to_owned(),
            role: Role::TenantMember,
            tenant: Some(app.world.tenant),
        };
        let sent = app
            .world
            .services
            .user
            .invite(&app.world.actor, command, &origin())
            .await;
        self.names
            .insert("invitation", sent.expect("invited").id.to_string());
    }
}

/// A token of the instance that is being revoked already, so that revoking it changes nothing.
async fn ended_token(app: &TestApp, instance: &InstanceId) -> String {
    let (service, actor) = (&app.world.services.token, &app.world.actor);
    let command = IssueToken {
        name: "Of the table".to_owned(),
        note: String::new(),
        owner: None,
        days: None,
    };
    let issued = service
        .issue(actor, instance, command, &origin())
        .await
        .expect("a token");
    let command = RevokeToken {
        reason: EndReason::Revoked,
        note: String::new(),
    };
    let revoked = service
        .revoke(actor, issued.view.id, command, &origin())
        .await
        .expect("revoked");
    revoked.id.to_string()
}

async fn ask(client: &Client, operation: &Operation, path: &str) -> u16 {
    let mut request = client.request(operation.method.clone(), path);
    if !operation.body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    // The stream of events never ends; its status is enough.
    let request = request.body(Body::from(operation.body)).expect("a request");
    client.open(request).await.status().as_u16()
}

#[tokio::test]
async fn everybody_gets_what_the_table_says() {
    let app = TestApp::new().await;
    let mut things = Things::of(&app).await;
    let mut clients = vec![("anonymous", app.anonymous())];
    let people = [
        Who::Stranger,
        Who::Member,
        Who::Admin,
        Who::Viewer,
        Who::Operator,
        Who::Owner,
    ];
    for who in people {
        clients.push((who.email(), app.client(who).await));
    }
    let before = app.world.services.event.head().await.expect("a head");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for operation in OPERATIONS {
        for ((who, client), expected) in clients.iter().zip(operation.expected) {
            if operation.path.contains("{invitation}") {
                things.invite(&app).await;
            }
            let got = ask(client, operation, &things.fill(operation.path)).await;
            cases += 1;
            if got != expected {
                wrong.push(format!("{} as {who}: {got}, not {expected}", operation.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases, OPERATIONS.len() * 7);
    let after = app.world.services.event.head().await.expect("a head");
    assert_eq!(
        before, after,
        "something changed although nothing was put rightly"
    );
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let app = TestApp::new().await;
    let mut things = Things::of(&app).await;
    // A scope that this operation has no use for.
    let narrow = app.bearer(Who::Owner, &["audit:read"]).await;
    let other = app.bearer(Who::Owner, &["releases:read"]).await;
    let reading = app.bearer(Who::Owner, &["all:read"]).await;
    let mut wrong = Vec::new();
    for operation in OPERATIONS
        .iter()
        .filter(|operation| !operation.scopes.is_empty())
    {
        let scopes: Vec<&str> = operation.scopes.split(',').collect();
        let enough = app.bearer(Who::Owner, &scopes).await;
        let useless = if operation.scopes == "audit:read" {
            &other
        } else {
            &narrow
        };
        let expected = operation.expected[6];
        if operation.path.contains("{invitation}") {
            things.invite(&app).await;
        }
        let path = things.fill(operation.path);
        for (what, client, expected) in [
            ("other scopes", useless, 403),
            ("enough", &enough, expected),
        ] {
            let got = ask(client, operation, &path).await;
            if got != expected {
                wrong.push(format!(
                    "{} with {what}: {got}, not {expected}",
                    operation.id
                ));
            }
        }
        let writes = operation.scopes.ends_with(":write");
        let got = ask(&reading, operation, &path).await;
        if writes && got != 403 {
            wrong.push(format!("{} with reading scopes only: {got}", operation.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_token_of_a_tenant_reaches_nobody_elses() {
    let app = TestApp::new().await;
    let mut things = Things::of(&app).await;
    let stranger = app.bearer(Who::Stranger, &["all:write"]).await;
    let mut wrong = Vec::new();
    for operation in OPERATIONS {
        if operation.path.contains("{invitation}") {
            things.invite(&app).await;
        }
        let (got, expected) = (
            ask(&stranger, operation, &things.fill(operation.path)).await,
            operation.expected[1],
        );
        if got != expected {
            wrong.push(format!("{}: {got}, not {expected}", operation.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_operation_is_missing_from_the_table() {
    let document = serde_json::to_value(hosted_instances::http::openapi()).expect("JSON");
    let mut described = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            described.insert(id, (method.to_uppercase(), path.clone()));
        }
    }
    for operation in OPERATIONS {
        let known = described.remove(operation.id);
        let (method, path) = known.unwrap_or_else(|| panic!("{} is not described", operation.id));
        assert_eq!(
            Method::from_bytes(method.as_bytes()).expect("a method"),
            operation.method
        );
        let shape = |path: &str| {
            path.split('?')
                .next()
                .unwrap_or_default()
                .split('/')
                .count()
        };
        assert_eq!(shape(&path), shape(operation.path), "{}", operation.id);
    }
    assert!(
        described.is_empty(),
        "not in the table: {:?}",
        described.keys()
    );
}

#[tokio::test]
async fn what_is_foreign_and_what_is_missing_read_the_same() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let stranger = app.client(Who::Stranger).await;
    let pairs = [
        (
            things.fill("/api/v1/tenants/{tenant}"),
            "/api/v1/tenants/01900000-0000-7000-8000-000000000000",
        ),
        (
            things.fill("/api/v1/instances/{instance}"),
            "/api/v1/instances/zzzzzzzzzzzz",
        ),
        (
            things.fill("/api/v1/operations/{operation}"),
            "/api/v1/operations/01900000-0000-7000-8000-000000000000",
        ),
    ];
    for (foreign, missing) in pairs {
        let strip = |mut value: serde_json::Value| {
            value
                .as_object_mut()
                .expect("a problem")
                .remove("request_id");
            value
        };
        let foreign = strip(stranger.get(&foreign).await.expect(404));
        let missing = strip(stranger.get(missing).await.expect(404));
        assert_eq!(foreign, missing);
    }
}
