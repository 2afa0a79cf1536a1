//! The outermost layer: draws the request's id and writes out every problem that comes back from
//! within, as JSON for programs and as a page for people. The id is always ours, so that a client
//! cannot put text of its choice into the log.

use std::fmt::Write as _;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Entropy;

use super::failure_page;
use super::problem::{MEDIA_TYPE, Problem};
use super::state::AppState;

/// Name of the header that every answer carries.
pub const HEADER: &str = "x-request-id";

/// What a person quotes when something went wrong: 16 hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

impl RequestId {
    /// Draws one.
    pub fn new(entropy: &dyn Entropy) -> Self {
        Self(hex::<8>(entropy))
    }
}

/// `N` random bytes as hex digits.
pub fn hex<const N: usize>(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
        .iter()
        .fold(String::with_capacity(2 * N), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Whether a program is reading what this path answers.
#[must_use]
pub fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") && path != "/api/docs"
        || matches!(path, "/api" | "/healthz" | "/readyz" | "/metrics")
}

/// The layer.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(state.services.context.entropy.as_ref());
    request.extensions_mut().insert(id.clone());
    let programs = is_for_programs(request.uri().path());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = write_out(&state, problem, response.headers(), &id, programs);
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn write_out(
    state: &AppState,
    mut problem: Problem,
    headers: &HeaderMap,
    id: &RequestId,
    programs: bool,
) -> Response {
    problem.request_id = Some(id.0.as_str().into());
    let (body, media_type) = if programs {
        (
            serde_json::to_string(&problem).unwrap_or_default(),
            MEDIA_TYPE,
        )
    } else {
        (
            failure_page::render(&problem, &state.settings),
            "text/html; charset=utf-8",
        )
    };
    let mut response = (problem.status_code(), body).into_response();
    *response.headers_mut() = headers.clone();
    // The empty body that the inner layers saw had a length of its own.
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().remove(CONTENT_ENCODING);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_people_are_told_apart() {
        for path in ["/api/v1/tenants", "/api/nothing", "/healthz"] {
            assert!(is_for_programs(path), "{path}");
        }
        for path in ["/", "/tenants", "/apis", "/api/docs"] {
            assert!(!is_for_programs(path), "{path}");
        }
    }
}
