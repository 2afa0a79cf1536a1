//! Section `sign_in`: how often one may try. Attempts are counted in the database, so that neither a
//! crash nor a second server forgets them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How often one may try to sign in.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// Attempts per hour with one email address.
    pub per_account_per_hour: u32,
    /// Attempts per hour from one client address (for IPv6, one /64 network).
    pub per_address_per_hour: u32,
    /// Attempts that may follow each other at once before those rates apply.
    pub burst: u32,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            per_account_per_hour: 30,
            per_address_per_hour: 120,
            burst: 10,
        }
    }
}

impl SignIn {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        for (key, value) in [
            ("per_account_per_hour", self.per_account_per_hour),
            ("per_address_per_hour", self.per_address_per_hour),
            ("burst", self.burst),
        ] {
            if value == 0 {
                wrong.push(format!(
                    "sign_in.{key} is 0, so nobody could sign in; choose at least 1."
                ));
            }
        }
    }
}
