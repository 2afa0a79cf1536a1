//! The reader of the API's description at `/api/docs`: rendered here from the same document that
//! programs read, so that it needs no script and works under our own policy.

pub mod markup;
pub mod outline;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

use self::outline::{Group, Shape};
use super::openapi::{ADDRESS, openapi};
use super::problem::Problem;
use super::state::AppState;

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

/// Renders it.
pub async fn page(State(state): State<AppState>) -> Response {
    let Ok(document) = serde_json::to_value(openapi()) else {
        return Problem::internal().into_response();
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let page = Reference {
        style: state.settings.assets.style.as_deref(),
        about: markup::html(&text(&document["info"]["description"])),
        version: text(&document["info"]["version"]),
        document: ADDRESS,
        groups: outline::groups(&document),
        shapes: outline::shapes(&document),
    };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "The reference could not be rendered.");
            Problem::internal().into_response()
        }
    }
}
