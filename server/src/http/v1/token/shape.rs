//! The shapes of tokens: how they stand, what was proven, what is known of their use.

use model::enforcement;
use model::token::{EndReason, TokenState, TokenView, UsageView};
use model::{InstanceId, TenantId, Timestamp, TokenId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::v1::words;

/// A token, without its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: TokenId,
    /// The instance it opens.
    #[schema(value_type = String)]
    pub instance_id: InstanceId,
    /// What the instance is called.
    pub instance_name: String,
    /// The tenant.
    #[schema(value_type = String, format = "uuid")]
    pub tenant_id: TenantId,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// What pages show of its text.
    #[schema(example = "prism_k7mq…9fQ2")]
    pub hint: String,
    /// Who answers for it; null for the tenant as a whole.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub owner_id: Option<UserId>,
    /// What they are called.
    pub owner: String,
    /// Where it is in its life. Only a token that is `revoked` was proven to be refused.
    #[schema(schema_with = words::token_state)]
    pub state: TokenState,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Why it ended or ends; null while it does not.
    #[schema(schema_with = words::end_reason_or_null)]
    pub reason: Option<EndReason>,
    /// What its state waits for; null when for nothing.
    pub waiting: Option<String>,
    /// Whether its revocation has gone without a proof for longer than 40 s.
    pub unproven: bool,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who issued it.
    pub created_by: String,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When a rotation retires it; null when none does.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retires_at: Option<Timestamp>,
    /// The token that took its place.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub replaced_by: Option<TokenId>,
    /// The token whose place it took.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub replaces: Option<TokenId>,
    /// How late its end was carried out, in milliseconds; null when it was not.
    pub late_ms: Option<u64>,
    /// The proof that it is refused.
    pub receipt: Option<Receipt>,
    /// What is known of its use; null when nothing is.
    pub usage: Option<Usage>,
}

impl From<TokenView> for Token {
    fn from(it: TokenView) -> Self {
        Self {
            id: it.id,
            instance_id: it.instance_id,
            instance_name: it.instance_name,
            tenant_id: it.tenant_id,
            name: it.name,
            note: it.note,
            hint: it.hint,
            owner_id: it.owner_id,
            owner: it.owner,
            state: it.state,
            since: it.since,
            reason: it.reason,
            waiting: it.waiting,
            unproven: it.unproven,
            created_at: it.created_at,
            created_by: it.created_by,
            expires_at: it.expires_at,
            retires_at: it.retires_at,
            replaced_by: it.replaced_by,
            replaces: it.replaces,
            late_ms: it.late_ms,
            receipt: it.receipt.map(Into::into),
            usage: it.usage.map(Into::into),
        }
    }
}

/// The proof that every worker of every replica of the gateway refuses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Receipt {
    /// Generation of the gate that was proven.
    pub generation: i64,
    /// Keyed routes asked.
    pub routes: u32,
    /// Replicas asked, all of them proven.
    pub replicas: u32,
    /// Workers that were seen to refuse, over all replicas.
    pub workers: u32,
    /// Whether the number of workers was known; if not, it was asked until no new one appeared.
    pub workers_known: bool,
    /// From the wish to the proof, in milliseconds.
    pub millis: u64,
    /// When it was proven.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<enforcement::Receipt> for Receipt {
    fn from(it: enforcement::Receipt) -> Self {
        Self {
            generation: it.generation,
            routes: it.routes,
            replicas: it.replicas,
            workers: it.workers,
            workers_known: it.workers_known,
            millis: it.millis,
            at: it.at,
        }
    }
}

/// What is known of a token's use.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Usage {
    /// When it was last seen used, to the minute; null when never since it was counted.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// Requests counted.
    pub uses: u64,
    /// When this was asked.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl From<UsageView> for Usage {
    fn from(it: UsageView) -> Self {
        Self {
            last_used_at: it.last_used_at,
            uses: it.uses,
            as_of: it.as_of,
        }
    }
}

/// Everything about one token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenDetail {
    /// The token.
    #[serde(flatten)]
    pub token: Token,
    /// Address of its instance; null until it has one.
    pub url: Option<String>,
    /// How far the proof is, while one is under way.
    pub progress: Option<Progress>,
    /// How long a revocation takes on that cluster, as measured.
    pub latency: Option<Latency>,
}

impl From<model::token::TokenDetail> for TokenDetail {
    fn from(it: model::token::TokenDetail) -> Self {
        Self {
            token: it.token.into(),
            url: it.url,
            progress: it.progress.map(Into::into),
            latency: it.latency.map(Into::into),
        }
    }
}

/// How far a proof is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Progress {
    /// The generation that is being proven.
    pub generation: i64,
    /// Every replica of the gateway.
    pub replicas: Vec<ReplicaProgress>,
    /// When this was seen.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl From<enforcement::Progress> for Progress {
    fn from(it: enforcement::Progress) -> Self {
        Self {
            generation: it.generation,
            replicas: it.replicas.into_iter().map(Into::into).collect(),
            at: it.at,
        }
    }
}

/// A replica and how far it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ReplicaProgress {
    /// Its name.
    pub name: String,
    /// Whether all its workers refuse.
    pub proven: bool,
    /// Workers that were seen to refuse.
    pub workers_proven: u32,
    /// Workers seen.
    pub workers_seen: u32,
    /// What is missing; empty when proven.
    pub why: String,
}

impl From<enforcement::ReplicaProgress> for ReplicaProgress {
    fn from(it: enforcement::ReplicaProgress) -> Self {
        Self {
            name: it.name,
            proven: it.proven,
            workers_proven: it.workers_proven,
            workers_seen: it.workers_seen,
            why: it.why,
        }
    }
}

/// How long it takes on a cluster until a moved gate is proven everywhere, as measured.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Latency {
    /// Median of the last hour, in milliseconds.
    pub median_ms: u64,
    /// 99th percentile of the last hour, in milliseconds.
    pub p99_ms: u64,
    /// Proofs it was taken from.
    pub samples: u32,
    /// The latest of them.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl From<enforcement::Latency> for Latency {
    fn from(it: enforcement::Latency) -> Self {
        Self {
            median_ms: it.median_ms,
            p99_ms: it.p99_ms,
            samples: it.samples,
            as_of: it.as_of,
        }
    }
}

/// A token that was issued, with its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// Its text, shown this once; send it as the header `apikey`. A repeated request with the same
    /// Idempotency-Key gets null here.
    pub text: Option<String>,
    /// Why `text` is left out, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_omitted: Option<&'static str>,
    /// Address of its instance.
    pub url: Option<String>,
}

/// The tokens that are being revoked now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revoked {
    /// Each of them, as it stands.
    pub tokens: Vec<Token>,
}

impl Revoked {
    /// From what the service answers.
    pub fn of(views: Vec<TokenView>) -> Self {
        Self {
            tokens: views.into_iter().map(Into::into).collect(),
        }
    }
}
