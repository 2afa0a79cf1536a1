//! What happened, as it is streamed to pages and automation. Events say that something changed and
//! where it stands now; they carry no secrets and only what their reader may see.

use serde::{Deserialize, Serialize};

use crate::id::TenantId;
use crate::time::Timestamp;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A tenant.
    Tenant,
    /// An instance: its state or health.
    Instance,
    /// An operation or one of its steps.
    Operation,
    /// A cluster.
    Cluster,
    /// A release.
    Release,
    /// A token: its state or its proof.
    Token,
}

impl Subject {
    /// The word in API, database and the stream's `event:` field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Instance => "instance",
            Self::Operation => "operation",
            Self::Cluster => "cluster",
            Self::Release => "release",
            Self::Token => "token",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Tenant,
            Self::Instance,
            Self::Operation,
            Self::Cluster,
            Self::Release,
            Self::Token,
        ]
        .into_iter()
        .find(|s| s.as_str() == text)
    }
}

/// An event with its place in the one order in which events were committed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Place in the order; grows by one, without gaps, in commit order.
    pub id: i64,
    /// When it was committed.
    pub at: Timestamp,
    /// What it is about.
    pub subject: Subject,
    /// Id or name of that.
    pub key: String,
    /// The tenant it belongs to; none for what belongs to the staff.
    pub tenant: Option<TenantId>,
    /// What changed, as the API would show it; small.
    pub data: serde_json::Value,
}
