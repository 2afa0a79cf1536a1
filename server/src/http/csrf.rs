//! Refuses what another site makes a browser send. Browsers say where a request comes from
//! (`Sec-Fetch-Site`, or at least `Origin`); what changes something must come from our own pages.
//! A request with a session cookie that says nothing is refused as well. Requests with an access
//! token are exempt: no browser adds that by itself.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use service::{Origin, Services};
use tower_sessions::session::Id;

use super::caller::bearer_text;
use super::problem::Problem;
use super::session;
use super::state::{AppState, HttpSettings};

const FETCH_SITE: &str = "sec-fetch-site";

/// The layer.
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let by_token = bearer_text(request.uri().path(), request.headers()).is_some();
    if by_token || is_allowed(request.method(), request.headers(), &state.settings) {
        return next.run(request).await;
    }
    tracing::warn!("A cross-site request was refused.");
    let attempt = Attempt::of(&request, &state.settings);
    drop(request);
    if let Some(attempt) = attempt {
        attempt.record(&state.services).await;
    }
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "This request came from another site, or does not say where it came from. Open this \
         console itself and try again there; automation uses an access token.",
    )
    .into_response()
}

/// What the trail keeps of a request that was refused.
struct Attempt {
    session: Id,
    origin: Origin,
    method: Method,
    place: String,
}

impl Attempt {
    /// None without a session: then nobody's name was used.
    fn of(request: &Request, settings: &HttpSettings) -> Option<Self> {
        let session = session::carried(request.headers(), settings)?;
        let place = request.extensions().get::<MatchedPath>();
        let origin = request.extensions().get::<Origin>().cloned();
        Some(Self {
            session: session.parse().ok()?,
            origin: origin.unwrap_or_else(Origin::local),
            method: request.method().clone(),
            // The route, never the address, which may hold the secret of a link.
            place: place
                .map_or("an address that does not exist", MatchedPath::as_str)
                .to_owned(),
        })
    }

    /// Leaves a row in the trail of whose session it was.
    async fn record(self, services: &Services) {
        // A database that is away must not turn the refusal into something else.
        let Ok(Some(actor)) = services.session.still(&self.session).await else {
            return;
        };
        let (audit, method) = (&services.audit, self.method.as_str());
        audit
            .cross_site(&actor, &self.origin, method, &self.place)
            .await;
    }
}

/// Whether the request may be answered.
#[must_use]
pub fn is_allowed(method: &Method, headers: &HeaderMap, settings: &HttpSettings) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    if let Some(site) = headers.get(FETCH_SITE) {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if let Some(origin) = headers.get(ORIGIN) {
        let host = headers.get(HOST).and_then(|value| value.to_str().ok());
        return origin
            .to_str()
            .is_ok_and(|origin| is_ours(origin, host, settings));
    }
    !session::is_carried(headers, settings)
}

/// Whether the origin is that of our own pages: the address asked for, or the public one.
fn is_ours(origin: &str, host: Option<&str>, settings: &HttpSettings) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    let same = |other: &str| !other.is_empty() && authority.eq_ignore_ascii_case(other);
    host.is_some_and(same) || same(settings.authority())
}
