//! The description tells the truth: what is answered fits the shapes that it names, and every refusal
//! is a problem with one of the statuses that it lists.

use http::Method;
use serde_json::{Value, json};
use tests::app::{TestApp, Who};

use super::access::Things;
use super::table::OPERATIONS;

struct Document(Value);

impl Document {
    fn new() -> Self {
        Self(serde_json::to_value(hosted_instances::http::openapi()).expect("JSON"))
    }

    fn operation(&self, id: &str) -> &Value {
        let paths = self.0["paths"].as_object().expect("paths");
        let mut all = paths
            .values()
            .flat_map(|item| item.as_object().into_iter().flat_map(|it| it.values()));
        all.find(|it| it["operationId"] == id)
            .unwrap_or_else(|| panic!("{id} is not described"))
    }

    /// What does not fit the shape of the answer; nothing when all does.
    fn misfits(&self, answer: &Value, schema: &Value) -> Vec<String> {
        let mut whole = schema.clone();
        whole["components"] = self.0["components"].clone();
        let validator = jsonschema::validator_for(&whole).expect("the schema is one");
        let errors = validator.iter_errors(answer);
        errors
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect()
    }
}

#[tokio::test]
async fn answers_fit_the_shapes_that_are_described() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let owner = app.client(Who::Owner).await;
    let document = Document::new();
    let mut looked_at = 0;
    for it in OPERATIONS.iter().filter(|it| it.method == Method::GET) {
        let schema =
            &document.operation(it.id)["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        let answer = owner.get(&things.fill(it.path)).await.expect(200);
        let misfits = document.misfits(&answer, schema);
        assert!(misfits.is_empty(), "{}: {}", it.id, misfits.join("\n"));
        looked_at += 1;
    }
    assert!(looked_at >= 20, "only {looked_at} answers were looked at");
}

#[tokio::test]
async fn bodies_that_are_taken_fit_the_shapes_that_are_described() {
    let app = TestApp::new().await;
    let owner = app.client(Who::Owner).await;
    let document = Document::new();
    let instances = format!("/api/v1/tenants/{}/instances", app.world.tenant);
    let invitations = format!("/api/v1/tenants/{}/invitations", app.world.tenant);
    let cases = [
        (
            "create_tenant",
            "/api/v1/tenants",
            json!({"name": "Globex"}),
            201,
        ),
        (
            "create_instance",
            instances.as_str(),
            json!({"purpose": "development", "region": "eu-west-1"}),
            202,
        ),
        (
            "create_invitation",
            &invitations,
            json!({"email": "a@example.org", "role": "tenant_member"}),
            201,
        ),
        (
            "create_access_token",
            "/api/v1/access-tokens",
            json!({"name": "CI", "scopes": ["all:read"], "days": 7}),
            201,
        ),
    ];
    for (id, path, body, status) in cases {
        let described = document.operation(id);
        let taken = &described["requestBody"]["content"]["application/json"]["schema"];
        let misfits = document.misfits(&body, taken);
        assert!(misfits.is_empty(), "{id}: {}", misfits.join("\n"));
        let mut unknown = body.clone();
        unknown["surprise"] = json!(1);
        assert!(
            !document.misfits(&unknown, taken).is_empty(),
            "{id} describes unknown fields"
        );
        let answer = owner.post(path, body).await.expect(status);
        let given = &described["responses"][status.to_string()]["content"]["application/json"];
        let misfits = document.misfits(&answer, &given["schema"]);
        assert!(misfits.is_empty(), "{id}: {}", misfits.join("\n"));
    }
}

#[tokio::test]
async fn refusals_are_problems_that_are_listed() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let document = Document::new();
    let clients = [
        app.anonymous(),
        app.client(Who::Stranger).await,
        app.client(Who::Member).await,
        app.client(Who::Owner).await,
    ];
    let listed = OPERATIONS
        .iter()
        .filter(|it| it.id != "listen_to_events" && !it.path.contains("{invitation}"));
    let mut looked_at = 0;
    for it in listed {
        let described = document.operation(it.id);
        for client in &clients {
            let body = serde_json::from_str(it.body).unwrap_or(Value::Null);
            let path = things.fill(it.path);
            let reply = match it.method {
                Method::GET => client.get(&path).await,
                Method::DELETE => client.bare(Method::DELETE, &path).await,
                _ => client.json(it.method.clone(), &path, &body).await,
            };
            let response = &described["responses"][reply.status.as_str()];
            assert!(
                !response.is_null(),
                "{} does not list {}",
                it.id,
                reply.status
            );
            if reply.status.as_u16() < 400 {
                continue;
            }
            let schema = &response["content"]["application/problem+json"]["schema"];
            let misfits = document.misfits(&reply.value(), schema);
            assert!(misfits.is_empty(), "{}: {}", it.id, misfits.join("\n"));
            looked_at += 1;
        }
    }
    assert!(looked_at > 80, "only {looked_at} refusals were looked at");
}
