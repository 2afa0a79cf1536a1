//! Section `audit`: collectors outside that every row of the audit trail is handed on to. Their secrets
//! stand here and never in the database, since whoever can write there is whom the trail is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Fewest characters of the secret that signs what the webhook is sent.
const SHORTEST: usize = 16;

/// Where the audit trail is handed on to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Address that is sent every row as JSON Lines by POST, such as `https://siem.example.org/audit`.
    /// Nothing secret belongs into it.
    pub webhook_url: Option<String>,
    /// Secret by which what the webhook is sent is signed (HMAC-SHA256), 16 characters or more.
    pub webhook_secret: Option<Secret>,
    /// Host and port of a syslog collector that is sent every row (RFC 5424 over TCP, each message
    /// with its length in front), such as `logs.example.org:6514`.
    pub syslog_address: Option<String>,
    /// Whether the connection to the syslog collector is encrypted.
    pub syslog_encryption: SyslogEncryption,
}

/// Whether the connection to the syslog collector is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyslogEncryption {
    /// TLS from the first byte (usually port 6514).
    #[default]
    Tls,
    /// None; only for a collector that is reached by a network of your own.
    None,
}

impl Audit {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if self.webhook_url.is_some() != self.webhook_secret.is_some() {
            wrong.push(
                "audit.webhook_url and audit.webhook_secret belong together; one of them is missing."
                    .to_owned(),
            );
        }
        if let Some(secret) = &self.webhook_secret
            && secret.expose().chars().count() < SHORTEST
        {
            wrong.push(format!(
                "audit.webhook_secret is too short; use {SHORTEST} characters or more, drawn at random."
            ));
        }
        if let Some(url) = &self.webhook_url
            && !is_fit(url)
        {
            wrong.push(
                "audit.webhook_url must begin with https:// (http:// only to this machine) and hold no user or password."
                    .to_owned(),
            );
        }
        if let Some(address) = &self.syslog_address
            && host_and_port(address).is_none()
        {
            wrong.push(format!(
                "audit.syslog_address is \"{address}\", which is no host and port such as logs.example.org:6514."
            ));
        }
    }
}

fn is_fit(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let encrypted = url.scheme() == "https" || (url.scheme() == "http" && here);
    encrypted && url.username().is_empty() && url.password().is_none()
}

/// Takes `host:port` apart; an IPv6 address stands in brackets.
#[must_use]
pub fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let fits = match inner {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains([':', '/', ' ', '@']),
    };
    let port = port.parse().ok().filter(|port| *port != 0)?;
    fits.then_some((inner.unwrap_or(host), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(audit: &Audit) -> Vec<String> {
        let mut wrong = Vec::new();
        audit.check(&mut wrong);
        wrong
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert!(wrong(&Audit::default()).is_empty());
        let mut audit = Audit {
            webhook_url: Some("https://siem.example.org/audit".to_owned()),
            ..Audit::default()
        };
        assert!(
            wrong(&audit)[0].contains("webhook_secret is") || wrong(&audit)[0].contains("missing")
        );
        audit.webhook_secret = Some(Secret::new("0123456789abcdef"));
        assert!(wrong(&audit).is_empty());
        for bad in [
            "http://siem.example.org",
            "https://me:x@siem.example.org",
            "siem",
            "ftp://x",
        ] {
            audit.webhook_url = Some(bad.to_owned());
            assert_eq!(wrong(&audit).len(), 1, "{bad}");
        }
        audit.webhook_url = Some("http://127.0.0.1:9/x".to_owned());
        audit.webhook_secret = Some(Secret::new("short"));
        audit.syslog_address = Some("logs".to_owned());
        assert_eq!(wrong(&audit).len(), 2);
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        assert_eq!(host_and_port("a.example:6514"), Some(("a.example", 6514)));
        assert_eq!(host_and_port("[::1]:514"), Some(("::1", 514)));
        for bad in ["a", "a:", ":1", "a:0", "::1:514", "a:99999", "a/b:1"] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
    }
}
