//! What every service shares: the database, the ports and the settings. Cheap to clone, so that a
//! service is a plain struct and no global state exists.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use model::token::{OnLeak, TokenPolicy};
use model::{Actor, Authorised, Clock, Denied, Entropy, Grant, TenantId, Timestamp};
use store::Db;

use crate::audit::Entry;
use crate::limit::{Rate, Verdict};
use crate::ports::{ClusterPort, Mailer};
use crate::{Error, Origin, Result};

const DAY: Duration = Duration::from_hours(24);

/// What every service shares; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness fit for secrets.
    pub entropy: Arc<dyn Entropy>,
    /// Clusters.
    pub clusters: Arc<dyn ClusterPort>,
    /// Mail.
    pub mailer: Arc<dyn Mailer>,
    /// What the operator configured.
    pub settings: Arc<Settings>,
}

/// What the operator configured. [`Settings::new`] fills in the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where browsers reach this server, without a trailing slash: the base of links in mails.
    pub public_url: String,
    /// What hashing a password costs.
    pub password: PasswordCost,
    /// A session ends when it was not used for so long (30 minutes).
    pub session_idle: Duration,
    /// A session ends so long after it began, however much it is used (12 hours).
    pub session_absolute: Duration,
    /// How often one may try to sign in.
    pub sign_in: SignInLimits,
    /// How long an invitation can be accepted (7 days).
    pub invitation_life: Duration,
    /// How long the deletion of an instance can be undone, unless it says otherwise (7 days).
    pub deletion_grace: Duration,
    /// How long a claim on work holds without being renewed (10 seconds).
    pub lease: Duration,
    /// How long events are kept (7 days).
    pub event_life: Duration,
    /// Most events kept (100,000).
    pub events_kept: u32,
    /// How long the answer to an idempotency key is kept (24 hours).
    pub idempotency_life: Duration,
    /// How long a request that holds an idempotency key may go without an answer before its repeat
    /// counts as the first (60 seconds).
    pub idempotency_lease: Duration,
    /// How long tokens may live and what a leak does, unless a tenant demands more (90 and 365 days;
    /// revoked).
    pub token_policy: TokenPolicy,
    /// How long Secrets Manager may take for one token (15 seconds).
    pub token_patience: Duration,
    /// JSON schema of the instance chart's values, where there is one; overrides are checked by it.
    pub values_schema: Option<String>,
    /// Names of the collectors that the audit trail is handed on to.
    pub audit_sinks: Vec<String>,
    /// The secret from which keys of this installation are derived.
    pub server_key: ServerKey,
}

impl Settings {
    /// The defaults, with the two things that have none.
    pub fn new(public_url: impl Into<String>, server_key: ServerKey) -> Self {
        Self {
            public_url: public_url.into().trim_end_matches('/').to_owned(),
            password: PasswordCost::default(),
            session_idle: Duration::from_mins(30),
            session_absolute: Duration::from_hours(12),
            sign_in: SignInLimits::default(),
            invitation_life: 7 * DAY,
            deletion_grace: 7 * DAY,
            lease: Duration::from_secs(10),
            event_life: 7 * DAY,
            events_kept: 100_000,
            idempotency_life: DAY,
            idempotency_lease: Duration::from_mins(1),
            token_policy: TokenPolicy {
                default_days: 90,
                max_days: 365,
                on_leak: OnLeak::Revoke,
            },
            token_patience: Duration::from_secs(15),
            values_schema: None,
            audit_sinks: Vec::new(),
            server_key,
        }
    }
}

/// What hashing a password with argon2id costs, and how many at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Hashes computed at the same time; twice as many may wait.
    pub concurrency: usize,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            concurrency: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// How often one may try to sign in: a burst at once, then at the given rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInLimits {
    /// Tries per account and hour (30).
    pub per_account_per_hour: u32,
    /// Tries per client address and hour; an IPv6 /64 counts as one address (120).
    pub per_address_per_hour: u32,
    /// Tries that may follow each other at once (10).
    pub burst: u32,
}

impl Default for SignInLimits {
    fn default() -> Self {
        Self {
            per_account_per_hour: 30,
            per_address_per_hour: 120,
            burst: 10,
        }
    }
}

/// 32 secret bytes of this installation. Never shown.
#[derive(Clone)]
pub struct ServerKey([u8; 32]);

impl ServerKey {
    /// Takes the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Hands the bytes out, to derive keys from.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(..)")
    }
}

/// Checks the permission table for a read. `what` names the thing in the answer when it does not
/// exist for this actor, so that another tenant's thing and none at all read the same.
///
/// # Errors
/// [`Error::Unauthenticated`], [`Error::NotFound`] or [`Error::Forbidden`].
pub fn authorise<P: Grant>(
    actor: &Actor,
    tenant: Option<TenantId>,
    what: &'static str,
) -> Result<Authorised<P>> {
    model::permission::authorise(actor, tenant).map_err(|denied| match denied {
        Denied::Absent => Error::NotFound { what },
        other => other.into(),
    })
}

/// Recorded refusals per actor and hour.
const REFUSALS: Rate = Rate {
    per_hour: 20,
    burst: 20,
};

impl Context {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Checks the permission table for a write, and leaves a row in the audit trail when a role or
    /// scope was too small for it (a bounded number of rows per actor).
    ///
    /// # Errors
    /// As [`authorise`].
    pub async fn allow<P: Grant>(
        &self,
        actor: &Actor,
        tenant: Option<TenantId>,
        what: &'static str,
        action: &'static str,
        origin: &Origin,
    ) -> Result<Authorised<P>> {
        let checked = authorise(actor, tenant, what);
        if let Err(Error::Forbidden { detail }) = &checked {
            let entry = Entry::new(&actor.reference(), origin, action)
                .of(tenant)
                .about(what, "")
                .summary(format!("Refused: {detail}"));
            self.record_refusal(&format!("refused:{}", actor.reference().key()), entry)
                .await;
        }
        checked
    }

    /// Leaves a row about something that was refused, unless `key` has left many of late. A row that
    /// cannot be written is logged and costs the caller nothing: the refusal stands anyway.
    pub(crate) async fn record_refusal(&self, key: &str, entry: Entry) {
        let written = async {
            let mut tx = self.db.begin().await?;
            if let Verdict::Taken = crate::limit::take(&mut tx, key, REFUSALS, self.now()).await? {
                crate::audit::append(&mut tx, self.now(), entry).await?;
                tx.commit().await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "A refused attempt could not be recorded.");
        }
    }
}
