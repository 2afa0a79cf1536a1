//! Puts routes and layers together, outermost first: request id and problems, trace, headers of
//! safety, compression, panics, size, address; then, for people and programs (not for static files),
//! cross-site refusal, session, caller; then, for the API, idempotency, and for pages, their context.

use std::sync::Arc;

use axum::extract::{OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use model::Actor;
use model::health::HealthStatus;
use model::operation::OperationState;
use model::page::MAX_LIMIT;
use service::OperationFilter;

use super::problem::Problem;
use super::state::AppState;
use super::{
    assets, caller, client_address, compression, csrf, idempotency, limits, openapi, page_caller,
    panic, reference, request_id, security_headers, session, trace,
};

/// Everything that this server answers on its public listener.
pub fn router(state: &AppState) -> Router {
    let known_callers = api(state)
        .merge(pages(state))
        .layer(from_fn_with_state(state.clone(), caller::layer))
        .layer(session::layer(state))
        .layer(from_fn_with_state(state.clone(), csrf::layer));
    known_callers
        .merge(assets::routes(state))
        .layer(from_fn_with_state(state.clone(), client_address::layer))
        .layer(from_fn(limits::layer))
        .layer(panic::layer())
        .layer(compression::layer())
        .layer(from_fn_with_state(state.clone(), security_headers::layer))
        .layer(from_fn_with_state(state.clone(), trace::layer))
        .layer(from_fn_with_state(state.clone(), request_id::layer))
}

/// REST, its description and the checks of an orchestrator.
fn api(state: &AppState) -> Router {
    let written = Arc::new(openapi::Written::new(&state.settings));
    let (routes, _) = openapi::described().split_for_parts();
    let described = routes
        .layer(from_fn_with_state(state.clone(), idempotency::layer))
        .layer(limits::while_reading(limits::API))
        .layer(from_fn(method_not_allowed));
    let unknown = Router::new()
        .route("/api", get(no_such_path))
        .route("/api/{*rest}", axum::routing::any(no_such_path));
    described
        .merge(unknown)
        .route("/api/docs", get(reference::page))
        .layer(Extension(written))
        .with_state(state.clone())
}

/// The console, and pages that exist only in some deployments.
fn pages(state: &AppState) -> Router {
    app::router()
        .merge(state.extra.clone())
        .layer(limits::while_reading(limits::FORM))
        .layer(from_fn_with_state(state.clone(), page_caller::layer))
}

async fn no_such_path(OriginalUri(uri): OriginalUri) -> Problem {
    let detail = format!(
        "There is nothing at {}. The reference at /api/docs says what there is.",
        uri.path()
    );
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

/// Gives the router's own refusal of a method its text; it brings the header `Allow`.
async fn method_not_allowed(request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let response = next.run(request).await;
    let bare = !response.headers().contains_key(CONTENT_TYPE)
        && response.extensions().get::<Problem>().is_none();
    if response.status() != StatusCode::METHOD_NOT_ALLOWED || !bare {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    let allowed = allow
        .as_ref()
        .and_then(|value| value.to_str().ok())
        .unwrap_or("other methods");
    let detail = format!("{method} is not possible here; {allowed} is.");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    let mut answer = problem.into_response();
    if let Some(allow) = allow {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

/// What Prometheus reads, on a listener of its own.
pub fn metrics_router(state: &AppState) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(state.clone())
}

async fn metrics(State(state): State<AppState>) -> Response {
    // A database that is away leaves the gauges as they were; the counters are still true.
    if let Ok(fleet) = state.services.fleet.fleet(&Actor::System).await {
        let by_status: [(HealthStatus, u32); 5] = HealthStatus::ALL.map(|status| {
            let found = fleet.by_status.iter().find(|(it, _)| *it == status);
            (status, found.map_or(0, |(_, count)| *count))
        });
        if let Ok(active) = active_operations(&state).await {
            state.metrics.fleet(&by_status, &active);
        }
    }
    let enforcement = &state.services.enforcement;
    let (latencies, overdue) = tokio::join!(
        enforcement.latencies(&Actor::System),
        enforcement.overdue(&Actor::System)
    );
    if let (Ok(latencies), Ok(overdue)) = (latencies, overdue) {
        state.metrics.enforcement(&latencies, overdue);
    }
    if let Ok(lags) = state.services.audit.lags(&Actor::System).await {
        state.metrics.audit(&lags);
    }
    let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (headers, state.metrics.render()).into_response()
}

/// Active operations by state.
async fn active_operations(state: &AppState) -> service::Result<Vec<(OperationState, u32)>> {
    let states = OperationState::ALL.iter().filter(|state| state.is_active());
    let mut counts: Vec<_> = states.map(|state| (*state, 0)).collect();
    let mut cursor = None;
    loop {
        let filter = OperationFilter {
            active: Some(true),
            limit: Some(MAX_LIMIT),
            cursor,
            ..OperationFilter::default()
        };
        let page = state
            .services
            .operation
            .list(&Actor::System, filter)
            .await?;
        for operation in page.items {
            if let Some((_, count)) = counts.iter_mut().find(|(it, _)| *it == operation.state) {
                *count += 1;
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(counts);
        }
    }
}
