//! The session's cookie: out of reach of scripts, not sent by other sites' posts, on https bound to
//! this very host. How long a session lives is decided in the database, not by the cookie.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use service::DbSessions;
use tower_sessions::SessionManagerLayer;
use tower_sessions::cookie::SameSite;

use super::state::{AppState, HttpSettings};

/// Name of the cookie. The prefix makes browsers refuse it from any other host and without https.
#[must_use]
pub fn cookie_name(settings: &HttpSettings) -> &'static str {
    if settings.is_https() {
        "__Host-session"
    } else {
        "session"
    }
}

/// Whether the request carries a session cookie, valid or not.
#[must_use]
pub fn is_carried(headers: &HeaderMap, settings: &HttpSettings) -> bool {
    carried(headers, settings).is_some()
}

/// The value of the session cookie, valid or not.
pub fn carried<'a>(headers: &'a HeaderMap, settings: &HttpSettings) -> Option<&'a str> {
    let name = cookie_name(settings);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The layer.
#[must_use]
pub fn layer(state: &AppState) -> SessionManagerLayer<DbSessions> {
    let settings = &state.settings;
    SessionManagerLayer::new(state.services.session.store())
        .with_name(cookie_name(settings))
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(settings.is_https() || !settings.is_localhost())
        .with_path("/")
}
