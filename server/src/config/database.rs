//! Section `database`: SQLite in the data folder unless an address of PostgreSQL is given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// The database.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host/database`. Without it, SQLite in `control-plane.db` in the
    /// data folder, which one server at a time may use.
    pub url: Option<Secret>,
    /// Most connections to PostgreSQL that this process opens.
    pub connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            connections: 16,
        }
    }
}

impl Database {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if let Some(url) = &self.url {
            let known = ["postgres://", "postgresql://"];
            if !known.iter().any(|scheme| url.expose().starts_with(scheme)) {
                // The text itself may hold a password, so it is not repeated.
                wrong.push(
                    "database.url does not begin with postgres://. Leave it out for SQLite in the data folder.".to_owned(),
                );
            }
        }
        if !(2..=1_000).contains(&self.connections) {
            wrong.push(format!(
                "database.connections is {}; choose 2 to 1000: one is always taken by wake-ups.",
                self.connections
            ));
        }
    }
}
