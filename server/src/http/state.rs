//! What every handler and layer shares. Built once by the composition root and cheap to clone; there
//! is nothing else that a request can reach, so a test that builds one has built the whole server.

use std::path::PathBuf;
use std::sync::Arc;

use app::context::Assets;
use axum::Router;
use service::Services;
use tokio::sync::watch;

use super::metrics::Metrics;
use crate::wiring::github::GithubKeys;

/// What HTTP needs of the configuration.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// How people reach this server: `https://console.example.org`, without a slash at the end.
    pub public_url: String,
    /// Proxies of our own in front of this server; so many entries of `X-Forwarded-For` are believed,
    /// counted from the right.
    pub trusted_proxies: usize,
    /// Names of the built files.
    pub assets: Assets,
    /// Folder of the static files: `pkg/` within it never changes under a name.
    pub public_dir: PathBuf,
    /// What this deployment is called, if it has a name.
    pub environment: Option<String>,
    /// Whether the embedded sandbox serves clusters.
    pub sandbox: bool,
}

impl HttpSettings {
    /// Whether people come by https, as far as the configuration says.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Host and port of the public address.
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self
            .public_url
            .split_once("://")
            .map_or(self.public_url.as_str(), |(_, r)| r);
        rest.split('/').next().unwrap_or(rest)
    }

    /// Whether the public address is this machine's own name.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        let authority = self.authority();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        };
        matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
    }
}

/// Everything a request can reach.
#[derive(Clone)]
pub struct AppState {
    /// Use cases.
    pub services: Arc<Services>,
    /// Configuration.
    pub settings: Arc<HttpSettings>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The keys by which GitHub signs what its secret scanning found.
    pub github_keys: Arc<GithubKeys>,
    /// Turns true when the server stops: not ready any more, and streams end.
    pub draining: watch::Receiver<bool>,
    /// Pages that exist only in some deployments (the sandbox's faults); they stand behind the same
    /// layers as every other page.
    pub extra: Router,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(public_url: &str) -> HttpSettings {
        HttpSettings {
            public_url: public_url.to_owned(),
            trusted_proxies: 0,
            assets: Assets::default(),
            public_dir: PathBuf::new(),
            environment: None,
            sandbox: false,
        }
    }

    #[test]
    fn the_public_address_is_taken_apart() {
        let local = settings("http://localhost:8080");
        assert!(local.is_localhost() && !local.is_https());
        assert_eq!(local.authority(), "localhost:8080");
        let real = settings("https://console.example.org");
        assert!(real.is_https() && !real.is_localhost());
        assert_eq!(real.authority(), "console.example.org");
        assert!(settings("http://[::1]:80").is_localhost());
        assert!(!settings("http://localhost.example.org").is_localhost());
    }
}
