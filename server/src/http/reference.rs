//! The reader of the API's description at `/api/docs`: rendered here from the same document that
//! programs read, so that it needs no script and works under our own policy.

pub mod markup;
pub mod outline;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

use self::outline::{Group, Shape};
use super::openapi::{ADDRESS, Written};
use super::problem::Problem;
use super::state::HttpSettings;

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference<'a> {
    style: Option<&'a str>,
    about: String,
    version: String,
    document: &'static str,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

/// Shows it.
pub async fn page(Extension(written): Extension<Arc<Written>>) -> Response {
    let html = [(CONTENT_TYPE, "text/html; charset=utf-8")];
    match &written.reference {
        Some(text) => (html, text.clone()).into_response(),
        None => Problem::internal().into_response(),
    }
}

/// Renders it.
#[must_use]
pub fn render(document: &OpenApi, settings: &HttpSettings) -> Option<String> {
    let document = serde_json::to_value(document).ok()?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let page = Reference {
        style: settings.assets.style.as_deref(),
        about: markup::html(&text(&document["info"]["description"])),
        version: text(&document["info"]["version"]),
        document: ADDRESS,
        groups: outline::groups(&document),
        shapes: outline::shapes(&document),
    };
    let rendered = page.render();
    if let Err(error) = &rendered {
        tracing::error!(%error, "The reference could not be rendered.");
    }
    rendered.ok()
}
