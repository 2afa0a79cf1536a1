//! The product on the real clusters, as its operators run it: a configuration file, a kubeconfig with
//! its own service account, clusters added by REST; and the two ways in which its answers are read, by
//! REST and as a person sees them.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::Cluster;
use super::{Site, rights, until};
use crate::process::{Place, Server, said};

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
const SCOPES: &str = "all:write";

/// The product, running.
#[derive(Debug)]
pub struct Product {
    /// Dropped before the folder in which it keeps its data.
    server: Option<Server>,
    place: Place,
    configuration: String,
    token: String,
    cookie: String,
    tenant: String,
    client: Client,
    _folder: TempDir,
}

/// What was created.
#[derive(Clone, Debug)]
pub struct Created {
    /// The instance's id.
    pub instance: String,
    /// The operation's id.
    pub operation: String,
}

impl Product {
    /// Starts one on those clusters, with a tenant.
    ///
    /// # Panics
    /// When it does not start or refuses a cluster.
    pub async fn on(clusters: &[Cluster]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Place::sqlite(&folder.path().join("data"));
        let kubeconfig = folder.path().join("kubeconfig");
        rights::kubeconfig(&place, &kubeconfig).await;
        let configuration = folder.path().join("configuration.toml");
        std::fs::write(&configuration, toml(&kubeconfig.to_string_lossy())).expect("the file");
        let configuration = configuration.to_string_lossy().into_owned();
        let server = Server::start(&place, &["--config", &configuration]).await;
        let mut product = Self {
            server: Some(server),
            configuration,
            token: place.token(SCOPES),
            cookie: String::new(),
            tenant: String::new(),
            client: Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            place,
            _folder: folder,
        };
        for cluster in clusters {
            let settings = cluster.settings(Site::get().git());
            product
                .post("/clusters", &settings, StatusCode::CREATED)
                .await;
        }
        let acme = json!({"name": "Acme"});
        let tenant = product.post("/tenants", &acme, StatusCode::CREATED).await;
        product.tenant = id(&tenant);
        product.sign_in().await;
        product
    }

    /// The server.
    ///
    /// # Panics
    /// While it is stopped.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("a running server")
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Stops it in order.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Starts it again on the same data.
    pub async fn start(&mut self) {
        let arguments = ["--config", &self.configuration];
        self.server = Some(Server::start(&self.place, &arguments).await);
    }

    /// One request to its REST API.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let url = self.server().at(&format!("/api/v1{path}"));
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a whole answer");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, body)
    }

    /// The stream of its events, to be opened.
    pub fn event_stream(&self) -> reqwest::RequestBuilder {
        let url = self.server().at("/api/v1/events");
        self.client.get(url).bearer_auth(&self.token)
    }

    async fn post(&self, path: &str, body: &Value, expected: StatusCode) -> Value {
        let (status, body) = self.send(Method::POST, path, Some(body)).await;
        assert_eq!(status, expected, "{path}: {body:#}");
        body
    }

    /// Reads something that must be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body:#}");
        body
    }

    /// Asks for an instance; whatever is answered.
    pub async fn ask_for(&self, name: &str, on: &Cluster, release: &str) -> (StatusCode, Value) {
        let purpose = on.settings("")["purpose"].clone();
        let body = json!({
            "name": name, "purpose": purpose, "region": on.region(), "release": release,
        });
        let path = format!("/tenants/{}/instances", self.tenant);
        self.send(Method::POST, &path, Some(&body)).await
    }

    /// Creates an instance where that cluster takes it, at a release.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create(&self, name: &str, on: &Cluster, release: &str) -> Created {
        let (status, body) = self.ask_for(name, on, release).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body:#}");
        Created {
            instance: id(&body["instance"]),
            operation: id(&body["operation"]),
        }
    }

    /// Creates an instance and waits until it is there and healthy.
    pub async fn created(&self, name: &str, on: &Cluster, release: &str) -> Created {
        let created = self.create(name, on, release).await;
        self.succeeds(&created.operation).await;
        self.healthy(&created.instance).await;
        created
    }

    /// Changes an instance; the operation.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn change(&self, instance: &str, change: &Value) -> String {
        let path = format!("/instances/{instance}");
        let (status, body) = self.send(Method::PATCH, &path, Some(change)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body:#}");
        id(&body["operation"])
    }

    /// Deletes an instance without a grace; the operation.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn delete(&self, instance: &str) -> String {
        let body = json!({"confirm": instance, "grace_seconds": 0});
        let path = format!("/instances/{instance}");
        let (status, body) = self.send(Method::DELETE, &path, Some(&body)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body:#}");
        id(if body["operation"].is_object() {
            &body["operation"]
        } else {
            &body
        })
    }

    /// Deletes an instance and waits until nothing of it is left.
    pub async fn deleted(&self, instance: &str, on: &Cluster) {
        let operation = self.delete(instance).await;
        self.succeeds(&operation).await;
        on.emptied(instance).await;
    }

    /// Changes the settings of a cluster.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn set(&self, cluster: &Cluster, change: &Value) {
        let path = format!("/clusters/{}", cluster.name());
        let (status, body) = self.send(Method::PATCH, &path, Some(change)).await;
        assert_eq!(status, StatusCode::OK, "{body:#}");
    }

    /// An instance.
    pub async fn instance(&self, instance: &str) -> Value {
        self.get(&format!("/instances/{instance}")).await
    }

    /// Waits until an operation has succeeded; how it went.
    ///
    /// # Panics
    /// With the operation, when it ends otherwise. One that is stuck goes on when what held it has gone.
    pub async fn succeeds(&self, operation: &str) -> Value {
        let path = format!("/operations/{operation}");
        until(&format!("operation {operation} succeeds"), || async {
            let found = self.get(&path).await;
            match found["state"].as_str().unwrap_or_default() {
                "succeeded" => Ok(found),
                "failed" | "cancelled" => panic!("{found:#}\n{}", self.server().said()),
                _ => Err(format!("{found:#}")),
            }
        })
        .await
    }

    /// Waits until an operation on an instance is stuck for that cause, in the API and on the
    /// instance's page; the sentence that is shown.
    pub async fn stuck(&self, created: &str, operation: &str, code: &str) -> String {
        let begun = Instant::now();
        let path = format!("/operations/{operation}");
        let sentence = until(&format!("operation {operation} is stuck"), || async {
            let found = self.get(&path).await;
            match found["error"]["sentence"].as_str() {
                Some(sentence) if found["state"] == "stuck" && found["error"]["code"] == code => {
                    Ok(sentence.to_owned())
                }
                _ => Err(format!("{found:#}")),
            }
        })
        .await;
        eprintln!(
            "stuck for {code} after {:.1} s: {sentence}",
            begun.elapsed().as_secs_f64()
        );
        self.page_says(created, &sentence).await;
        sentence
    }

    /// Waits until a step of an operation says something that contains those words; what it says.
    pub async fn step_says(&self, operation: &str, step: &str, words: &str) -> String {
        let path = format!("/operations/{operation}");
        until(&format!("the step {step} says {words}"), || async {
            let found = self.get(&path).await;
            let steps = found["steps"].as_array().cloned().unwrap_or_default();
            let one = steps.into_iter().find(|it| it["name"] == step);
            let says = one.and_then(|it| it["message"].as_str().map(str::to_owned));
            says.filter(|says| says.contains(words))
                .ok_or_else(|| format!("{found:#}"))
        })
        .await
    }

    /// Waits until an instance is healthy, to all three opinions.
    pub async fn healthy(&self, instance: &str) -> Value {
        until(&format!("{instance} is healthy"), || async {
            let found = self.instance(instance).await;
            let opinions = &found["health"]["opinions"];
            let all = ["deployment", "runtime", "reachability"];
            let agreed = all.iter().all(|name| opinions[name]["status"] == "healthy");
            if found["health"]["status"] == "healthy" && agreed {
                Ok(found)
            } else {
                Err(format!("{:#}", found["health"]))
            }
        })
        .await
    }

    /// Waits until the instance shows that cause, in the API and on its page; how long it took and the
    /// sentence that is shown.
    pub async fn shows(&self, instance: &str, code: &str) -> (Duration, String) {
        let begun = Instant::now();
        let sentence = until(&format!("{instance} shows {code}"), || async {
            let found = self.instance(instance).await;
            let cause = &found["health"]["cause"];
            match cause["sentence"].as_str() {
                Some(sentence) if cause["code"] == code => Ok(sentence.to_owned()),
                _ => Err(format!("{:#}", found["health"])),
            }
        })
        .await;
        let took = begun.elapsed();
        self.page_says(instance, &sentence).await;
        eprintln!("cause {code} after {:.1} s: {sentence}", took.as_secs_f64());
        (took, sentence)
    }

    /// Waits until the instance's page says what a sentence says, up to what the system itself said,
    /// which may have gone on meanwhile.
    async fn page_says(&self, instance: &str, sentence: &str) {
        let path = format!("/instances/{instance}");
        let says = escaped(sentence.split(": ").next().unwrap_or(sentence));
        until(&format!("the page says: {says}"), || async {
            let page = self.page(&path).await;
            if page.contains(&says) {
                Ok(())
            } else {
                Err(page)
            }
        })
        .await;
    }

    /// A page as a signed-in owner sees it.
    ///
    /// # Panics
    /// When it does not answer with one.
    pub async fn page(&self, path: &str) -> String {
        let request = self.client.get(self.server().at(path));
        let answer = request
            .header("Cookie", &self.cookie)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a page")
    }

    async fn sign_in(&mut self) {
        let arguments = [
            "admin",
            "create-owner",
            "--email",
            EMAIL,
            "--password-stdin",
        ];
        let output = self
            .place
            .run_with_input(&arguments, &format!("{PASSWORD}\n"));
        assert!(output.status.success(), "{}", said(&output));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("email", EMAIL), ("password", PASSWORD), ("next", "/")])
            .finish();
        let server = self.server();
        let request = self
            .client
            .post(server.at("/sign-in"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", server.at(""))
            .body(form);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookies = answer.headers().get_all("Set-Cookie").iter();
        let pairs = cookies.filter_map(|it| it.to_str().ok()?.split(';').next().map(str::to_owned));
        self.cookie = pairs.collect::<Vec<_>>().join("; ");
        assert!(!self.cookie.is_empty(), "a session");
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(server) = &self.server
        {
            eprintln!("what the server said:\n{}", server.said());
        }
    }
}

fn toml(kubeconfig: &str) -> String {
    use std::fmt::Write as _;
    let site = Site::get();
    let mut text = format!(
        "[log]\nfilter = \"info,hosted_instances::http::trace=warn\"\n\n\
         [clusters]\nkubeconfig_files = [\"{kubeconfig}\"]\n"
    );
    for cluster in site.clusters() {
        write!(
            text,
            "\n[clusters.secrets_manager.{}]\nregion = \"{}\"\nendpoint = \"{}\"\n",
            cluster.name(),
            cluster.region(),
            site.secrets_manager()
        )
        .expect("a text takes everything");
    }
    text
}

fn id(of: &Value) -> String {
    of["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {of}"))
        .to_owned()
}

/// As it stands in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
