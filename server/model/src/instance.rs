//! The state of an instance's life. Its health is another matter (`health`), and so is what is being
//! done to it (`operation`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Asked for, not yet reachable.
    Creating,
    /// As wished.
    Running,
    /// An upgrade or reconfiguration is under way.
    Changing,
    /// Asleep, its data kept.
    Hibernated,
    /// Its door is closed and it is going, or waits for its grace period to end.
    Deleting,
    /// Gone; kept as a row so that its id is never given again.
    Deleted,
    /// Its creation was given up or cancelled; it waits to be tried again or deleted.
    Failed,
}

impl InstanceState {
    /// All, in order of life.
    pub const ALL: [Self; 7] = [
        Self::Creating,
        Self::Running,
        Self::Changing,
        Self::Hibernated,
        Self::Deleting,
        Self::Deleted,
        Self::Failed,
    ];

    /// The word in API, database and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Changing => "changing",
            Self::Hibernated => "hibernated",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for InstanceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
