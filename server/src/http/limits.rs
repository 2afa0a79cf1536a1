//! How much a client may send. A body that announces too much is refused before any of it is read;
//! one that does not announce itself is cut off while it is read, by the extractors.

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// Most bytes of a body for the API.
pub const API: usize = 1024 * 1024;

/// Most bytes of a form.
pub const FORM: usize = 256 * 1024;

/// The limit of a path.
#[must_use]
pub fn of(path: &str) -> usize {
    if path.starts_with("/api/") { API } else { FORM }
}

/// The layer that refuses by the announced length.
pub async fn layer(request: Request, next: Next) -> Response {
    let limit = of(request.uri().path());
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Problem::too_large(limit).into_response();
    }
    next.run(request).await
}

/// The limit that extractors keep to while they read.
pub fn while_reading(limit: usize) -> DefaultBodyLimit {
    DefaultBodyLimit::max(limit)
}
