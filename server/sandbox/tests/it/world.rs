//! A sandbox for one test, and the shortest way to do to it what the control plane does.

use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, Config};
use sandbox::{ClusterSeed, Endpoints, Pace, Sandbox, SandboxConfig};
use serde_json::{Value, json};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const CLUSTER: &str = "development-eu";
/// Far longer than anything takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    pub sandbox: Sandbox,
    pub endpoints: Endpoints,
    pub client: Client,
    pub http: reqwest::Client,
    dir: TempDir,
}

pub fn config(dir: &Path, pace: f64) -> SandboxConfig {
    let seed = ClusterSeed {
        name: CLUSTER.to_owned(),
        purpose: "development".to_owned(),
        region: "eu-west-1".to_owned(),
        zone: "sandbox.localhost".to_owned(),
    };
    SandboxConfig {
        pace: Pace(pace),
        ..SandboxConfig::new(dir.to_owned(), vec![seed])
    }
}

impl World {
    pub async fn new() -> Self {
        Self::paced(0.0).await
    }

    pub async fn paced(pace: f64) -> Self {
        Self::with(pace, |config| config).await
    }

    /// A sandbox that is set otherwise than usual.
    pub async fn with(pace: f64, set: impl FnOnce(SandboxConfig) -> SandboxConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = set(config(dir.path(), pace));
        Self::over(dir, config).await
    }

    async fn over(dir: TempDir, config: SandboxConfig) -> Self {
        let sandbox = Sandbox::start(config).await.unwrap();
        let endpoints = sandbox.endpoints()[0].clone();
        let client = Client::try_from(Config::new(endpoints.api_url.parse().unwrap())).unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            sandbox,
            endpoints,
            client,
            http,
            dir,
        }
    }

    /// The same folder in a new sandbox.
    pub async fn restarted(self) -> Self {
        self.restarted_with(|config| config).await
    }

    /// The same folder in a new sandbox that is set otherwise than usual.
    pub async fn restarted_with(self, set: impl FnOnce(SandboxConfig) -> SandboxConfig) -> Self {
        let Self { sandbox, dir, .. } = self;
        sandbox.stop().await;
        let config = set(config(dir.path(), 0.0));
        Self::over(dir, config).await
    }

    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    pub fn applications(&self) -> Api<DynamicObject> {
        self.api("argoproj.io/v1alpha1", "Application", "hosted-instances")
    }

    /// A request to the API as plain HTTP.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let url = format!("{}{path}", self.endpoints.api_url);
        let request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("content-type", kind);
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.raw("GET", path, "application/json", "").await
    }

    /// Applies an object as the control plane does.
    pub async fn apply(&self, object: Value) {
        self.apply_as("hosted-instances", object).await;
    }

    pub async fn apply_as(&self, manager: &str, object: Value) {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or("")
        };
        let api = self.api(
            text("/apiVersion"),
            text("/kind"),
            text("/metadata/namespace"),
        );
        let parameters = PatchParams::apply(manager);
        api.patch(text("/metadata/name"), &parameters, &Patch::Apply(&object))
            .await
            .unwrap();
    }

    /// Everything that the control plane writes for an instance, the Application last.
    pub async fn create_instance(&self, id: &str, version: &str) {
        self.prepare_instance(id).await;
        for entry in ["wallet-seed", "admin-token", "api-key-salt"] {
            self.secret(id, entry).await;
        }
        self.apply(application(id, version)).await;
    }

    pub async fn prepare_instance(&self, id: &str) {
        let space = format!("prism{id}");
        self.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}))
            .await;
        self.apply(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "watchman", "namespace": space},
            "stringData": {"key": key(id)},
        }))
        .await;
        self.apply(json!({
            "apiVersion": "apisix.apache.org/v2", "kind": "ApisixConsumer",
            "metadata": {"name": "watchman", "namespace": space},
            "spec": {"authParameter": {"keyAuth": {"secretRef": {"name": "watchman"}}}},
        }))
        .await;
        self.apply(gate(id, 1, &["sentinel", "watchman"])).await;
    }

    pub async fn secret(&self, id: &str, entry: &str) {
        let name = format!("hosted-instances/{CLUSTER}/{id}/{entry}");
        let input = json!({"Name": name, "SecretString": "{\"value\":\"v\"}"});
        let (status, output) = self.aws("CreateSecret", &input).await;
        assert_eq!(status, 200, "{output}");
    }

    /// One operation of the Secrets Manager.
    pub async fn aws(&self, operation: &str, input: &Value) -> (u16, Value) {
        let response = self
            .http
            .post(&self.endpoints.secrets_manager_url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .body(input.to_string())
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// A request through the load balancer, on a connection of its own.
    pub async fn through_gateway(
        &self,
        id: &str,
        path: &str,
        key: Option<&str>,
    ) -> reqwest::Response {
        self.through(&self.endpoints.gateway_url, id, path, key)
            .await
    }

    pub async fn through(
        &self,
        base: &str,
        id: &str,
        path: &str,
        key: Option<&str>,
    ) -> reqwest::Response {
        let mut request = self
            .http
            .get(format!("{base}{path}"))
            .header("host", format!("{id}.sandbox.localhost"));
        if let Some(key) = key {
            request = request.header("apikey", key);
        }
        request.send().await.unwrap()
    }

    pub async fn application(&self, id: &str) -> Value {
        let found = self
            .applications()
            .get(&format!("prism{id}"))
            .await
            .unwrap();
        serde_json::to_value(found).unwrap()
    }

    /// Waits until the Application is as wished.
    pub async fn until_application(&self, id: &str, wished: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("the Application of {id}"), || async {
            let found = self.application(id).await;
            if wished(&found) {
                Ok(found)
            } else {
                Err(found["status"].to_string())
            }
        })
        .await
    }

    pub async fn until_healthy(&self, id: &str) -> Value {
        self.until_application(id, is_healthy).await
    }

    /// Waits until the Application is healthy and its agent answers through the gateway: the one
    /// does not imply the other.
    pub async fn until_answering(&self, id: &str) -> Value {
        let found = self.until_healthy(id).await;
        eventually("the agent's answer", || async {
            let health = "/cloud-agent/_system/health";
            let answer = self.through_gateway(id, health, Some(&key(id))).await;
            if answer.status() == 200 {
                Ok(())
            } else {
                Err(answer.status().to_string())
            }
        })
        .await;
        found
    }

    /// Sets or removes the fault annotation of an instance's Application.
    pub async fn fault(&self, id: &str, fault: Option<&str>) {
        let patch = json!({"metadata": {"annotations": {sandbox::FAULT_ANNOTATION: fault}}});
        let name = format!("prism{id}");
        self.applications()
            .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    /// The first pod with a component label, as JSON.
    pub async fn pod(&self, id: &str, component: &str) -> Value {
        let path = format!(
            "/api/v1/namespaces/prism{id}/pods?labelSelector=app.kubernetes.io/component={component}"
        );
        self.get(&path).await.1["items"][0].clone()
    }

    pub async fn events(&self, id: &str, reason: &str) -> Vec<String> {
        let path = format!("/api/v1/namespaces/prism{id}/events?fieldSelector=reason={reason}");
        let list = self.get(&path).await.1;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|event| event["message"].as_str().map(str::to_owned))
            .collect()
    }
}

pub fn is_healthy(application: &Value) -> bool {
    application["status"]["sync"]["status"] == "Synced"
        && application["status"]["health"]["status"] == "Healthy"
}

/// The watchman's key of an instance.
pub fn key(id: &str) -> String {
    format!("prism_{id}_watchman")
}

pub fn gate(id: &str, generation: u32, consumers: &[&str]) -> Value {
    let names: Vec<String> = consumers
        .iter()
        .map(|name| format!("prism{id}_{name}"))
        .collect();
    json!({
        "apiVersion": "apisix.apache.org/v2", "kind": "ApisixPluginConfig",
        "metadata": {"name": "gate", "namespace": format!("prism{id}")},
        "spec": {"plugins": [
            {"name": "key-auth", "enable": true, "config": {"hide_credentials": true}},
            {"name": "consumer-restriction", "enable": true,
                "config": {"whitelist": names, "rejected_code": 403}},
            {"name": "response-rewrite", "enable": true,
                "config": {"headers": {"set": {"x-gate": format!("{generation}.$pid")}}}},
        ]},
    })
}

pub fn application(id: &str, version: &str) -> Value {
    let name = format!("prism{id}");
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {
            "name": name, "namespace": "hosted-instances",
            "finalizers": ["resources-finalizer.argocd.argoproj.io/foreground"],
        },
        "spec": {
            "project": "prism-instances",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}, "retry": {"limit": 5}},
            "sources": [
                {
                    "repoURL": "https://git.example/chart.git", "path": "chart",
                    "targetRevision": "main",
                    "helm": {
                        "releaseName": name,
                        "valueFiles": [
                            format!("releases/{version}.yaml"),
                            format!("$overrides/overrides/{id}.yaml"),
                        ],
                        "ignoreMissingValueFiles": true,
                        "valuesObject": {"instance": {
                            "id": id, "host": format!("{id}.sandbox.localhost"),
                            "tenant": "t", "purpose": "development",
                        }, "secrets": {"prefix": format!("hosted-instances/{CLUSTER}")}},
                    },
                },
                {"repoURL": "https://git.example/overrides.git", "targetRevision": "main",
                    "ref": "overrides"},
            ],
        },
    })
}

/// Asks again until it is so; fails with the last answer after long patience.
pub async fn eventually<T, F, Fut>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let begun = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    loop {
        match ask().await {
            Ok(value) => return value,
            Err(last) => assert!(
                begun.elapsed() < PATIENCE,
                "{what} never came to be; last: {last}"
            ),
        }
        tick.tick().await;
    }
}
