//! Section `operations`: leases of the workers and the grace before a deletion destroys anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How operations are carried out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// Hours during which a deletion can be undone and the data is kept, unless the request says
    /// otherwise.
    pub deletion_grace_hours: u32,
    /// Seconds for which a worker or watcher holds what it has claimed. When its process dies,
    /// another one goes on after at most that time.
    pub lease_seconds: u32,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            deletion_grace_hours: 7 * 24,
            lease_seconds: 10,
        }
    }
}

impl Operations {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if self.deletion_grace_hours > 24 * 366 {
            wrong.push("operations.deletion_grace_hours is more than a year.".to_owned());
        }
        if !(2..=300).contains(&self.lease_seconds) {
            wrong.push(format!(
                "operations.lease_seconds is {}; choose 2 to 300: a shorter lease is lost to any pause, a longer one leaves work lying.",
                self.lease_seconds
            ));
        }
    }
}
