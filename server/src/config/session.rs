//! Section `session`: how long a person stays signed in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a person stays signed in.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u32,
    /// Hours after which a session ends whatever happens.
    pub absolute_hours: u32,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            idle_minutes: 30,
            absolute_hours: 12,
        }
    }
}

impl Session {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if self.idle_minutes == 0 || self.absolute_hours == 0 {
            wrong.push(
                "session.idle_minutes and session.absolute_hours must be at least 1, or nobody could stay signed in.".to_owned(),
            );
        }
        if self.absolute_hours > 24 * 30 {
            wrong.push("session.absolute_hours is more than 720 (30 days).".to_owned());
        }
    }
}
