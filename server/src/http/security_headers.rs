//! What browsers are told on every answer: run only scripts that carry this answer's nonce, load
//! nothing from elsewhere, never show us in a frame. The nonce is drawn per answer and handed to
//! pages through the request.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::request_id::hex;
use super::state::AppState;

/// The nonce of the answer to this request.
#[derive(Clone, Debug)]
pub struct Nonce(pub String);

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Abilities of browsers that no page of ours needs.
const NO_ABILITIES: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), \
                            gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// The policy with its nonce.
#[must_use]
pub fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; connect-src 'self'; img-src 'self' data:; \
         font-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'none'"
    )
}

/// The layer.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let nonce = hex::<16>(state.services.context.entropy.as_ref());
    let policy = policy(&nonce);
    request.extensions_mut().insert(Nonce(nonce));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "same-origin");
    set(OPENER, "same-origin");
    set(RESOURCE, "same-origin");
    set(PERMISSIONS, NO_ABILITIES);
    if state.settings.is_https() {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    // Whatever was made for one person stays out of every cache, unless a handler says otherwise.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_the_nonce_lets_scripts_run() {
        let policy = super::policy("abc");
        assert!(policy.contains("script-src 'nonce-abc' 'strict-dynamic' 'wasm-unsafe-eval';"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
    }
}
