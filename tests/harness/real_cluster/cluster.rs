//! One cluster as an administrator sees it, by its own REST API and nothing else, so that a test never
//! sees it through the code that it tests.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::until;

/// One cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    said: Value,
    client: Client,
}

/// Where Applications are.
const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/namespaces/hosted-instances/applications";

impl Cluster {
    /// From its description.
    #[must_use]
    pub fn new(said: &Value) -> Self {
        Self {
            said: said.clone(),
            client: Client::new(),
        }
    }

    /// As it was described.
    #[must_use]
    pub fn said(&self) -> &Value {
        &self.said
    }

    fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_default()
    }

    /// Its name, which is also that of its context.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// Its region.
    #[must_use]
    pub fn region(&self) -> &str {
        self.text("region")
    }

    /// Its API server.
    #[must_use]
    pub fn api(&self) -> &str {
        self.text("api")
    }

    /// The API server as an administrator sees it, by plain HTTP.
    #[must_use]
    pub fn proxy(&self) -> &str {
        self.text("proxy")
    }

    /// The name of one of its parts, for the supervisor.
    #[must_use]
    pub fn part(&self, part: &str) -> String {
        format!("{}/{part}", self.name())
    }

    /// What the product's service account asked for, one line of JSON each.
    ///
    /// # Panics
    /// When there is no such log.
    #[must_use]
    pub fn audit(&self) -> String {
        std::fs::read_to_string(self.text("audit")).expect("the audit log")
    }

    /// One request.
    ///
    /// # Panics
    /// When the API server does not answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.proxy());
        let mut request = self
            .client
            .request(method, url)
            .header("Content-Type", kind);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.expect("the API server answers");
        let status = answer.status();
        let text = answer.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, body)
    }

    /// Reads what may not be there.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn find(&self, path: &str) -> Option<Value> {
        let (status, body) = self.send(Method::GET, path, "application/json", None).await;
        match status {
            StatusCode::NOT_FOUND => None,
            StatusCode::OK => Some(body),
            _ => panic!("GET {path}: {status} {body}"),
        }
    }

    /// Reads what must be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn get(&self, path: &str) -> Value {
        let found = self.find(path).await;
        found.unwrap_or_else(|| panic!("{path} is not there"))
    }

    /// The items of a list.
    ///
    /// # Panics
    /// When it is no list.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let body = self.get(path).await;
        body["items"].as_array().cloned().expect("items")
    }

    /// Changes some fields, by a merge patch.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn merge(&self, path: &str, change: &Value) -> Value {
        let kind = "application/merge-patch+json";
        let (status, body) = self.send(Method::PATCH, path, kind, Some(change)).await;
        assert!(status.is_success(), "PATCH {path}: {status} {body}");
        body
    }

    /// Writes an object by server-side apply, as somebody who is not the product.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn apply(&self, to: &str, object: &Value) -> Value {
        let path = format!("{to}?fieldManager=tests&force=true");
        let kind = "application/apply-patch+yaml";
        let (status, body) = self.send(Method::PATCH, &path, kind, Some(object)).await;
        assert!(status.is_success(), "PATCH {path}: {status} {body}");
        body
    }

    /// Makes an object.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn create(&self, path: &str, object: &Value) -> Value {
        let kind = "application/json";
        let (status, body) = self.send(Method::POST, path, kind, Some(object)).await;
        assert!(status.is_success(), "POST {path}: {status} {body}");
        body
    }

    /// Asks for a deletion; what is not there is as wished.
    ///
    /// # Panics
    /// When the API server refuses.
    pub async fn delete(&self, path: &str) {
        let (status, body) = self
            .send(Method::DELETE, path, "application/json", None)
            .await;
        let gone = status.is_success() || status == StatusCode::NOT_FOUND;
        assert!(gone, "DELETE {path}: {status} {body}");
    }

    /// The path of an instance's Application.
    #[must_use]
    pub fn application_path(instance: &str) -> String {
        format!("{APPLICATIONS}/prism{instance}")
    }

    /// The Application of an instance.
    pub async fn application(&self, instance: &str) -> Option<Value> {
        self.find(&Self::application_path(instance)).await
    }

    /// The path of something in an instance's namespace: a group with its version, and what is in it.
    #[must_use]
    pub fn inside(instance: &str, group: &str, rest: &str) -> String {
        let root = if group.contains('/') { "apis" } else { "api" };
        format!("/{root}/{group}/namespaces/prism{instance}/{rest}")
    }

    /// Pods of an instance that are ready, by the image of their first container.
    pub async fn ready_images(&self, instance: &str) -> Vec<String> {
        let pods = self.list(&Self::inside(instance, "v1", "pods")).await;
        let ready = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array().cloned();
            conditions
                .unwrap_or_default()
                .iter()
                .any(|one| one["type"] == "Ready" && one["status"] == "True")
        };
        let image = |pod: &Value| {
            pod["spec"]["containers"][0]["image"]
                .as_str()
                .map(str::to_owned)
        };
        let mut images: Vec<String> = pods
            .iter()
            .filter(|pod| ready(pod))
            .filter_map(image)
            .collect();
        images.sort();
        images
    }

    /// Waits until nothing of an instance is left on the cluster.
    pub async fn emptied(&self, instance: &str) {
        until(&format!("nothing of {instance} is left"), || async {
            let application = self.application(instance).await;
            let namespace = self
                .find(&format!("/api/v1/namespaces/prism{instance}"))
                .await;
            match (application, namespace) {
                (None, None) => Ok(()),
                (one, other) => Err(format!("{one:?} {other:?}")),
            }
        })
        .await;
    }

    /// Makes the stand-in gateway misbehave; an empty object heals the replica.
    ///
    /// # Panics
    /// When it refuses.
    pub async fn fault(&self, replica: u32, fault: &Value) {
        let url = format!("{}/replicas/{replica}", self.text("faults"));
        let sent = self.client.put(url).body(fault.to_string()).send().await;
        let answer = sent.expect("the stand-in gateway answers");
        assert!(answer.status().is_success(), "{fault}: {}", answer.status());
    }

    /// A request through one replica of the stand-in gateway.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn through(&self, host: &str, path: &str, key: Option<&str>) -> reqwest::Response {
        let url = format!("http://{}{path}", self.text("gateway"));
        // A connection of its own each time: which worker answers is decided by the connection.
        let client = Client::builder().pool_max_idle_per_host(0).build();
        let mut request = client.expect("a client").get(url).header("Host", host);
        if let Some(key) = key {
            request = request.header("apikey", key);
        }
        request.send().await.expect("the stand-in gateway answers")
    }

    /// The body of `POST /clusters` for it.
    ///
    /// # Panics
    /// When its description lacks its gateway.
    #[must_use]
    pub fn settings(&self, git: &str) -> Value {
        let gateway = self.text("gateway");
        let port: u16 = gateway
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("the gateway's port");
        let production = self.name() == "production";
        json!({
            "name": self.name(),
            "region": self.region(),
            "purpose": if production { "production" } else { "development" },
            "zone": format!("{}.cluster.localhost", self.name()),
            "access": {"kind": "kubeconfig", "context": self.name()},
            "chart": {"repo_url": format!("{git}/charts.git"), "path": "charts/prism-instance"},
            "overrides": {"repo_url": format!("{git}/overrides.git"), "revision": "main"},
            "gateway": {
                "scheme": "http", "port": port, "address": gateway,
                "replicas": {"kind": "addresses", "addresses": self.said["replicas"], "workers": 2},
            },
            "capacity": 100,
        })
    }
}
