//! JSON bodies: right media type, UTF-8, JSON, known fields, fitting types, in that order.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::misfit;
use crate::http::limits;
use crate::http::problem::Problem;

/// A body that must be there.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A body that may be left out.
#[derive(Debug)]
pub struct OptionalBody<T>(pub Option<T>);

/// A request that takes no body: none, or `{}`.
#[derive(Debug)]
pub struct NoBody;

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            let detail = "The body is empty. Send a JSON object.";
            return Err(Problem::bad_request("malformed_json", detail));
        }
        media_type(&headers)?;
        decode(&bytes).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        media_type(&headers)?;
        decode(&bytes).map(|it| Self(Some(it)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        OptionalBody::<Nothing>::from_request(request, state)
            .await
            .map(|_| Self)
    }
}

/// Reads it whole, up to the limit of the API.
pub async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::too_large(limits::API)
            } else {
                Problem::bad_request(
                    "incomplete",
                    "The body ended before it was complete. Send it again.",
                )
            }
        })
}

fn media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let essence = given
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json" {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "Send the body as JSON, with Content-Type: application/json.",
    ))
}

/// Decodes JSON text, refusing NUL, which one of the database engines cannot keep.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| Problem::bad_request("malformed_json", detail);
    let text = std::str::from_utf8(bytes)
        .map_err(|_| malformed("The body is not valid UTF-8. Send JSON in UTF-8.".to_owned()))?;
    // A struct would be read from a list as well, by position.
    if text.trim_start().starts_with('[') && serde_json::from_str::<Value>(text).is_ok() {
        return Err(Problem::field("body", "Send a JSON object, not a list."));
    }
    let mut from = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            misfit(&path, &inner.to_string())
        } else {
            malformed(format!("The body is not valid JSON: {inner}."))
        }
    })?;
    from.end()
        .map_err(|error| malformed(format!("The body goes on behind its JSON: {error}.")))?;
    if text.contains("u0000") && serde_json::from_str::<Value>(text).is_ok_and(|v| has_nul(&v)) {
        return Err(Problem::field(
            "body",
            "Text cannot contain the character NUL.",
        ));
    }
    Ok(value)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, v)| key.contains('\0') || has_nul(v)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }

    fn refused(bytes: &[u8]) -> (u16, String, String) {
        let problem = decode::<Named>(bytes).unwrap_err();
        let field = problem
            .errors
            .first()
            .map(|e| e.field.clone())
            .unwrap_or_default();
        (
            problem.status,
            problem.kind.rsplit(':').next().unwrap().to_owned(),
            field,
        )
    }

    #[test]
    fn every_kind_of_bad_body_has_its_problem() {
        let malformed = |bytes: &[u8]| {
            let (status, code, _) = refused(bytes);
            assert_eq!((status, code.as_str()), (400, "malformed_json"));
        };
        malformed(b"{");
        malformed(b"name=x");
        malformed(b"{\"name\":\"\xff\"}");
        malformed(b"{\"name\":\"x\"} {}");
        let invalid = |bytes: &[u8], field: &str| {
            assert_eq!(
                refused(bytes),
                (422, "invalid".to_owned(), field.to_owned())
            );
        };
        invalid(b"{}", "name");
        invalid(b"[\"x\"]", "body");
        invalid(b"null", "body");
        invalid(b"{\"name\":5}", "name");
        invalid(b"{\"name\":\"a\",\"nmae\":\"b\"}", "nmae");
        invalid(b"{\"name\":\"a\\u0000\"}", "body");
        invalid(b"{\"name\":\"a\",\"name\":\"b\"}", "name");
    }

    #[test]
    fn a_good_body_is_read() {
        assert_eq!(
            decode::<Named>(b"{\"name\":\"\\\\u0000\"}").unwrap().name,
            "\\u0000"
        );
    }
}
