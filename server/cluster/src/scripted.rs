//! A Kubernetes API that says what a test tells it to, over real HTTP, and remembers what it was asked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub content_type: String,
    pub accept: String,
    pub host: String,
    pub body: Value,
}

impl Asked {
    /// Whether it asks for a watch.
    pub fn is_watch(&self) -> bool {
        self.query.get("watch").is_some_and(|value| value == "true")
    }
}

/// What is said.
#[derive(Clone, Debug)]
pub enum Say {
    /// A status and JSON.
    Json(u16, Value),
    /// A status, one header and an empty object.
    Headed(u16, &'static str, String),
    /// A page that is none.
    Garbage(u16),
    /// Nothing, for ever.
    Nothing,
    /// Lines of a watch, after which it ends.
    Lines(Vec<Value>),
    /// Lines of a watch, after which it hangs.
    Hang(Vec<Value>),
}

impl Say {
    /// The answer to `/version`.
    pub fn version() -> Self {
        Self::Json(
            200,
            json!({"major": "1", "minor": "35", "gitVersion": "v1.35.4", "gitCommit": "",
                "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "",
                "platform": ""}),
        )
    }

    /// A refusal as the API writes one.
    pub fn status(code: u16, message: &str) -> Self {
        let retry = if code == 429 {
            json!({"retryAfterSeconds": 30})
        } else {
            json!({})
        };
        Self::Json(
            code,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                "message": message, "reason": "", "details": retry}),
        )
    }
}

type Script = dyn Fn(&Asked, usize) -> Say + Send + Sync;

struct Shared {
    script: Box<Script>,
    asked: Mutex<Vec<Asked>>,
}

/// The API; it ends with its value.
pub struct Api {
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Api {
    /// Begins to listen. The script is told what is asked and how often the same method and path were
    /// asked before.
    pub async fn start(script: impl Fn(&Asked, usize) -> Say + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// What was asked with a method.
    pub fn asked_by(&self, method: &str) -> Vec<Asked> {
        self.asked()
            .into_iter()
            .filter(|asked| asked.method == method)
            .collect()
    }
}

async fn hear(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let query = parts.uri.query().unwrap_or("");
    let header = |name: &str| {
        let value = parts.headers.get(name);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    };
    Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        content_type: header("content-type"),
        accept: header("accept"),
        host: header("host"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let asked = hear(request).await;
    let say = {
        let mut all = shared.asked.lock().unwrap();
        let same = |other: &&Asked| {
            other.method == asked.method
                && other.path == asked.path
                && other.is_watch() == asked.is_watch()
        };
        let before = all.iter().filter(same).count();
        all.push(asked.clone());
        (shared.script)(&asked, before)
    };
    let mut extra = None;
    let (status, kind, body) = match say {
        Say::Json(status, value) => (status, "application/json", Body::from(value.to_string())),
        Say::Headed(status, name, value) => {
            extra = Some((name, value));
            (status, "application/json", Body::from("{}"))
        }
        Say::Garbage(status) => (
            status,
            "text/html",
            Body::from("<html><h1>Welcome</h1></html>"),
        ),
        Say::Nothing => {
            tokio::time::sleep(Duration::from_mins(10)).await;
            (500, "text/plain", Body::empty())
        }
        Say::Lines(lines) => (200, "application/json", Body::from(joined(&lines))),
        Say::Hang(lines) => {
            let first = Bytes::from(joined(&lines));
            let stream = futures::stream::iter([Ok::<_, Infallible>(first)])
                .chain(futures::stream::pending());
            (200, "application/json", Body::from_stream(stream))
        }
    };
    let mut response = Response::builder()
        .status(status)
        .header("content-type", kind);
    if let Some((name, value)) = extra {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}

fn joined(lines: &[Value]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        text.push_str(&line.to_string());
        text.push('\n');
        text
    })
}
