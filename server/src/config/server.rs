//! Section `server`: addresses, the data folder, and who stands between the server and the people.

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the server listens and keeps its data.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port of the console and the REST API. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Folder for the key, the SQLite database, the outbox and the sandbox; made with mode 0700.
    pub data_dir: PathBuf,
    /// The address people type, such as `https://instances.example.org`: it stands in mails and
    /// decides whether cookies are for https only. Without it, `http://localhost:PORT`.
    pub public_url: Option<String>,
    /// How many proxies of yours stand before the server: the client's address is taken that many
    /// places from the right of `X-Forwarded-For`. With 0 that header is ignored.
    pub trusted_proxies: u8,
    /// What this deployment is called, such as `staging`; said on every page.
    pub environment: Option<String>,
    /// Folder of the stylesheet and the scripts. Without it, `public` in the current folder, or
    /// beside the program.
    pub public_dir: Option<PathBuf>,
    /// Seconds between `/readyz` saying no and the listener being closed, for load balancers that
    /// look only now and then.
    pub stop_delay_seconds: u64,
    /// Seconds that requests in progress get to finish when the server is told to stop.
    pub drain_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data_dir: PathBuf::from("./data"),
            public_url: None,
            trusted_proxies: 0,
            environment: None,
            public_dir: None,
            stop_delay_seconds: 0,
            drain_seconds: 20,
        }
    }
}

impl Server {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if let Some(text) = &self.public_url
            && !is_origin(text)
        {
            wrong.push(format!(
                "server.public_url is \"{text}\", which is not an address such as https://instances.example.org: it needs http or https and a host, and no path behind them."
            ));
        }
        for (key, value) in [
            ("stop_delay_seconds", self.stop_delay_seconds),
            ("drain_seconds", self.drain_seconds),
        ] {
            if value > 600 {
                wrong.push(format!(
                    "server.{key} is {value}; no supervisor waits longer than 600."
                ));
            }
        }
    }
}

fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for good in ["https://instances.example.org", "http://localhost:8080/"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "instances.example.org",
            "https://a/b",
            "ftp://a",
            "https://me:pw@a",
            "https://a?b",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
