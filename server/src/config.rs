//! Configuration: defaults, then a file (TOML), then the environment, then flags; the later wins.
//!
//! One section per file, every key documented where it is declared: `docs/configuration.md` is
//! printed from those comments. A key that nobody knows is refused by name, wherever it comes from,
//! because a setting that is silently ignored is found out at night. Secrets are never printed.

mod audit;
mod clusters;
mod database;
mod keys;
mod load;
mod log;
mod mail;
mod metrics;
mod operations;
mod password;
mod reference;
mod sandbox;
mod secret;
mod server;
mod session;
mod sign_in;
mod tokens;

pub use self::audit::{Audit, SyslogEncryption, host_and_port};
pub use self::clusters::{Clusters, SecretsManager};
pub use self::database::Database;
pub use self::keys::Keys;
pub use self::load::{Flags, Sources};
pub use self::log::{Log, LogFormat};
pub use self::mail::{Encryption, Mail};
pub use self::metrics::Metrics;
pub use self::operations::Operations;
pub use self::password::Password;
pub use self::reference::{Key, Kind, Section, reference};
pub use self::sandbox::Sandbox;
pub use self::secret::Secret;
pub use self::server::Server;
pub use self::session::Session;
pub use self::sign_in::SignIn;
pub use self::tokens::{Reaction, Tokens};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// First part of the names of environment variables.
pub const ENVIRONMENT_PREFIX: &str = "HOSTED_INSTANCES_";

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens and keeps its data.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The server key, from which other keys are derived.
    pub keys: Keys,
    /// How long a person stays signed in.
    pub session: Session,
    /// What hashing a password costs.
    pub password: Password,
    /// How often one may try to sign in.
    pub sign_in: SignIn,
    /// How operations are carried out.
    pub operations: Operations,
    /// How long tokens of instances may live, and what a leak does.
    pub tokens: Tokens,
    /// The embedded sandbox clusters.
    pub sandbox: Sandbox,
    /// Ways to reach real clusters that the console may choose from.
    pub clusters: Clusters,
    /// How mail is sent.
    pub mail: Mail,
    /// Where the audit trail is handed on to.
    pub audit: Audit,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// What is logged, and how.
    pub log: Log,
}

/// Why a configuration cannot be used: one sentence per mistake, each naming the key and its source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// What no type can say: values that are well-formed and still make no sense.
    ///
    /// # Errors
    /// [`ConfigError`] with a sentence for each.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut wrong = Vec::new();
        self.server.check(&mut wrong);
        self.database.check(&mut wrong);
        self.session.check(&mut wrong);
        self.password.check(&mut wrong);
        self.sign_in.check(&mut wrong);
        self.operations.check(&mut wrong);
        self.tokens.check(&mut wrong);
        self.sandbox.check(&mut wrong);
        self.mail.check(&mut wrong);
        self.audit.check(&mut wrong);
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(ConfigError(wrong))
        }
    }

    /// The address people and mails use, without a slash at its end.
    #[must_use]
    pub fn public_url(&self, port: u16) -> String {
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://localhost:{port}"),
        }
    }

    /// As TOML, with every secret replaced by a word.
    #[must_use]
    pub fn redacted(&self) -> String {
        // Every value is a table of plain values, which TOML can always say.
        toml::to_string_pretty(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense() {
        let config = Config::default();
        config.check().unwrap();
        assert_eq!(config.public_url(8080), "http://localhost:8080");
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    }

    #[test]
    fn secrets_are_printed_nowhere() {
        let mut config = Config::default();
        config.database.url = Some(Secret::new("postgres://me:hunter2@db/x"));
        config.mail.password = Some(Secret::new("hunter2"));
        for printed in [config.redacted(), format!("{config:?}")] {
            assert!(!printed.contains("hunter2"), "{printed}");
            assert!(printed.contains("redacted"), "{printed}");
        }
    }
}
