//! The Kubernetes API of one cluster, over HTTP.
//!
//! Every request is parsed into a target (kind, namespace, name, subresource) and dispatched by
//! method; every refusal is a `metav1.Status`. Nothing that arrives can panic it: bodies are bounded
//! and parsed before anything is touched.

mod apply;
mod body;
mod columns;
mod discovery;
mod openapi;
mod patch;
mod pod;
mod query;
mod read;
mod remove;
mod review;
mod selector;
mod table;
mod target;
mod watch;
mod write;

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::fault::ClusterFault;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use query::Query;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use target::Target;

/// How long a slow cluster takes to answer.
const SLOW: Duration = Duration::from_secs(8);

/// One request, parsed.
pub struct Call {
    pub cluster: Arc<Cluster>,
    pub target: Target,
    pub query: Query,
    pub method: Method,
    pub accept: String,
    pub agent: String,
    pub content: String,
}

/// Answers one request to the API.
pub async fn answer(cluster: Arc<Cluster>, request: Request<Incoming>) -> Response<Body> {
    if let Some(broken) = misbehave(&cluster).await {
        return broken;
    }
    match dispatch(cluster, request).await {
        Ok(response) => response,
        Err(failure) => refusal(&failure),
    }
}

/// What a cluster with a fault answers instead.
async fn misbehave(cluster: &Cluster) -> Option<Response<Body>> {
    let faults = cluster.faults.cluster();
    if faults.contains(&ClusterFault::ApiSlow) {
        tokio::time::sleep(SLOW).await;
    }
    if faults.contains(&ClusterFault::Api500) {
        return Some(refusal(&Failure::internal("etcdserver: request timed out")));
    }
    if faults.contains(&ClusterFault::Api429) {
        let mut failure = Failure::new(
            429,
            "TooManyRequests",
            "too many requests, please try again later",
        );
        failure.retry_after = Some(1);
        return Some(refusal(&failure));
    }
    if faults.contains(&ClusterFault::ApiGarbage) {
        let page = "<html><body><h1>Welcome to the proxy</h1>\u{fffd}</body></html>";
        return Some(plain(StatusCode::OK, "text/html", page.to_owned()));
    }
    None
}

async fn dispatch(
    cluster: Arc<Cluster>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Failure> {
    let (parts, incoming) = request.into_parts();
    let header = |name: header::HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
            .to_owned()
    };
    let segments = target::segments(parts.uri.path())?;
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let accept = header(header::ACCEPT);
    if let Some(document) = discovery::document(&cluster, &path, &accept)? {
        return Ok(document);
    }
    if let Some(review) = review::kind(&path) {
        let content = header(header::CONTENT_TYPE);
        let body = body::read(incoming).await?;
        return review::answer(review, review::parse(review, &body, &content)?);
    }
    let call = Call {
        cluster,
        target: Target::parse(&path)?,
        query: Query::parse(&parts.uri)?,
        method: parts.method.clone(),
        accept,
        agent: header(header::USER_AGENT),
        content: header(header::CONTENT_TYPE),
    };
    match (call.target.subresource.as_deref(), &call.method) {
        (Some("proxy"), _) => pod::proxy(&call, &parts, incoming).await,
        (Some("log"), &Method::GET) => pod::log(&call),
        (_, &Method::GET) => read::answer(call),
        (_, &Method::POST) => write::create(&call, &body::read(incoming).await?),
        (_, &Method::PUT) => write::update(&call, &body::read(incoming).await?),
        (_, &Method::PATCH) => patch::answer(&call, &body::read(incoming).await?),
        (_, &Method::DELETE) => remove::answer(&call, &body::read(incoming).await?),
        _ => Err(Failure::method()),
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, body: String) -> Response<Body> {
    plain(status, "application/json", body)
}

/// An answer of any type.
pub fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// An object as an answer.
pub fn object(status: StatusCode, value: &Value) -> Response<Body> {
    json(status, value.to_string())
}

/// A refusal as an answer.
pub fn refusal(failure: &Failure) -> Response<Body> {
    let status = StatusCode::from_u16(failure.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = object(status, &failure.body());
    if let Some(seconds) = failure.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
