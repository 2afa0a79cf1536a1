//! Section `mail`: a mail server, or none. Without one, mails are written to the folder `outbox` in
//! the data folder and the inviter is shown the link.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Name of the mail server. Without it, mails are written to `outbox` in the data folder.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// Whether and how the connection is encrypted.
    pub encryption: Encryption,
    /// User to sign in to it with.
    pub user: Option<String>,
    /// Password of that user.
    pub password: Option<Secret>,
    /// Sender, such as `Hosted instances <instances@example.org>`.
    pub from: String,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// The connection begins in the clear and must switch to TLS (usually port 587).
    #[default]
    StartTls,
    /// TLS from the first byte (usually port 465).
    Tls,
    /// None; only for a mail server on the same machine.
    None,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            encryption: Encryption::default(),
            user: None,
            password: None,
            from: "Hosted instances <hosted-instances@localhost>".to_owned(),
        }
    }
}

impl Mail {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            wrong.push(format!(
                "mail.from is \"{}\", which is no sender such as Hosted instances <instances@example.org>.",
                self.from
            ));
        }
        if self.user.is_some() != self.password.is_some() {
            wrong.push(
                "mail.user and mail.password belong together; one of them is missing.".to_owned(),
            );
        }
        if self.password.is_some()
            && self.encryption == Encryption::None
            && self.host.as_deref().is_some_and(|host| !is_here(host))
        {
            wrong.push(
                "mail.encryption is none, so mail.password would cross the network in the clear. Choose start_tls or tls.".to_owned(),
            );
        }
    }
}

fn is_here(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}
