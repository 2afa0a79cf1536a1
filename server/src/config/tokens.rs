//! Section `tokens`: how long tokens of instances may live, and where leaked ones are reported from.

use model::token::{OnLeak, TokenPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long tokens may live, and what a leak does.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// Days a token lives unless whoever issues it says otherwise.
    pub default_days: u32,
    /// Most days a token may live. A tenant may demand less of its own.
    pub max_days: u32,
    /// What a reported leak does: `revoke` at once, or `tell` its people, who decide. Where this says
    /// `tell`, a tenant may demand `revoke` for its own.
    pub on_leak: Reaction,
    /// Where GitHub publishes the keys by which it signs what its secret scanning found.
    pub github_keys_url: String,
}

/// What a reported leak does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// The token is revoked at once, and its people are told.
    Revoke,
    /// Its people are told; they decide.
    Tell,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            default_days: 90,
            max_days: 365,
            on_leak: Reaction::Revoke,
            github_keys_url: "https://api.github.com/meta/public_keys/secret_scanning".to_owned(),
        }
    }
}

impl Tokens {
    /// The staff's policy.
    #[must_use]
    pub fn policy(&self) -> TokenPolicy {
        TokenPolicy {
            default_days: self.default_days,
            max_days: self.max_days,
            on_leak: match self.on_leak {
                Reaction::Revoke => OnLeak::Revoke,
                Reaction::Tell => OnLeak::Tell,
            },
        }
    }

    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if !(1..=3_660).contains(&self.max_days) {
            wrong.push(format!(
                "tokens.max_days is {}; choose 1 to 3660.",
                self.max_days
            ));
        }
        if self.default_days == 0 || self.default_days > self.max_days {
            wrong.push(format!(
                "tokens.default_days is {}; choose 1 to tokens.max_days, which is {}.",
                self.default_days, self.max_days
            ));
        }
        if !self.github_keys_url.starts_with("https://")
            && !self.github_keys_url.starts_with("http://127.0.0.1")
        {
            wrong.push(
                "tokens.github_keys_url must begin with https://, since signatures are believed by what it answers."
                    .to_owned(),
            );
        }
    }
}
