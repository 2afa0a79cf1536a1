//! Where a request really comes from. `X-Forwarded-For` is written by clients as they like; only the
//! entries that our own proxies appended are believed, counted from the right, and when there are
//! fewer than configured the request did not come through them, so that the peer itself counts.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::middleware::Next;
use axum::response::Response;
use service::Origin;

use super::request_id::RequestId;
use super::state::AppState;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The layer: puts the request's [`Origin`] beside it.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let peer = extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let id = extensions
        .get::<RequestId>()
        .map(|id| id.0.clone())
        .unwrap_or_default();
    let address = resolve(peer, request.headers(), state.settings.trusted_proxies);
    let agent = request
        .headers()
        .get(USER_AGENT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let origin = Origin::new(&address, agent, &id);
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// The client's address as text; empty when the connection has none.
#[must_use]
pub fn resolve(peer: Option<IpAddr>, headers: &HeaderMap, proxies: usize) -> String {
    let forwarded = || {
        let entries: Vec<&str> = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(str::trim)
            .collect();
        let at = entries.len().checked_sub(proxies)?;
        address(entries.get(at)?)
    };
    let believed = if proxies == 0 { None } else { forwarded() };
    believed
        .or(peer)
        .map(|ip| ip.to_canonical().to_string())
        .unwrap_or_default()
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(lines: &[&str], proxies: usize) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(line).unwrap());
        }
        resolve(Some("10.0.0.1".parse().unwrap()), &headers, proxies)
    }

    #[test]
    fn what_a_client_writes_counts_for_nothing() {
        assert_eq!(seen(&["6.6.6.6"], 0), "10.0.0.1");
        assert_eq!(seen(&["6.6.6.6, 203.0.113.7"], 1), "203.0.113.7");
        assert_eq!(
            seen(&["6.6.6.6", "203.0.113.7, 192.0.2.1"], 2),
            "203.0.113.7"
        );
    }

    #[test]
    fn too_few_entries_or_garbage_leave_the_peer() {
        assert_eq!(seen(&[], 1), "10.0.0.1");
        assert_eq!(seen(&["203.0.113.7"], 2), "10.0.0.1");
        assert_eq!(seen(&["203.0.113.7, unknown"], 1), "10.0.0.1");
    }

    #[test]
    fn ports_and_version_six_are_read() {
        assert_eq!(seen(&["203.0.113.7:5555"], 1), "203.0.113.7");
        assert_eq!(seen(&["[2001:db8::1]:443"], 1), "2001:db8::1");
        assert_eq!(seen(&["[2001:db8::1]"], 1), "2001:db8::1");
        assert_eq!(seen(&["::ffff:192.0.2.9"], 1), "192.0.2.9");
    }
}
