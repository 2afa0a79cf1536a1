//! Health as the API shows it: the roll-up, its named cause, and the three opinions kept apart.

use model::Timestamp;
use model::cause::Who;
use model::health::{self, HealthStatus};
use model::view::{self, CauseView, HealthView};
use serde::Serialize;
use utoipa::ToSchema;

use super::words;

/// Why something is not as it should be, from a closed catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cause {
    /// Stable name: `image_cannot_be_pulled`.
    pub code: String,
    /// What is so, and why.
    pub sentence: String,
    /// Who must act.
    #[schema(schema_with = words::who)]
    pub who: Who,
    /// What to do next.
    pub next: String,
}

impl From<CauseView> for Cause {
    fn from(view: CauseView) -> Self {
        Self {
            code: view.code,
            sentence: view.sentence,
            who: view.who,
            next: view.next,
        }
    }
}

/// One of the three opinions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Opinion {
    /// What it says.
    #[schema(schema_with = words::health_status)]
    pub status: HealthStatus,
    /// In a few words, why.
    pub summary: String,
    /// When it was true; null when it was never formed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
}

impl From<health::Opinion> for Opinion {
    fn from(it: health::Opinion) -> Self {
        Self {
            status: it.status,
            summary: it.summary,
            as_of: it.as_of,
        }
    }
}

/// The three opinions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Opinions {
    /// What Argo CD says.
    pub deployment: Opinion,
    /// What Kubernetes says: pods, database, certificate, secrets.
    pub runtime: Opinion,
    /// What a real request through DNS, TLS, gateway and token says.
    pub reachability: Opinion,
}

/// The health of an instance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// The roll-up.
    #[schema(schema_with = words::health_status)]
    pub status: HealthStatus,
    /// Why it is not healthy; null when it is.
    pub cause: Option<Cause>,
    /// Since when the status is what it is.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When this was true.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Whether `as_of` is too old to be believed.
    pub stale: bool,
    /// The three opinions.
    pub opinions: Opinions,
}

impl From<HealthView> for Health {
    fn from(view: HealthView) -> Self {
        Self {
            status: view.status,
            cause: view.cause.map(Into::into),
            since: view.since,
            as_of: view.as_of,
            stale: view.stale,
            opinions: Opinions {
                deployment: view.opinions.deployment.into(),
                runtime: view.opinions.runtime.into(),
                reachability: view.opinions.reachability.into(),
            },
        }
    }
}

/// A Kubernetes event about a part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartEvent)]
pub struct EventLine {
    /// When it was last seen.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether Kubernetes calls it a warning.
    pub warning: bool,
    /// The object: `Pod/cloud-agent-…`.
    pub object: String,
    /// Its reason word.
    pub reason: String,
    /// What was said.
    pub message: String,
    /// How often.
    pub count: u32,
}

/// A part of an instance with its own health.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InstancePart)]
pub struct Part {
    /// Which.
    #[schema(schema_with = words::part)]
    pub part: view::Part,
    /// What pages call it.
    pub title: &'static str,
    /// Its own health.
    #[schema(schema_with = words::health_status)]
    pub status: HealthStatus,
    /// In a few words: `2 of 2 ready`.
    pub detail: String,
    /// Latest events about it, newest first.
    pub events: Vec<EventLine>,
}

impl From<view::PartView> for Part {
    fn from(view: view::PartView) -> Self {
        let events = view.events.into_iter().map(|it| EventLine {
            at: it.at,
            warning: it.warning,
            object: it.object,
            reason: it.reason,
            message: it.message,
            count: it.count,
        });
        Self {
            part: view.part,
            title: view.part.title(),
            status: view.status,
            detail: view.detail,
            events: events.collect(),
        }
    }
}

/// A span of time with one status.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthSpan)]
pub struct Span {
    /// From.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// To; the last span ends now.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The status in between.
    #[schema(schema_with = words::health_status)]
    pub status: HealthStatus,
    /// The cause, as a sentence.
    pub cause: Option<String>,
}

impl From<view::HistorySpan> for Span {
    fn from(it: view::HistorySpan) -> Self {
        Self {
            from: it.from,
            to: it.to,
            status: it.status,
            cause: it.cause,
        }
    }
}
