//! What an orchestrator asks: is the process alive, and should it get requests. Alive says nothing of
//! the database, so that a database that is away restarts nobody.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::state::AppState;

/// A database that takes longer than this to say anything counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// One thing that must be so for requests to be answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReadinessCheck)]
pub struct Check {
    /// What was looked at: `database`, `migrations`, `draining`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found when it is not.
    pub detail: String,
}

/// Whether this process should get requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether all checks are well.
    pub ready: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// Whether the process is alive.
///
/// **Permissions**: none. **Errors**: none.
#[utoipa::path(get, path = "/healthz", operation_id = "alive", tag = "health",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain")))]
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether this process should get requests: the database answers, its schema is the one this program
/// knows, and the server is not stopping.
///
/// **Permissions**: none. **Errors**: 503 with the same body when it should not.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "health",
    responses((status = 200, description = "It should.", body = Readiness)))]
pub async fn ready(State(state): State<AppState>) -> Response {
    let checks = vec![
        database(&state).await,
        migrations(&state).await,
        draining(&state),
    ];
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Readiness { ready, checks })).into_response()
}

async fn database(state: &AppState) -> Check {
    let answer = tokio::time::timeout(PATIENCE, state.services.context.db.alive()).await;
    let detail = match answer {
        Ok(Ok(())) => String::new(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "The database does not answer.");
            "The database does not answer.".to_owned()
        }
        Err(_) => "The database did not answer in time.".to_owned(),
    };
    Check {
        name: "database",
        ok: detail.is_empty(),
        detail,
    }
}

async fn migrations(state: &AppState) -> Check {
    let applied = tokio::time::timeout(PATIENCE, store::version(&state.services.context.db)).await;
    let head = store::head();
    let detail = match applied {
        Ok(Ok(at)) if at == head => String::new(),
        Ok(Ok(at)) => format!("The schema is at step {at}; this program needs step {head}."),
        _ => "The schema's step could not be read.".to_owned(),
    };
    Check {
        name: "migrations",
        ok: detail.is_empty(),
        detail,
    }
}

fn draining(state: &AppState) -> Check {
    let stopping = *state.draining.borrow();
    let detail = if stopping {
        "The server is stopping."
    } else {
        ""
    };
    Check {
        name: "draining",
        ok: !stopping,
        detail: detail.to_owned(),
    }
}
