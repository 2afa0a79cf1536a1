//! How much a client may send, and how slowly. A body that announces too much is refused before any of
//! it is read; one that does not announce itself is cut off while it is read, by the extractors; one
//! that stands still is given up, so that nobody holds requests open for nothing.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use futures::stream;
use tokio::time::timeout;

use super::problem::Problem;

/// Most bytes of a body for the API.
pub const API: usize = 1024 * 1024;

/// Most bytes of a form.
pub const FORM: usize = 256 * 1024;

/// How long a body may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

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
    if HttpBody::is_end_stream(request.body()) {
        return next.run(request).await;
    }
    next.run(request.map(|body| within(body, PATIENCE))).await
}

/// The body, which ends with an error when nothing comes for so long.
fn within(body: Body, patience: Duration) -> Body {
    let pieces = stream::unfold(Some(body.into_data_stream()), move |left| async move {
        let mut left = left?;
        match timeout(patience, left.next()).await {
            Ok(piece) => Some((piece?.map_err(Error::other), Some(left))),
            Err(_) => Some((Err(Error::new(ErrorKind::TimedOut, "it stood still")), None)),
        }
    });
    Body::from_stream(pieces)
}

/// The limit that extractors keep to while they read.
pub fn while_reading(limit: usize) -> DefaultBodyLimit {
    DefaultBodyLimit::max(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_stands_still_is_given_up() {
        let first = stream::iter([Ok::<_, Error>("piece")]);
        let still = Body::from_stream(first.chain(stream::pending()));
        let mut pieces = within(still, Duration::from_millis(5)).into_data_stream();
        assert_eq!(pieces.next().await.unwrap().unwrap(), "piece");
        assert!(pieces.next().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_body_that_goes_on_arrives_whole() {
        let body = within(Body::from("whole"), Duration::from_secs(1));
        assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "whole");
    }
}
