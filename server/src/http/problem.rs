//! The one renderer of errors for the API: problem details of RFC 9457. A handler or a layer returns a
//! [`Problem`]; the outermost layer writes it out, since only there the request's id is known and
//! whether a program or a person is reading. Invariant: nothing private is ever part of a problem;
//! what went wrong inside is logged here, once, under the same request id.

use std::time::Duration;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// First part of every `type`; what follows is stable.
pub const TYPE_PREFIX: &str = "urn:hosted-instances:problem:";

/// Media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What is wrong with one field of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// Name of the field as it stands in the body or the query; dotted where it lies deeper.
    pub field: String,
    /// What is wrong with it and what to do, as a sentence.
    pub message: String,
}

/// Why a request was not answered as wished (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable name of the kind of problem: `urn:hosted-instances:problem:not_found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    #[schema(value_type = String)]
    pub title: Box<str>,
    /// The HTTP status.
    pub status: u16,
    /// What is so, why, and what to do about it.
    pub detail: String,
    /// What is wrong with single fields; empty when it is not about fields.
    pub errors: Vec<FieldProblem>,
    /// What to tell whoever runs this control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub request_id: Option<Box<str>>,
    /// Seconds after which it is worth trying again; sent as `Retry-After`.
    #[serde(skip)]
    #[schema(ignore)]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of the kind `code`, which is the last part of its `type`.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{TYPE_PREFIX}{code}"),
            title: title(code, status),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            request_id: None,
            retry_after: None,
        }
    }

    /// A request that cannot be read.
    #[must_use]
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Nobody has said who they are, or not convincingly.
    #[must_use]
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// There is no such thing, or it is somebody else's.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such thing.",
        )
    }

    /// Fields that are not as they should be.
    #[must_use]
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            _ => "Some fields are not as they should be; errors says which.".to_owned(),
        };
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
        }
    }

    /// One field that is not as it should be.
    #[must_use]
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem {
            field: field.into(),
            message: message.into(),
        }])
    }

    /// More than `limit` bytes of body.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let detail = format!(
            "The request is larger than {} KiB. Send less.",
            limit / 1024
        );
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// Something broke in here; the person gets the request's id and nothing else.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong in the control plane. It has been logged; try again, and name \
             the request id if it stays so.",
        )
    }

    /// Says when it is worth trying again; whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        let whole = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.retry_after = Some(u32::try_from(whole.max(1)).unwrap_or(u32::MAX));
        self
    }

    /// The status as a type.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Titles belong to the kind, so that the same kind always has the same one.
fn title(code: &str, status: StatusCode) -> Box<str> {
    let known = match code {
        "not_found" => "Not found",
        "conflict" => "In conflict with what is",
        "invalid" => "Invalid request",
        "forbidden" => "Not allowed",
        "cross_site" => "Cross-site request refused",
        "unauthenticated" => "Sign in first",
        "limited" => "Too many requests",
        "unavailable" => "Not available now",
        "internal" => "Internal error",
        "too_large" => "Request too large",
        "malformed_json" => "Not JSON",
        "unsupported_media_type" => "Unsupported media type",
        "method_not_allowed" => "Method not allowed",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    known.into()
}

impl From<service::Error> for Problem {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        let (detail, code) = (error.public(), error.code());
        match error {
            E::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, code, detail),
            E::Conflict { .. } => Self::new(StatusCode::CONFLICT, code, detail),
            E::Invalid(fields) => Self::invalid(
                fields
                    .into_iter()
                    .map(|f| FieldProblem {
                        field: f.field,
                        message: f.message,
                    })
                    .collect(),
            ),
            E::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, code, detail),
            E::Unauthenticated { .. } => Self::new(StatusCode::UNAUTHORIZED, code, detail),
            E::Limited { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail).retry_after(retry_after)
            }
            E::Unavailable { retry_after, .. } => {
                tracing::warn!(reason = detail, "a request could not be served now");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(retry_after)
            }
            E::Internal { .. } => {
                tracing::error!(error = chain(&error), "a request failed inside");
                Self::internal()
            }
        }
    }
}

/// An error with everything that led to it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status_code().into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED.as_u16() {
            let challenge = HeaderValue::from_static("Bearer realm=\"hosted-instances\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_are_whole_seconds_and_never_none() {
        let after = |millis| Problem::internal().retry_after(Duration::from_millis(millis));
        assert_eq!(after(0).retry_after, Some(1));
        assert_eq!(after(1_001).retry_after, Some(2));
    }

    #[test]
    fn a_problem_is_read_back_as_it_was_written() {
        let problem = Problem::field("name", "Give it a name.");
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.contains("\"type\":\"urn:hosted-instances:problem:invalid\""));
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }
}
