//! One span and one set of counters per request. The span names the route's template, never the
//! path or the query: links of invitations and the set-up carry their secret in the path.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use super::request_id::RequestId;
use super::state::AppState;

/// What stands in the log and in the counters for a path that no route matches.
const UNMATCHED: &str = "unmatched";

/// The layer.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method(&request);
    let route = request.extensions().get::<MatchedPath>().map_or_else(
        || UNMATCHED.to_owned(),
        |matched| matched.as_str().to_owned(),
    );
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or("", |id| id.0.as_str());
    let span = tracing::info_span!("request", id, method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let took = begun.elapsed();
    state.metrics.request(method, &route, status, took);
    span.in_scope(|| {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if route.starts_with("/pkg") || route.starts_with("/assets") || route.ends_with('z') {
            tracing::debug!(status, millis, "A request was answered.");
        } else {
            tracing::info!(status, millis, "A request was answered.");
        }
    });
    response
}

/// Methods as counters know them; a client can make others up without end.
fn method(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
