//! A client of the router in this process: no sockets, the same layers. It carries a session's cookie
//! or an access token as the real ones do, and says where it comes from as a browser would.

use axum::Router;
use axum::body::{Body, Bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// What a client proves who it is with.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Nothing.
    None,
    /// A session, by its cookie's value.
    Session(String),
    /// An access token.
    Token(String),
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    router: Router,
    proof: Proof,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Client {
    /// A client of the router.
    #[must_use]
    pub fn new(router: Router, proof: Proof) -> Self {
        Self { router, proof }
    }

    /// What it proves who it is with.
    #[must_use]
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// A request with this client's proof and, for a session, the header by which browsers say that a
    /// request comes from the same site.
    ///
    /// # Panics
    /// When the path is none.
    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let builder = Request::builder().method(method).uri(path);
        let builder = builder.header("host", "localhost:8080");
        match &self.proof {
            Proof::None => builder,
            Proof::Session(id) => builder
                .header(COOKIE, format!("session={id}"))
                .header("sec-fetch-site", "same-origin"),
            Proof::Token(text) => builder.header(AUTHORIZATION, format!("Bearer {text}")),
        }
    }

    /// Sends a request and reads the answer whole.
    ///
    /// # Panics
    /// When the body of the answer breaks off.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let answer = self.open(request).await;
        let (parts, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .expect("the answer is complete")
            .to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// Sends a request and leaves the answer's body to be read.
    pub async fn open(&self, request: Request<Body>) -> axum::response::Response {
        let Ok(answer) = self.router.clone().oneshot(request).await;
        answer
    }

    /// GET.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn get(&self, path: &str) -> Reply {
        let request = self
            .request(Method::GET, path)
            .body(Body::empty())
            .expect("a request");
        self.send(request).await
    }

    /// A request with a JSON body.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Reply {
        let request = self
            .request(method, path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        self.send(request).await
    }

    /// POST with a JSON body.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.json(Method::POST, path, &body).await
    }

    /// PATCH with a JSON body.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.json(Method::PATCH, path, &body).await
    }

    /// A request without a body.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn bare(&self, method: Method, path: &str) -> Reply {
        let request = self
            .request(method, path)
            .body(Body::empty())
            .expect("a request");
        self.send(request).await
    }

    /// A form, as a browser posts it.
    ///
    /// # Panics
    /// As [`Client::send`].
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        self.send(request).await
    }
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} is not JSON: {error}: {}", self.status, self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty when it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The last part of the problem's type; empty when this is no problem.
    #[must_use]
    pub fn problem(&self) -> String {
        if self.header("content-type") != "application/problem+json" {
            return String::new();
        }
        let kind = self.value()["type"].as_str().unwrap_or_default().to_owned();
        kind.rsplit(':').next().unwrap_or_default().to_owned()
    }

    /// Checks the status and hands the body out as JSON.
    ///
    /// # Panics
    /// When the status is another one.
    #[track_caller]
    #[must_use]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            self.value()
        }
    }
}
