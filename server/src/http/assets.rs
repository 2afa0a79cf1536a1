//! Static files from one folder. What lies in `pkg/` carries its content's hash in its name and may
//! be kept for ever; everything else is asked for again, by its entity tag. Files are served as they
//! lie there; a path cannot leave the folder.

use std::path::Path;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tower_http::services::{ServeDir, ServeFile};

use super::problem::Problem;
use super::state::AppState;

/// Routes of the static files.
pub fn routes(state: &AppState) -> Router {
    let public = &state.settings.public_dir;
    let pkg = Router::new()
        .fallback_service(serve(&public.join("pkg")))
        .layer(from_fn(immutable));
    let assets = Router::new()
        .fallback_service(serve(public))
        .layer(from_fn(revalidated));
    let icon = Router::new()
        .route_service("/favicon.svg", ServeFile::new(public.join("favicon.svg")))
        .route_service("/robots.txt", ServeFile::new(public.join("robots.txt")))
        .layer(from_fn(revalidated));
    Router::new()
        .nest("/pkg", pkg)
        .nest("/assets", assets)
        .merge(icon)
}

fn serve(folder: &Path) -> ServeDir {
    ServeDir::new(folder)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
}

async fn immutable(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        return Problem::not_found().into_response();
    }
    if response.status().is_success() {
        let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(CACHE_CONTROL, for_ever);
    }
    response
}

/// Adds an entity tag made of the file's time and the length, and answers 304 to whoever has it.
async fn revalidated(request: Request, next: Next) -> Response {
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let mut response = next.run(request).await;
    if response.status() == StatusCode::NOT_FOUND {
        return Problem::not_found().into_response();
    }
    if !response.status().is_success() {
        return response;
    }
    let again = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(CACHE_CONTROL, again.clone());
    let Some(tag) = entity_tag(&response) else {
        return response;
    };
    if known.is_some_and(|known| known == tag) {
        let headers = [(ETAG, tag), (CACHE_CONTROL, again)];
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    response.headers_mut().insert(ETAG, tag);
    response
}

fn entity_tag(response: &Response) -> Option<HeaderValue> {
    let modified = response.headers().get(LAST_MODIFIED)?.to_str().ok()?;
    let length = response.headers().get("content-length")?.to_str().ok()?;
    let digits: String = modified
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    HeaderValue::from_str(&format!("\"{digits}-{length}\"")).ok()
}
