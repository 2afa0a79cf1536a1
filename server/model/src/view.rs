//! What services answer with and pages and API show: the same shapes for both, already filtered to
//! what the caller may see. Times are absolute; pages make them relative.

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, Who};
use crate::cluster::ClusterName;
use crate::cluster::{ClusterSettings, Purpose, Region};
use crate::health::{HealthStatus, Opinions};
use crate::id::{
    AccessTokenId, InstanceId, InvitationId, OperationId, SessionKey, TenantId, UserId,
};
use crate::instance::InstanceState;
use crate::operation::{OperationKind, OperationState, StepName, StepState};
use crate::permission::Scope;
use crate::release::{Release, Version};
use crate::time::Timestamp;
use crate::user::Role;

/// A cause as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseView {
    /// Its code, see `CauseCode`.
    pub code: String,
    /// What is so, and why.
    pub sentence: String,
    /// Who must act.
    pub who: Who,
    /// What to do next.
    pub next: String,
}

impl From<&Cause> for CauseView {
    fn from(cause: &Cause) -> Self {
        Self {
            code: cause.code.as_str().to_owned(),
            sentence: cause.sentence(),
            who: cause.code.who(),
            next: cause.code.next().to_owned(),
        }
    }
}

/// The health of an instance as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthView {
    /// One of the five words.
    pub status: HealthStatus,
    /// Why it is not healthy.
    pub cause: Option<CauseView>,
    /// Since when.
    pub since: Timestamp,
    /// When this was true.
    pub as_of: Timestamp,
    /// Whether `as_of` is too old to be believed.
    pub stale: bool,
    /// The three opinions.
    pub opinions: Opinions,
}

/// A part of an instance in the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// APISIX: route and gate.
    Gateway,
    /// PRISM Cloud Agent.
    Agent,
    /// PRISM Cloud Agent Enterprise.
    EnterpriseAgent,
    /// Verifiable Data Registry node.
    RegistryNode,
    /// PostgreSQL cluster.
    Database,
    /// TLS certificate.
    Certificate,
    /// Secrets from Secrets Manager.
    Secrets,
    /// The Argo CD Application.
    Deployment,
}

impl Part {
    /// All, in the order in which a request meets them, then what stands beside.
    pub const ALL: [Self; 8] = [
        Self::Gateway,
        Self::Agent,
        Self::EnterpriseAgent,
        Self::RegistryNode,
        Self::Database,
        Self::Certificate,
        Self::Secrets,
        Self::Deployment,
    ];

    /// What pages call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Gateway => "Gateway",
            Self::Agent => "Cloud Agent",
            Self::EnterpriseAgent => "Cloud Agent Enterprise",
            Self::RegistryNode => "Registry node",
            Self::Database => "Database",
            Self::Certificate => "Certificate",
            Self::Secrets => "Secrets",
            Self::Deployment => "Argo CD",
        }
    }
}

/// A part with its own health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartView {
    /// Which.
    pub part: Part,
    /// Its own health.
    pub status: HealthStatus,
    /// In a few words: "2 of 2 ready", "Running".
    pub detail: String,
    /// Latest events about it, newest first.
    pub events: Vec<EventLine>,
}

/// A Kubernetes event about a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// When it was last seen.
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

/// A step of an operation as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// Which.
    pub name: StepName,
    /// Where it is.
    pub state: StepState,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it waits for, or why it failed.
    pub message: Option<String>,
    /// Until when it may take, while it runs or waits.
    pub deadline_at: Option<Timestamp>,
    /// How long it usually takes, in milliseconds.
    pub usual_ms: u64,
}

/// An operation as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationView {
    /// Its id.
    pub id: OperationId,
    /// The instance.
    pub instance_id: InstanceId,
    /// What the instance is called.
    pub instance_name: String,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What is done.
    pub kind: OperationKind,
    /// Where it is.
    pub state: OperationState,
    /// The steps, in order.
    pub steps: Vec<StepView>,
    /// 0 to 100.
    pub percent: u8,
    /// Time left in milliseconds as far as history tells, while it is active.
    pub remaining_ms: Option<u64>,
    /// Why it is stuck or failed.
    pub error: Option<CauseView>,
    /// In words: "To release 2.2.0", "New overrides".
    pub summary: String,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether somebody asked for it to be cancelled and it has not stopped yet.
    pub cancelling: bool,
    /// Why it cannot be cancelled now; none when it can.
    pub cancel_refused: Option<String>,
}

/// An instance in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceView {
    /// Its id.
    pub id: InstanceId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the tenant is called.
    pub tenant_name: String,
    /// What it is called.
    pub name: String,
    /// Development or production.
    pub purpose: Purpose,
    /// Region.
    pub region: Region,
    /// Cluster; none until it is placed.
    pub cluster: Option<ClusterName>,
    /// Host name; none until it is placed.
    pub host: Option<String>,
    /// Address; none until it is placed.
    pub url: Option<String>,
    /// Release it is wished at.
    pub release: Version,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Its health.
    pub health: HealthView,
    /// The active operation, else none.
    pub operation: Option<OperationView>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Everything about one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceDetail {
    /// What lists show.
    pub instance: InstanceView,
    /// Version that answered the last probe.
    pub running_version: Option<String>,
    /// Its parts.
    pub parts: Vec<PartView>,
    /// Console overrides as YAML; none when the caller may not see them, empty when there are none.
    pub overrides: Option<String>,
    /// Where each value that differs from the chart's defaults comes from.
    pub values: Vec<ValueOrigin>,
    /// Latest operations, newest first.
    pub operations: Vec<OperationView>,
    /// Health over the last 90 days, oldest first.
    pub history: Vec<HistorySpan>,
    /// Releases it could go to, with what the catalogue says.
    pub upgrades: Vec<UpgradeChoice>,
    /// Until when a deletion can be undone.
    pub grace_until: Option<Timestamp>,
    /// What somebody else changed in our objects on the cluster.
    pub outside_changes: Vec<String>,
}

/// A value and the layer it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueOrigin {
    /// Dotted path.
    pub path: String,
    /// The value, as one line of YAML.
    pub value: String,
    /// `chart`, `release`, `override file`, `console` or `identity`.
    pub origin: String,
}

/// A span of time with one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistorySpan {
    /// From.
    pub from: Timestamp,
    /// To; the last span ends now.
    pub to: Timestamp,
    /// The status in between.
    pub status: HealthStatus,
    /// The cause, as a sentence.
    pub cause: Option<String>,
}

/// A release that an instance could be upgraded to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeChoice {
    /// The release.
    pub version: Version,
    /// `preview`, `supported`, `deprecated` or `expired`.
    pub channel: String,
    /// What is lost on the way; empty when nothing.
    pub destroys: Vec<String>,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantView {
    /// Its id.
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// Instances that are not deleted.
    pub instances: u32,
    /// Instances that are degraded, down or unknown.
    pub not_healthy: u32,
    /// People.
    pub members: u32,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A member of a tenant, or an invitation to be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The user; none while invited.
    pub user_id: Option<UserId>,
    /// The open invitation, if any.
    pub invitation_id: Option<InvitationId>,
    /// What they are called; empty while invited.
    pub name: String,
    /// Address.
    pub email: String,
    /// Role.
    pub role: Role,
    /// Since when, or when invited.
    pub since: Timestamp,
    /// When an invitation expires.
    pub expires_at: Option<Timestamp>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterView {
    /// What a person set.
    pub settings: ClusterSettings,
    /// Instances on it that are not deleted.
    pub instances: u32,
    /// Whether it answered at the last look; none before the first.
    pub reachable: Option<bool>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it was last looked at.
    pub as_of: Option<Timestamp>,
    /// What is wrong with it.
    pub cause: Option<CauseView>,
    /// Kubernetes version it reported.
    pub kubernetes: Option<String>,
}

/// One line of a cluster check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// What was checked.
    pub name: String,
    /// Whether it is as needed.
    pub ok: bool,
    /// What was found, and what to do when it is not as needed.
    pub detail: String,
}

/// A way to reach a cluster that the server offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessOffer {
    /// Value of the form field: `sandbox:NAME`, `in_cluster`, `kubeconfig:CONTEXT`, `eks`.
    pub value: String,
    /// What pages say.
    pub title: String,
}

/// A release with how many instances are on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// The catalogue entry.
    #[serde(flatten)]
    pub release: Release,
    /// Instances that are not deleted.
    pub instances: u32,
}

/// The fleet on one page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetView {
    /// Instances that are not deleted.
    pub instances: u32,
    /// Of those, degraded, down or unknown.
    pub not_healthy: u32,
    /// Active operations.
    pub operations_running: u32,
    /// When the oldest unknown one became unknown.
    pub oldest_unknown: Option<Timestamp>,
    /// Instances by status, in the order of `HealthStatus::ALL`.
    pub by_status: Vec<(HealthStatus, u32)>,
    /// The map: clusters by name, cells by id.
    pub map: Vec<FleetCluster>,
    /// What needs attention: worst first, at most 20.
    pub attention: Vec<InstanceView>,
    /// Active operations, newest first, at most 20.
    pub operations: Vec<OperationView>,
    /// When all this was true.
    pub as_of: Timestamp,
}

/// A cluster in the fleet map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetCluster {
    /// Its name; none for instances that are not placed yet.
    pub name: Option<ClusterName>,
    /// Purpose.
    pub purpose: Option<Purpose>,
    /// Region.
    pub region: Option<Region>,
    /// Most instances it may hold.
    pub capacity: u32,
    /// Whether it can be reached.
    pub reachable: bool,
    /// Its instances, by id.
    pub cells: Vec<FleetCell>,
}

/// An instance in the fleet map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetCell {
    /// Its id.
    pub id: InstanceId,
    /// What it is called.
    pub name: String,
    /// What its tenant is called.
    pub tenant: String,
    /// Its status.
    pub status: HealthStatus,
}

/// Where an instance could be created, for the form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionChoice {
    /// Region.
    pub region: Region,
    /// Purpose.
    pub purpose: Purpose,
    /// The cluster that would be chosen; none when none has room.
    pub cluster: Option<ClusterName>,
    /// Zone of its host names.
    pub zone: Option<String>,
    /// Why none has room.
    pub refused: Option<String>,
}

/// A session of the person who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// What it is ended by.
    pub key: SessionKey,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Browser and system, in words.
    pub device: String,
    /// Address it was begun from.
    pub address: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// An access token of this control plane's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenView {
    /// Its id.
    pub id: AccessTokenId,
    /// What it is called.
    pub name: String,
    /// What pages show of its text.
    pub hint: String,
    /// What it is limited to.
    pub scopes: Vec<Scope>,
    /// Who owns it.
    pub owner: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A row of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// Its chain: the tenant's id, or `staff`.
    pub chain: String,
    /// Place in its chain.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What that is: `user`, `access_token`, `operator`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Its id; empty where the kind says all.
    pub actor_id: String,
    /// From which address; empty for the system.
    pub address: String,
    /// What was done: `instance.create`.
    pub action: String,
    /// To what: `instance k7mq2x9dr4ht`.
    pub subject: String,
    /// In a sentence.
    pub summary: String,
    /// The tenant it belongs to.
    pub tenant: Option<TenantId>,
    /// Before, as JSON with secrets masked; empty for nothing.
    pub was: String,
    /// After, as JSON with secrets masked; empty for nothing.
    pub became: String,
    /// Why: `operation <id>`, `consent <id>` or `reason <text>`; empty for nothing.
    pub why: String,
    /// The request in which it was done; empty for work that no client asked for.
    pub request_id: String,
    /// Which bytes were hashed.
    pub form: i64,
    /// Hash of the row before.
    pub previous: String,
    /// Hash of this row.
    pub hash: String,
}

/// Who is asking, for `GET /me` and the frame of every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeView {
    /// `user`, `access_token`.
    pub kind: String,
    /// The user; none for tokens.
    pub user_id: Option<UserId>,
    /// Name.
    pub name: String,
    /// Address; empty for tokens.
    pub email: String,
    /// Staff role, if any.
    pub staff: Option<Role>,
    /// Tenants and the role in each.
    pub tenants: Vec<(TenantId, Role)>,
    /// Scopes of an access token; empty for people.
    pub scopes: Vec<Scope>,
}
