//! Refusals of the Kubernetes API, each a `metav1.Status`.
//!
//! Clients decide by `code` and `reason`, so both are fixed here per case; the message follows the
//! wording of a real API server because people search for it.

use crate::resource::Kind;
use serde_json::{Value, json};

/// A refusal: becomes the body and the status code of an answer.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Value,
    /// Seconds for a `Retry-After` header.
    pub retry_after: Option<u32>,
}

impl Failure {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
            retry_after: None,
        }
    }

    fn about(mut self, kind: Kind, name: &str) -> Self {
        let row = kind.definition();
        self.details = json!({"name": name, "kind": row.plural});
        // The core group has no name and is left out.
        if !row.group.is_empty() {
            self.details["group"] = json!(row.group);
        }
        self
    }

    pub fn not_found(kind: Kind, name: &str) -> Self {
        Self::new(
            404,
            "NotFound",
            format!("{} \"{name}\" not found", kind.qualified()),
        )
        .about(kind, name)
    }

    /// The path leads nowhere.
    pub fn no_such_path() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
    }

    pub fn exists(kind: Kind, name: &str) -> Self {
        Self::new(
            409,
            "AlreadyExists",
            format!("{} \"{name}\" already exists", kind.qualified()),
        )
        .about(kind, name)
    }

    /// The name is taken by an object that is going.
    pub fn going(kind: Kind, name: &str) -> Self {
        let mut failure = Self::exists(kind, name);
        failure.message = format!("object is being deleted: {}", failure.message);
        failure
    }

    /// An apply that says nobody's name.
    pub fn nobody_applies() -> Self {
        let why = "Required value: is required for apply patch";
        let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: {why}");
        let mut failure = Self::new(422, "Invalid", message);
        failure.details = json!({
            "group": "meta.k8s.io",
            "kind": "PatchOptions",
            "causes": [{"reason": "FieldValueRequired", "message": why, "field": "fieldManager"}],
        });
        failure
    }

    /// Another object of that name was meant.
    pub fn another(kind: Kind, name: &str, wished: &str, found: &str) -> Self {
        let row = kind.definition();
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the UID in the precondition ({wished}) \
             does not match the UID in record ({found}). The object might have been deleted and then \
             recreated",
            row.name
        );
        let mut failure = Self::new(409, "Conflict", message).about(kind, name);
        failure.details["kind"] = json!(row.name);
        failure
    }

    /// A write with an outdated resource version.
    pub fn conflict(kind: Kind, name: &str) -> Self {
        Self::precondition(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and \
             try again",
        )
    }

    /// A precondition that does not hold.
    pub fn precondition(kind: Kind, name: &str, why: &str) -> Self {
        let what = kind.qualified();
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Self::new(409, "Conflict", message).about(kind, name)
    }

    /// Server-side apply met fields of other managers.
    pub fn apply_conflict(causes: &[(String, String)]) -> Self {
        let list: Vec<Value> = causes
            .iter()
            .map(|(manager, field)| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with \"{manager}\""),
                    "field": field,
                })
            })
            .collect();
        let plural = if causes.len() == 1 {
            "conflict"
        } else {
            "conflicts"
        };
        let mut text = format!("Apply failed with {} {plural}", causes.len());
        for (manager, field) in causes {
            for part in [": conflict with \"", manager, "\": ", field] {
                text.push_str(part);
            }
        }
        let mut failure = Self::new(409, "Conflict", text);
        failure.details = json!({"causes": list});
        failure
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// A field of the object is wrong.
    pub fn invalid(kind: Kind, name: &str, field: &str, why: &str) -> Self {
        let row = kind.definition();
        let what = if row.group.is_empty() {
            row.name.to_owned()
        } else {
            format!("{}.{}", row.name, row.group)
        };
        let message = format!("{what} \"{name}\" is invalid: {field}: {why}");
        let mut failure = Self::new(422, "Invalid", message);
        let reason = if why.starts_with("Required value") {
            "FieldValueRequired"
        } else {
            "FieldValueInvalid"
        };
        failure.details = json!({
            "name": name,
            "kind": row.name,
            "causes": [{"reason": reason, "message": why, "field": field}],
        });
        if !row.group.is_empty() {
            failure.details["group"] = json!(row.group);
        }
        failure
    }

    pub fn forbidden(kind: Kind, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", kind.qualified());
        Self::new(403, "Forbidden", message).about(kind, name)
    }

    /// The wished version lies before what the cluster remembers.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub fn too_large() -> Self {
        Self::new(
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
        )
    }

    /// The body is of a type that this request does not take.
    pub fn unsupported() -> Self {
        let mut failure = Self::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
        failure.details = json!({});
        failure
    }

    pub fn method() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            500,
            "InternalError",
            format!("Internal error occurred: {}", message.into()),
        )
    }

    /// The `metav1.Status` body.
    pub fn body(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        if let Some(seconds) = self.retry_after {
            status["details"]["retryAfterSeconds"] = json!(seconds);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_like_the_real_one() {
        let body = Failure::not_found(Kind::Application, "x").body();
        assert_eq!(body["message"], "applications.argoproj.io \"x\" not found");
        assert_eq!(body["code"], 404);
        assert_eq!(body["details"]["kind"], "applications");
        let body = Failure::apply_conflict(&[("kubectl".into(), ".spec.a".into())]).body();
        assert_eq!(body["details"]["causes"][0]["field"], ".spec.a");
        assert_eq!(
            body["message"],
            "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.a"
        );
    }
}
