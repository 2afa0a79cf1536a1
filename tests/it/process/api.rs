//! The REST API as a program uses it, with an access token and idempotency keys.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tests::process::{Place, Server, until};

/// What these tests do by REST.
const SCOPES: &str =
    "tenants:write,instances:write,operations:write,tokens:write,audit:read,clusters:read";

/// A caller of the API.
#[derive(Clone)]
pub struct Api {
    client: Client,
    token: String,
}

/// What an instance and its operation are known by.
#[derive(Clone, Debug)]
pub struct Created {
    pub instance: String,
    pub operation: String,
}

impl Api {
    /// With a token made at the command line.
    pub fn new(place: &Place) -> Self {
        Self {
            client: Client::new(),
            token: place.token(SCOPES),
        }
    }

    pub fn request(&self, server: &Server, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, server.at(&format!("/api/v1{path}")))
            .bearer_auth(&self.token)
    }

    /// Reads something that must be there.
    pub async fn get(&self, server: &Server, path: &str) -> Value {
        let response = self
            .request(server, Method::GET, path)
            .send()
            .await
            .expect("an answer");
        let status = response.status();
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Posts once; nothing when the server went away over it.
    pub async fn try_post(
        &self,
        server: &Server,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let request = self
            .request(server, Method::POST, path)
            .header("Idempotency-Key", key);
        let response = request.json(body).send().await.ok()?;
        Some((response.status(), response.json().await.ok()?))
    }

    /// A tenant; its id.
    pub async fn tenant(&self, server: &Server, name: &str) -> String {
        let body = json!({ "name": name });
        let (status, tenant) = self
            .try_post(server, "/tenants", name, &body)
            .await
            .expect("an answer");
        assert_eq!(status, StatusCode::CREATED, "{tenant}");
        id(&tenant)
    }

    /// An instance of a tenant; nothing when the server went away over it.
    pub async fn try_instance(
        &self,
        server: &Server,
        tenant: &str,
        name: &str,
    ) -> Option<(StatusCode, Value)> {
        let body = json!({ "name": name, "purpose": "development", "region": "local" });
        self.try_post(server, &format!("/tenants/{tenant}/instances"), name, &body)
            .await
    }

    /// An instance of a tenant.
    pub async fn instance(&self, server: &Server, tenant: &str, name: &str) -> Created {
        let (status, body) = self
            .try_instance(server, tenant, name)
            .await
            .expect("an answer");
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        Created {
            instance: id(&body["instance"]),
            operation: id(&body["operation"]),
        }
    }

    /// Every item of a list.
    pub async fn list(&self, server: &Server, path: &str) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), format!("{path}?limit=100"));
        loop {
            let page = self.get(server, &next).await;
            all.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{path}?limit=100&cursor={cursor}"),
                None => return all,
            }
        }
    }

    /// Waits until an operation has succeeded.
    pub async fn succeeds(&self, server: &Server, operation: &str) {
        let path = format!("/operations/{operation}");
        until(&format!("operation {operation} succeeds"), || async {
            let found = self.get(server, &path).await;
            let state = found["state"].as_str().unwrap_or_default().to_owned();
            assert!(
                !matches!(state.as_str(), "failed" | "cancelled" | "stuck"),
                "{found:#}"
            );
            state == "succeeded"
        })
        .await;
    }

    /// Deletes an instance at once, without a grace period; its operation.
    pub async fn delete(&self, server: &Server, instance: &str) -> String {
        let body = json!({ "confirm": instance, "grace_seconds": 0 });
        let request = self.request(server, Method::DELETE, &format!("/instances/{instance}"));
        let response = request.json(&body).send().await.expect("an answer");
        let status = response.status();
        let body: Value = response.json().await.expect("JSON");
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        id(if body.get("operation").is_some_and(Value::is_object) {
            &body["operation"]
        } else {
            &body
        })
    }
}

pub fn id(of: &Value) -> String {
    of["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {of}"))
        .to_owned()
}
