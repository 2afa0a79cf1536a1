//! Ports: what the use cases need from outside this process, as small traits. `server/cluster`
//! implements them for real clusters, tests for imagined ones; nothing here knows which.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::cause::Cause;
use model::cluster::{ClusterSettings, Purpose};
use model::observation::{Observation, Probe};
use model::release::Release;
use model::secret_text::PlainToken;
use model::view::{AccessOffer, CheckLine};
use model::{InstanceId, TenantId, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};

mod token;

pub use self::token::{KeyFact, KeyWish, NewTokenEntry, TokenPort, Usage};

/// An instance as it is wished for on its cluster: all that the adapters need to write and to judge.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Where.
    pub cluster: ClusterSettings,
    /// Which.
    pub instance: InstanceId,
    /// Whose.
    pub tenant: TenantId,
    /// Its host name.
    pub host: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The release it is wished at.
    pub release: Release,
    /// Console overrides, as Helm values.
    pub overrides: Map<String, Value>,
}

/// The gate as the rows ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Grows by one with every change.
    pub generation: i64,
    /// Consumers that may pass, without the namespace; empty for a closed door.
    pub open_to: Vec<String>,
}

/// A secret to be written once to Secrets Manager.
#[derive(Clone)]
pub struct NewSecret {
    /// Last part of its name: `wallet-seed`.
    pub name: String,
    /// Its text.
    pub text: secrecy::SecretString,
    /// Makes a repeated write the same write; a UUID as text.
    pub request_token: String,
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why a cluster, or Secrets Manager beside it, did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// No answer, or none that makes sense: connection refused, time-out, 5xx, garbage.
    #[error("{0}")]
    Unreachable(String),
    /// Too many requests; try again after a pause.
    #[error("{0}")]
    Busy(String),
    /// The cluster understood and said no: rights, admission, a conflict with another field manager.
    #[error("{0}")]
    Refused(String),
    /// Secrets Manager said no or did not answer.
    #[error("{0}")]
    SecretsManager(String),
    /// The settings cannot be used: no such context, no such sandbox cluster.
    #[error("{0}")]
    Misconfigured(String),
}

impl ClusterError {
    /// Whether what was asked may have been done all the same, because no answer told. Every other
    /// failure is a certain one: nothing was done.
    #[must_use]
    pub const fn is_uncertain(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}

/// What a watch on a cluster reports.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// The cluster answers; its Kubernetes version.
    Reachable {
        /// `v1.35.4`.
        kubernetes: String,
    },
    /// The cluster does not answer, and why.
    Unreachable {
        /// A sentence without its end.
        why: String,
    },
    /// An instance was seen as it is now.
    Seen {
        /// Which.
        instance: InstanceId,
        /// What was seen.
        observation: Box<Observation>,
    },
    /// All that was there at the start has been reported; instances not seen by now are absent.
    Listed,
}

/// Tells a watch what is wished for, so that it can say whether what it sees is that.
pub trait Targets: Send + Sync + fmt::Debug {
    /// The wish for an instance; none when it is not one of this control plane's.
    fn target(&self, instance: &InstanceId) -> Option<Arc<Target>>;
}

/// Everything asked of clusters. Every method has a deadline of its own (10 s unless said), is safe
/// to repeat, and may be called from several processes at once.
#[async_trait]
pub trait ClusterPort: TokenPort + Send + Sync + fmt::Debug {
    /// Ways to reach a cluster that this server offers.
    fn offers(&self) -> Vec<AccessOffer>;

    /// Checks a cluster before it is accepted: reachable, rights (`SelfSubjectAccessReview`), custom
    /// resources with the served versions, namespaces, project. Never fails; a line says what does.
    async fn check(&self, cluster: &ClusterSettings) -> Vec<CheckLine>;

    /// Looks at one instance now, by reading the cluster.
    async fn observe(&self, target: &Target) -> Result<Observation, ClusterError>;

    /// Makes the namespace with its labels, Pod Security and quota.
    async fn apply_namespace(&self, target: &Target) -> Result<(), ClusterError>;

    /// Writes secrets that are not there yet; existing ones stay as they are.
    async fn write_secrets(
        &self,
        target: &Target,
        secrets: &[NewSecret],
    ) -> Result<(), ClusterError>;

    /// Writes the Secret and consumer of the watchman called `consumer`, or takes them away when `key`
    /// is none.
    async fn apply_watchman(
        &self,
        target: &Target,
        consumer: &str,
        key: Option<&PlainToken>,
    ) -> Result<(), ClusterError>;

    /// Writes the gate. Refused when the cluster has a later generation, whoever wrote it, or this one
    /// with another whitelist: a generation means one whitelist, or an answer would prove nothing.
    async fn apply_gate(&self, target: &Target, gate: &Gate) -> Result<(), ClusterError>;

    /// Writes the Argo CD Application.
    async fn apply_application(&self, target: &Target) -> Result<(), ClusterError>;

    /// Makes Argo CD try again although it gave up on this revision.
    async fn retry_sync(&self, target: &Target) -> Result<(), ClusterError>;

    /// Takes away every consumer and its key in the namespace.
    async fn remove_keys(&self, target: &Target) -> Result<(), ClusterError>;

    /// Asks for the deletion of the Application and of all that it deployed.
    async fn remove_application(&self, target: &Target) -> Result<(), ClusterError>;

    /// Asks for the deletion of the namespace.
    async fn remove_namespace(&self, target: &Target) -> Result<(), ClusterError>;

    /// Deletes the entries in Secrets Manager.
    async fn remove_secrets(&self, target: &Target) -> Result<(), ClusterError>;

    /// Everything of the instance that is still there, as `Kind namespace/name`.
    async fn leftovers(&self, target: &Target) -> Result<Vec<String>, ClusterError>;

    /// Sends one request through DNS, TLS, gateway and token; what goes wrong is its outcome.
    async fn probe(&self, target: &Target, key: &PlainToken) -> Probe;

    /// Watches a cluster and reports into `sink` until `stop` turns true. Reconnects by itself, with
    /// back-off and jitter; notices a half-open connection within 30 s; reports reachability changes
    /// at once and `Reachable` at least every 10 s while the cluster answers.
    async fn watch(
        &self,
        cluster: &ClusterSettings,
        targets: Arc<dyn Targets>,
        sink: mpsc::Sender<WatchEvent>,
        stop: watch::Receiver<bool>,
    );
}

/// A mail to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Address.
    pub to: String,
    /// Subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Handed to the mail server.
    Sent,
    /// Written to the outbox folder, since no mail server is configured.
    Outbox,
}

/// The mail could not be handed over.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct MailError(pub String);

/// Hands mails over.
#[async_trait]
pub trait Mailer: Send + Sync + fmt::Debug {
    /// Sends one.
    async fn send(&self, mail: &Mail) -> Result<Delivery, MailError>;

    /// Renders the mail that invites a person; the link is the only secret and stays in the mail.
    fn invitation(
        &self,
        to: &str,
        inviter: &str,
        role: &str,
        tenant: Option<&str>,
        link: &str,
    ) -> Mail;

    /// Renders the mail that reminds of a token which expires then, that long from now.
    fn token_reminder(&self, about: &TokenMail<'_>, expires_at: Timestamp, left: Duration) -> Mail;

    /// Renders the mail that tells of a token which was found at a place, and whether it is revoked.
    fn token_leaked(&self, about: &TokenMail<'_>, place: &str, revoked: bool) -> Mail;

    /// Renders the mail that tells the staff what is not as it must be, and what to do.
    fn alarm(&self, to: &str, cause: &Cause, link: &str) -> Mail;
}

/// What a mail about a token names; never its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMail<'a> {
    /// Address.
    pub to: &'a str,
    /// What the token is called.
    pub name: &'a str,
    /// What pages show of its text.
    pub hint: &'a str,
    /// What its instance is called; none for an access token of this control plane's own API.
    pub instance: Option<&'a str>,
    /// Where it is shown.
    pub link: &'a str,
}
