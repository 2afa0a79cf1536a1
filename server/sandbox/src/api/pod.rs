//! The pod's log and the pod proxy.
//!
//! The proxy leads to the gateway's pods only, with the request's own Host, as the real one does;
//! every other pod is a picture and refuses the connection.

use super::{Call, body, plain};
use crate::failure::Failure;
use crate::object;
use crate::resource::Kind;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header, request};
use hyper::body::Incoming;
use serde_json::Value;

/// Answers a request through the proxy of a pod.
pub async fn proxy(
    call: &Call,
    parts: &request::Parts,
    incoming: Incoming,
) -> Result<Response<Body>, Failure> {
    let place = call.target.name.as_deref().unwrap_or("");
    let (pod, port) = match place.split(':').collect::<Vec<_>>()[..] {
        ["http" | "", pod, port] | [pod, port] => (pod, port),
        [pod] => (pod, "9080"),
        _ => {
            return Err(Failure::bad_request(
                "the pod is named as pod, pod:port or scheme:pod:port",
            ));
        }
    };
    let space = call.target.space();
    if call.cluster.store.get(Kind::Pod, space, pod).is_none() {
        return Err(Failure::not_found(Kind::Pod, pod));
    }
    let replica = call
        .cluster
        .gateway
        .replica(space, pod)
        .filter(|_| port == "9080");
    let Some(replica) = replica else {
        return Err(refused(pod, port));
    };
    body::read(incoming).await?;
    let mut headers: HeaderMap = parts.headers.clone();
    headers.remove(header::AUTHORIZATION);
    let query = parts
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let path = format!("/{}{query}", call.target.rest);
    let answer = replica.proxied(&parts.method, &path, &headers).await;
    answer.ok_or_else(|| refused(pod, port))
}

fn refused(pod: &str, port: &str) -> Failure {
    let message = format!(
        "error trying to reach service: dial tcp {pod}:{port}: connect: connection refused"
    );
    Failure::new(503, "ServiceUnavailable", message)
}

/// A few lines that a container of this pod would have written.
pub fn log(call: &Call) -> Result<Response<Body>, Failure> {
    let name = call.target.name.as_deref().unwrap_or("");
    let pod = call
        .cluster
        .store
        .object(Kind::Pod, call.target.space(), name)
        .ok_or_else(|| Failure::not_found(Kind::Pod, name))?;
    let status = pod
        .pointer("/status/containerStatuses/0")
        .cloned()
        .unwrap_or(Value::Null);
    let container = object::text_or_empty(&pod, "/spec/containers/0/name").to_owned();
    if let Some(reason) = object::text(&status, "/state/waiting/reason")
        && !matches!(reason, "CrashLoopBackOff")
    {
        let message = format!(
            "container \"{container}\" in pod \"{name}\" is waiting to start: {}",
            match reason {
                "ImagePullBackOff" | "ErrImagePull" => "trying and failing to pull image",
                other => other,
            }
        );
        return Err(Failure::bad_request(message));
    }
    let text = lines(&pod, &status, &container);
    let tail = usize::try_from(call.query.number("tailLines")?.unwrap_or(u64::MAX));
    let all: Vec<&str> = text.lines().collect();
    let from = all.len().saturating_sub(tail.unwrap_or(usize::MAX));
    Ok(plain(
        StatusCode::OK,
        "text/plain",
        format!("{}\n", all[from..].join("\n")),
    ))
}

fn lines(pod: &Value, status: &Value, container: &str) -> String {
    let started = object::text(status, "/state/running/startedAt")
        .or(object::text(status, "/lastState/terminated/startedAt"))
        .unwrap_or("1970-01-01T00:00:00Z");
    let image = object::text_or_empty(pod, "/spec/containers/0/image");
    if status.pointer("/state/waiting").is_some() {
        return format!(
            "{started} INFO  starting {image}\n\
             {started} ERROR org.flywaydb.core.internal.exception.FlywaySqlException: Unable to \
             obtain connection from database\n\
             {started} ERROR {container} stopped with exit code 1"
        );
    }
    match container {
        "postgres" => format!(
            "{started} INFO: no action. I am ({}), the leader with the lock\n\
             {started} LOG:  database system is ready to accept connections",
            object::name(pod)
        ),
        _ => format!(
            "{started} INFO  starting {image}\n\
             {started} INFO  migrations are up to date\n\
             {started} INFO  {container} is listening"
        ),
    }
}
