//! Section `password`: the parameters of argon2id. Passwords are hashed again at the next sign-in
//! when they change, so they may be raised at any time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What hashing a password costs.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Password {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// Lanes of one hash.
    pub parallelism: u32,
    /// Hashes at the same time; more wait, so that a flood of sign-ins cannot exhaust memory.
    pub concurrency: u32,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            concurrency: 2,
        }
    }
}

impl Password {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if !(8 * self.parallelism.max(1)..=4_194_304).contains(&self.memory_kib) {
            wrong.push(format!(
                "password.memory_kib is {}; choose at least 8 per lane and at most 4194304. The recommended minimum is 19456.",
                self.memory_kib
            ));
        }
        for (key, value, most) in [
            ("iterations", self.iterations, 100),
            ("parallelism", self.parallelism, 64),
            ("concurrency", self.concurrency, 256),
        ] {
            if !(1..=most).contains(&value) {
                wrong.push(format!("password.{key} is {value}; choose 1 to {most}."));
            }
        }
    }
}
