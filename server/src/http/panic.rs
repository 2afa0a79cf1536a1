//! A handler that panics costs its caller one answer and nobody anything else. What it said goes to
//! the log, never to the client.

use std::any::Any;

use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use super::problem::Problem;

/// Turns a panic into the answer.
pub fn answer(payload: &(dyn Any + Send)) -> Response {
    let said = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("(no text)");
    tracing::error!(said, "A request panicked.");
    Problem::internal().into_response()
}

/// The layer.
#[must_use]
pub fn layer() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    let render: fn(Box<dyn Any + Send>) -> Response = |payload| answer(payload.as_ref());
    CatchPanicLayer::custom(render)
}
