//! Hands pages what they need to know of a request: who asks, the nonce of the answer, the time,
//! where the built files are. Only for pages, since it costs one more look at the database.

use std::sync::Arc;

use app::context::{Caller as PageCaller, Notice, Theme};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::Actor;

use super::caller::Caller;
use super::problem::Problem;
use super::security_headers::Nonce;
use super::state::AppState;

/// The layer.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>().cloned();
    let nonce = extensions
        .get::<Nonce>()
        .map(|nonce| nonce.0.clone())
        .unwrap_or_default();
    match page_caller(&state, caller, nonce).await {
        Ok(caller) => {
            let extensions = request.extensions_mut();
            extensions.insert(caller);
            extensions.insert(Arc::clone(&state.services));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn page_caller(
    state: &AppState,
    caller: Option<Caller>,
    nonce: String,
) -> Result<PageCaller, Problem> {
    let Some(Caller { actor, origin, .. }) = caller else {
        return Err(Problem::internal());
    };
    let me = match &actor {
        Actor::Anonymous => None,
        known => Some(state.services.user.me(known).await?),
    };
    let notices = notices(state, &actor).await?;
    Ok(PageCaller {
        actor,
        origin,
        me,
        sandbox: state.settings.sandbox,
        environment: state.settings.environment.clone(),
        assets: state.settings.assets.clone(),
        nonce,
        now: state.services.context.now(),
        notices,
        flash: None,
        theme: Theme::default(),
        location: String::new(),
    })
}

/// What is wrong for everyone: clusters that cannot be reached. Only the staff see clusters.
async fn notices(state: &AppState, actor: &Actor) -> Result<Vec<Notice>, Problem> {
    if !matches!(actor, Actor::User(user) if user.staff.is_some()) {
        return Ok(Vec::new());
    }
    let clusters = state.services.cluster.list(actor).await?;
    let lost = clusters.into_iter().filter(|c| c.reachable == Some(false));
    Ok(lost
        .map(|cluster| Notice {
            text: cluster.cause.map_or_else(
                || format!("The cluster {} cannot be reached.", cluster.settings.name),
                |cause| cause.sentence,
            ),
            href: Some(format!("/clusters/{}", cluster.settings.name)),
        })
        .collect())
}
