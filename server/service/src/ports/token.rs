//! What tokens need from clusters: the entry in Secrets Manager, the way from there to the gateway, and
//! the proof at the gateway itself.

use std::fmt;

use async_trait::async_trait;
use model::cluster::ClusterSettings;
use model::enforcement::GatewayLook;
use model::secret_text::PlainToken;

use super::{ClusterError, Target};

/// A token's entry in Secrets Manager, as it is written once.
#[derive(Clone)]
pub struct NewTokenEntry {
    /// Name of the token's consumer, `[a-z0-9]` only; last part of the entry's name.
    pub consumer: String,
    /// The text; written as `{"key": "…"}`.
    pub token: PlainToken,
    /// Makes a repeated write the same write, and becomes the version that is pinned; a UUID as text.
    pub request_token: String,
}

impl fmt::Debug for NewTokenEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTokenEntry")
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}

/// A key as it is wished for on the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyWish {
    /// Name of the consumer, of its `ExternalSecret` and of its Secret.
    pub consumer: String,
    /// Version of the entry that is pinned: the request token it was written with.
    pub version: String,
}

/// What is there of a key on the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFact {
    /// Name of the consumer, of its `ExternalSecret` and of its Secret.
    pub consumer: String,
    /// Version that the `ExternalSecret` pins; none when there is no `ExternalSecret` of ours.
    pub version: Option<String>,
    /// Whether External Secrets has brought exactly that: condition Ready, and
    /// `syncedResourceVersion` is that of the object as it stands.
    pub synced: bool,
    /// What External Secrets said when it could not.
    pub sync_message: String,
    /// Whether the consumer is there and refers to its Secret.
    pub consumer_present: bool,
    /// What the ingress controller said of the consumer; none before it said anything.
    pub accepted: Option<Result<(), String>>,
}

/// Requests of a consumer, counted by the gateway since it began to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Full name of the consumer: `<namespace>_<consumer>`.
    pub consumer: String,
    /// Requests; may begin again at zero when a replica does.
    pub requests: u64,
}

/// Everything that tokens need of clusters. As in [`super::ClusterPort`]: every method has a deadline of
/// its own (10 s unless said), is safe to repeat, and may be called from several processes at once.
#[async_trait]
pub trait TokenPort: Send + Sync + fmt::Debug {
    /// Writes a token's entry to Secrets Manager. The same entry written again is the same entry.
    async fn write_token(&self, target: &Target, entry: &NewTokenEntry)
    -> Result<(), ClusterError>;

    /// Deletes a token's entry at once; one that is not there is fine.
    async fn remove_token(&self, target: &Target, consumer: &str) -> Result<(), ClusterError>;

    /// Writes the `ExternalSecret` and the consumer of a key.
    async fn apply_key(&self, target: &Target, key: &KeyWish) -> Result<(), ClusterError>;

    /// Takes away the consumer, then the `ExternalSecret`, then the Secret.
    async fn remove_key(&self, target: &Target, consumer: &str) -> Result<(), ClusterError>;

    /// What is there of every key in the instance's namespace, watchmen included, by name.
    async fn keys(&self, target: &Target) -> Result<Vec<KeyFact>, ClusterError>;

    /// One round at every replica of the gateway: each keyed route is asked, without a key, until every
    /// worker has answered (or, where their number is unknown, no new one appears), and not longer than
    /// one that still has an older generation is met. Ends within 5 s; a silent replica is a trouble in
    /// the look, and an error only when the replicas or routes cannot even be listed.
    async fn look(&self, target: &Target, generation: i64) -> Result<GatewayLook, ClusterError>;

    /// The status that a neighbour's instance answers to a key that is not its own; none when it gave no
    /// answer. Ends within 5 s.
    async fn knock(&self, neighbour: &Target, key: &PlainToken) -> Option<u16>;

    /// Requests per consumer as the cluster's metrics tell; none where no metrics are configured.
    async fn usage(&self, cluster: &ClusterSettings) -> Result<Option<Vec<Usage>>, ClusterError>;
}
