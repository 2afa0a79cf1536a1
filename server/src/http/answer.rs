//! Shapes of answers that several operations share: created, accepted, and the answer that carries a
//! secret. What is remembered under an idempotency key never contains the secret.

use axum::Json;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;

/// What a handler answers.
pub type Answer<T> = Result<T, Problem>;

/// 201 with the address of what was created.
#[derive(Debug)]
pub struct Created<T> {
    /// Its address.
    pub location: String,
    /// What was created.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        located(StatusCode::CREATED, &self.location, Json(self.body))
    }
}

/// 202 with the address of the operation that was begun.
#[derive(Debug)]
pub struct Accepted<T> {
    /// Address of the operation.
    pub location: String,
    /// What is said of it now.
    pub body: T,
}

impl<T: Serialize> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        located(StatusCode::ACCEPTED, &self.location, Json(self.body))
    }
}

fn located(status: StatusCode, location: &str, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}

/// What to remember of an answer instead of its body, as JSON.
#[derive(Clone, Debug)]
pub struct Remember(pub String);

/// 201 with a secret that is shown this once: `remembered` is what a repeated request gets.
#[derive(Debug)]
pub struct CreatedSecret<T> {
    /// Its address.
    pub location: String,
    /// The answer with the secret.
    pub body: T,
    /// The same answer without it.
    pub remembered: T,
}

impl<T: Serialize> IntoResponse for CreatedSecret<T> {
    fn into_response(self) -> Response {
        let remembered = serde_json::to_string(&self.remembered).unwrap_or_default();
        let mut response = located(StatusCode::CREATED, &self.location, Json(self.body));
        response.extensions_mut().insert(Remember(remembered));
        response
    }
}
