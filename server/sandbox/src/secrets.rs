//! The region's Secrets Manager: AWS JSON 1.1 over HTTP, without signatures.
//!
//! Entries are stored in the cluster's own durable store under a kind that its API does not serve.
//! Reading a value is for the cluster's External Secrets alone; over HTTP it is refused, so the
//! control plane cannot come to depend on a right that it does not have.

pub mod operation;
mod vault;

use crate::cluster::Cluster;
use crate::fault::ClusterFault;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The service takes 65,536 bytes of secret; the rest of a request is small.
const LIMIT: usize = 1 << 20;

/// A refusal of the service: its code and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// How long a slow Secrets Manager takes to answer.
const SLOW: Duration = Duration::from_secs(8);

/// What the service refuses instead of doing its work.
pub fn trouble(cluster: &Cluster) -> Option<Refusal> {
    let faults = cluster.faults.cluster();
    if faults.contains(&ClusterFault::Secrets500) {
        let why = "An error occurred on the server side.";
        return Some(Refusal::new("InternalServiceError", why));
    }
    faults
        .contains(&ClusterFault::SecretsThrottled)
        .then(|| Refusal::new("ThrottlingException", "Rate exceeded"))
}

/// Whether the answer to an operation is lost after it was carried out.
fn is_lost(cluster: &Cluster, operation: &str) -> bool {
    let reads = matches!(
        operation,
        "DescribeSecret" | "ListSecrets" | "GetSecretValue"
    );
    !reads
        && cluster
            .faults
            .cluster()
            .contains(&ClusterFault::SecretsAnswerLost)
}

/// Answers one request; no answer when it is lost on the way.
pub async fn answer(cluster: Arc<Cluster>, request: Request<Incoming>) -> Option<Response<Body>> {
    if cluster
        .faults
        .cluster()
        .contains(&ClusterFault::SecretsSlow)
    {
        tokio::time::sleep(SLOW).await;
    }
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("secretsmanager."))
        .unwrap_or("")
        .to_owned();
    let done = match Limited::new(request.into_body(), LIMIT).collect().await {
        Ok(body) => serde_json::from_slice::<Value>(&body.to_bytes())
            .map_err(|error| Refusal::new("SerializationException", error.to_string()))
            .and_then(|input| match trouble(&cluster) {
                Some(refusal) => Err(refusal),
                None => operation::perform(&cluster, &target, &input),
            }),
        Err(_) => Err(Refusal::new(
            "ValidationException",
            "the request is too large",
        )),
    };
    if is_lost(&cluster, &target) {
        return None;
    }
    Some(match done {
        Ok(output) => respond(StatusCode::OK, None, &output),
        Err(refusal) => {
            let status = match refusal.code {
                "InternalServiceError" => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::BAD_REQUEST,
            };
            let body = json!({"__type": refusal.code, "Message": refusal.message});
            respond(status, Some(refusal.code), &body)
        }
    })
}

fn respond(status: StatusCode, error: Option<&'static str>, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    );
    if let Some(code) = error {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
    }
    response
}
