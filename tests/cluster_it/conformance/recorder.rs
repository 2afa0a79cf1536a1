//! Sends requests and keeps what of an answer can be compared: status, kinds, reasons, messages with
//! their numbers taken out, and the fields that a request names.

use std::collections::BTreeMap;

use reqwest::{Client, Method};
use serde_json::{Map, Value, json};

/// What is kept of every error.
const OF_ERRORS: &[&str] = &[
    "/kind", "/status", "/reason", "/code", "/message", "/details",
];

/// One side of the comparison.
pub struct Recorder {
    url: String,
    client: Client,
    answers: BTreeMap<String, Value>,
}

/// How a body is to be understood.
#[derive(Clone, Copy)]
pub enum Kind {
    Json,
    Merge,
    JsonPatch,
    Strategic,
    Apply,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Merge => "application/merge-patch+json",
            Self::JsonPatch => "application/json-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

impl Recorder {
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            client: Client::new(),
            answers: BTreeMap::new(),
        }
    }

    pub fn into_answers(self) -> BTreeMap<String, Value> {
        self.answers
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(Kind, &Value)>,
    ) -> (u16, String) {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some((kind, body)) = body {
            request = request
                .header("Content-Type", kind.as_str())
                .body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a whole answer"))
    }

    /// Sends without keeping anything; for making and clearing the ground.
    pub async fn quietly(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, text) = self
            .send(method, path, body.map(|body| (Kind::Json, body)))
            .await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Sends one request and keeps the status and the named fields of its answer, or the error.
    pub async fn keep(
        &mut self,
        name: &str,
        (method, path): (Method, &str),
        body: Option<(Kind, Value)>,
        fields: &[&str],
    ) -> Value {
        let body = body.as_ref().map(|(kind, body)| (*kind, body));
        let (status, text) = self.send(method, path, body).await;
        let said: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let mut kept = Map::new();
        kept.insert("status".to_owned(), json!(status));
        let wanted = if status < 400 { fields } else { OF_ERRORS };
        for field in wanted {
            let value = said.pointer(field).cloned().unwrap_or(Value::Null);
            kept.insert((*field).replace('/', "."), without_numbers(value));
        }
        self.put(name, Value::Object(kept));
        said
    }

    /// Watches until a bookmark comes, some times over: when one is sent is the server's own affair.
    pub async fn bookmark(&mut self, name: &str, path: &str) {
        let mut found = false;
        for _ in 0..5 {
            let (_, text) = self.send(Method::GET, path, None).await;
            found |= text.contains("\"BOOKMARK\"");
            if found {
                break;
            }
        }
        self.put(name, json!({"bookmarked": found}));
    }

    /// Watches until the server ends it, and keeps kinds and names of the events.
    pub async fn watch(&mut self, name: &str, path: &str) {
        let (status, text) = self.send(Method::GET, path, None).await;
        let mut events = Vec::new();
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_default();
            let kind = event["type"].as_str().unwrap_or_default().to_owned();
            match kind.as_str() {
                "ERROR" => events.push(format!("ERROR {}", event["object"]["code"])),
                _ => events.push(format!("{kind} {}", event["object"]["metadata"]["name"])),
            }
        }
        self.put(name, json!({"status": status, "events": events}));
    }

    fn put(&mut self, name: &str, answer: Value) {
        let before = self.answers.insert(name.to_owned(), answer);
        assert!(before.is_none(), "two exchanges are called {name}");
    }
}

/// Versions and times differ between any two servers.
fn without_numbers(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let mut out = String::new();
            for c in text.chars() {
                if !c.is_ascii_digit() {
                    out.push(c);
                } else if !out.ends_with('#') {
                    out.push('#');
                }
            }
            Value::String(out)
        }
        Value::Array(all) => all.into_iter().map(without_numbers).collect(),
        Value::Object(map) => {
            let inner = map
                .into_iter()
                .map(|(key, value)| (key, without_numbers(value)));
            Value::Object(inner.collect())
        }
        other => other,
    }
}
