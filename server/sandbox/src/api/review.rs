//! The reviews: questions posed by creating an object that is not kept.
//!
//! Whoever reaches the sandbox may do everything, and these answers say so.

use super::object;
use crate::failure::Failure;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

/// Which question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    Access,
    Rules,
    Myself,
}

/// The question that a path poses.
pub fn kind(path: &[&str]) -> Option<Review> {
    match path {
        [
            "apis",
            "authorization.k8s.io",
            "v1",
            "selfsubjectaccessreviews",
        ] => Some(Review::Access),
        [
            "apis",
            "authorization.k8s.io",
            "v1",
            "selfsubjectrulesreviews",
        ] => Some(Review::Rules),
        ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"] => Some(Review::Myself),
        _ => None,
    }
}

/// Reads a question. `kubectl auth` asks in protobuf; as everything is allowed, its details do not
/// matter, and it takes the answer as JSON.
pub fn parse(review: Review, body: &[u8], content: &str) -> Result<Value, Failure> {
    if !content.contains("protobuf") {
        return super::body::parse(body, content);
    }
    let (group, kind) = match review {
        Review::Access => ("authorization.k8s.io", "SelfSubjectAccessReview"),
        Review::Rules => ("authorization.k8s.io", "SelfSubjectRulesReview"),
        Review::Myself => ("authentication.k8s.io", "SelfSubjectReview"),
    };
    Ok(json!({
        "apiVersion": format!("{group}/v1"),
        "kind": kind,
        "metadata": {},
        "spec": {"resourceAttributes": {}},
    }))
}

/// Answers a question.
pub fn answer(review: Review, mut body: Value) -> Result<Response<Body>, Failure> {
    if !body.is_object() {
        return Err(Failure::bad_request(
            "the body of the request is not an object",
        ));
    }
    let spec = body.get("spec").cloned().unwrap_or_else(|| json!({}));
    if !spec.is_object() {
        return Err(Failure::bad_request("spec is not an object"));
    }
    body["status"] = match review {
        Review::Access
            if spec.get("resourceAttributes").is_none()
                && spec.get("nonResourceAttributes").is_none() =>
        {
            return Err(Failure::new(
                422,
                "Invalid",
                "spec.resourceAttributes: Invalid value: exactly one of nonResourceAttributes or \
                 resourceAttributes must be specified",
            ));
        }
        Review::Access => json!({"allowed": true, "reason": "the sandbox allows everything"}),
        Review::Rules => json!({
            "incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        Review::Myself => json!({
            "userInfo": {"username": "sandbox", "groups": ["system:masters"]},
        }),
    };
    Ok(object(StatusCode::CREATED, &body))
}
