//! Read models that were made up, for tests and the gallery: empty, one, many, in trouble. Names carry
//! markup and marks on purpose, so that a page that forgets to escape is noticed at once.

use std::collections::BTreeMap;
use std::time::Duration;

use model::cause::{Cause, CauseCode};
use model::cluster::{ChartSource, ClusterAccess, ClusterSettings, Gateway, OverrideSource, Purpose};
use model::health::{HealthStatus, Opinion, Opinions};
use model::instance::InstanceState;
use model::operation::{OperationKind, OperationState, StepState};
use model::permission::Scope;
use model::release::{Channel, Release};
use model::user::Role;
use model::view::*;
use model::{Actor, InstanceId, OperationId, TenantId, Timestamp};

use crate::context::{Assets, Caller, Theme};

mod gallery;

pub use self::gallery::{Sample, pages};

/// Text that must never reach a page unescaped.
pub const HOSTILE: &str = "<script>alert(1)</script> & “Söhne”";

/// When the samples were true.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T14:02:31Z").unwrap_or_default()
}

fn before(seconds: u64) -> Timestamp {
    now() - Duration::from_secs(seconds)
}

/// Reads a value that is known to be right; a sample that is not fails its test.
fn read<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().expect("a sample is well formed")
}

/// The id number `n` of its kind.
fn uuid(n: usize) -> String {
    format!("0193580a-0000-7000-8000-{n:012}")
}

/// A tenant's id.
#[must_use]
pub fn tenant_id(n: usize) -> TenantId {
    read(&uuid(n))
}

/// An instance's id: looks drawn, is the same every time.
#[must_use]
pub fn instance_id(n: usize) -> InstanceId {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut seed = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut text = String::new();
    while text.len() < InstanceId::LEN {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let alphabet = if text.is_empty() { 26 } else { 36 };
        let at = usize::try_from((seed >> 33) % alphabet).unwrap_or(0);
        text.push(char::from(LETTERS[at]));
    }
    read(&text)
}

/// Somebody with a role, asking.
#[must_use]
pub fn caller(role: Option<Role>) -> Caller {
    let me = role.map(|role| MeView {
        kind: "user".to_owned(),
        user_id: Some(read(&uuid(900))),
        name: "Ada Lovelace".to_owned(),
        email: "ada@atala.example".to_owned(),
        staff: role.is_staff().then_some(role),
        tenants: if role.is_staff() { Vec::new() } else { vec![(tenant_id(1), role)] },
        scopes: Vec::new(),
    });
    Caller {
        actor: Actor::Anonymous,
        origin: service::Origin::local(),
        me,
        sandbox: true,
        environment: None,
        assets: Assets { style: Some("style.css".to_owned()), client_js: None, client_wasm: None },
        nonce: "c2FtcGxl".to_owned(),
        now: now(),
        notices: Vec::new(),
        flash: None,
        theme: Theme::System,
        location: "/".to_owned(),
    }
}

fn opinion(status: HealthStatus, summary: &str) -> Opinion {
    Opinion { status, summary: summary.to_owned(), as_of: Some(before(3)) }
}

/// Health with what goes with it.
#[must_use]
pub fn health(status: HealthStatus) -> HealthView {
    use HealthStatus as S;
    let cause = match status {
        S::Healthy | S::Progressing => None,
        S::Degraded => Some(Cause::new(CauseCode::WrongVersionRunning, "cloud-agent", "it answers 2.0.0")),
        S::Down => Some(Cause::new(
            CauseCode::ImageCannotBePulled,
            "cloud-agent",
            "ghcr.io/hyperledger/identus-cloud-agent:2.3.0: the registry answered 'not found'",
        )),
        S::Unknown => Some(Cause::new(CauseCode::ClusterUnreachable, "eu-dev-1", "connection timed out after 10 s")),
    };
    let opinions = match status {
        S::Healthy => [(S::Healthy, "Synced and Healthy"), (S::Healthy, "All pods ready"), (S::Healthy, "200 in 41 ms, version 2.1.0")],
        S::Progressing => [(S::Progressing, "Synced, Progressing"), (S::Progressing, "2 of 4 pods ready"), (S::Unknown, "Not asked yet")],
        S::Degraded => [(S::Healthy, "Synced and Healthy"), (S::Degraded, "cloud-agent runs 2.0.0"), (S::Healthy, "200 in 380 ms, version 2.0.0")],
        S::Down => [(S::Progressing, "Synced, Progressing"), (S::Down, "0 of 1 cloud-agent ready: ImagePullBackOff"), (S::Down, "503 from the gateway")],
        S::Unknown => [(S::Unknown, "The cluster does not answer"), (S::Unknown, "The cluster does not answer"), (S::Unknown, "No answer")],
    };
    let [deployment, runtime, reachability] = opinions.map(|(status, summary)| opinion(status, summary));
    HealthView {
        status,
        cause: cause.as_ref().map(CauseView::from),
        since: before(match status {
            S::Healthy => 86_400 * 12,
            S::Progressing => 35,
            S::Degraded => 2_400,
            S::Down => 1_020,
            S::Unknown => 260,
        }),
        as_of: before(if status == S::Unknown { 260 } else { 3 }),
        stale: status == S::Unknown,
        opinions: Opinions { deployment, runtime, reachability },
    }
}

/// An operation as far as `done` steps of it are finished.
#[must_use]
pub fn operation(n: usize, kind: OperationKind, state: OperationState, done: usize) -> OperationView {
    let steps: Vec<StepView> =
        kind.steps().iter().enumerate().map(|(at, name)| step(*name, at, done, state)).collect();
    let failed = matches!(state, OperationState::Failed | OperationState::Stuck);
    let cause = Cause::new(CauseCode::SyncFailed, "prismk7mq2x9dr4ht", "one or more objects failed to apply");
    OperationView {
        id: read::<OperationId>(&uuid(5_000 + n)),
        instance_id: instance_id(n),
        instance_name: NAMES[n % NAMES.len()].to_owned(),
        tenant_id: tenant_id(n % 9 + 1),
        kind,
        state,
        percent: u8::try_from(done * 100 / steps.len()).unwrap_or(100),
        steps,
        remaining_ms: state.is_active().then_some(42_000),
        error: failed.then(|| CauseView::from(&cause)),
        summary: match kind {
            OperationKind::Create => "At release 2.1.0".to_owned(),
            OperationKind::Upgrade => "To release 2.2.0".to_owned(),
            OperationKind::Reconfigure => "New overrides".to_owned(),
            OperationKind::Delete => "With a grace period of 7 days".to_owned(),
        },
        requested_by: "Ada Lovelace".to_owned(),
        created_at: before(95),
        finished_at: (!state.is_active()).then(|| before(9)),
        cancelling: false,
        cancel_refused: None,
    }
}

fn step(name: model::operation::StepName, at: usize, done: usize, operation: OperationState) -> StepView {
    let state = match at.cmp(&done) {
        std::cmp::Ordering::Less => StepState::Succeeded,
        std::cmp::Ordering::Greater => StepState::Pending,
        std::cmp::Ordering::Equal => match operation {
            OperationState::Running => StepState::Running,
            OperationState::Waiting => StepState::Waiting,
            OperationState::Stuck | OperationState::Failed => StepState::Failed,
            OperationState::Cancelled => StepState::Skipped,
            OperationState::Queued | OperationState::Succeeded => StepState::Pending,
        },
    };
    let begun = before(90) + Duration::from_secs(at as u64 * 7);
    let message = match state {
        StepState::Running => Some("Argo CD applies 24 of 31 objects."),
        StepState::Waiting => Some("Waits for the certificate authority to answer the challenge."),
        StepState::Failed => Some("one or more objects failed to apply: Deployment/cloud-agent is invalid"),
        _ => None,
    };
    StepView {
        name,
        state,
        started_at: (state != StepState::Pending).then_some(begun),
        finished_at: matches!(state, StepState::Succeeded | StepState::Failed)
            .then(|| begun + Duration::from_millis(1_400 + 900 * at as u64)),
        message: message.map(str::to_owned),
        deadline_at: matches!(state, StepState::Running | StepState::Waiting)
            .then(|| now() + Duration::from_secs(540)),
        usual_ms: u64::try_from(name.usual().as_millis()).unwrap_or(0),
    }
}

const NAMES: [&str; 6] = ["Wallet staging", "Wallet", "Diploma issuer", "Registry pilot", "Health passes", "Border trial"];
const TENANTS: [&str; 9] = [
    "Acme Ltd", "Université de Lyon", "Stadt Köln", "Ministry of Education", "Orange Bank", "Nordic Health",
    "Cardano Foundation", "Port of Antwerp", "Verein für Nachweise und digitale Identität",
];

/// An instance number `n` with that health.
#[must_use]
pub fn instance(n: usize, status: HealthStatus) -> InstanceView {
    let id = instance_id(n);
    let progressing = status == HealthStatus::Progressing;
    InstanceView {
        url: Some(format!("https://{id}.eu.prism.example")),
        host: Some(format!("{id}.eu.prism.example")),
        id,
        tenant_id: tenant_id(n % 9 + 1),
        tenant_name: TENANTS[n % 9].to_owned(),
        name: NAMES[n % NAMES.len()].to_owned(),
        purpose: Purpose::ALL[n % 2],
        region: read("eu-west-1"),
        cluster: Some(read(if n.is_multiple_of(2) { "eu-dev-1" } else { "eu-prod-1" })),
        release: read("2.1.0"),
        state: if progressing { InstanceState::Creating } else { InstanceState::Running },
        health: health(status),
        operation: progressing.then(|| operation(n, OperationKind::Create, OperationState::Running, 5)),
        created_at: before(86_400 * (n as u64 * 3 + 1)),
    }
}

/// A status that is mostly healthy, the same for the same `n`.
fn status(n: usize) -> HealthStatus {
    match n * 7 % 83 {
        5 => HealthStatus::Down,
        11 | 12 => HealthStatus::Degraded,
        23 | 24 => HealthStatus::Progressing,
        31 => HealthStatus::Unknown,
        _ => HealthStatus::Healthy,
    }
}

/// A fleet of `count` instances on `clusters` clusters.
#[must_use]
pub fn fleet(count: usize, clusters: usize) -> FleetView {
    let statuses: Vec<HealthStatus> =
        (0..count).map(|n| if count < 9 { HealthStatus::ALL[n % 5] } else { status(n) }).collect();
    let number = |wanted: HealthStatus| {
        u32::try_from(statuses.iter().filter(|s| **s == wanted).count()).unwrap_or(0)
    };
    let share = count.div_ceil(clusters.max(1));
    let map = (0..clusters).map(|cluster| fleet_cluster(cluster, share, &statuses)).collect();
    let mut bad: Vec<(usize, HealthStatus)> = statuses
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, s)| !matches!(s, HealthStatus::Healthy | HealthStatus::Progressing))
        .collect();
    bad.sort_by_key(|(_, s)| std::cmp::Reverse((*s == HealthStatus::Down, *s)));
    let moving: Vec<usize> = (0..count).filter(|n| statuses[*n] == HealthStatus::Progressing).take(4).collect();
    FleetView {
        instances: u32::try_from(count).unwrap_or(0),
        not_healthy: u32::try_from(count).unwrap_or(0) - number(HealthStatus::Healthy),
        operations_running: u32::try_from(moving.len()).unwrap_or(0),
        oldest_unknown: (number(HealthStatus::Unknown) > 0).then(|| before(260)),
        by_status: HealthStatus::ALL.iter().map(|s| (*s, number(*s))).collect(),
        map,
        attention: bad.into_iter().take(6).map(|(n, s)| instance(n, s)).collect(),
        operations: moving
            .into_iter()
            .enumerate()
            .map(|(at, n)| operation(n, OperationKind::ALL[at % 4], OperationState::Running, 2 + at % 2))
            .collect(),
        as_of: before(2),
    }
}

fn fleet_cluster(cluster: usize, share: usize, statuses: &[HealthStatus]) -> FleetCluster {
    let regions = ["eu-west-1", "eu-central-1", "us-east-1", "ap-south-1", "sa-east-1"];
    let purpose = Purpose::ALL[cluster % 2];
    let region = regions[cluster / 2 % regions.len()];
    let mut cells: Vec<FleetCell> = (cluster * share..((cluster + 1) * share).min(statuses.len()))
        .map(|n| FleetCell {
            id: instance_id(n),
            name: NAMES[n % NAMES.len()].to_owned(),
            tenant: if n == 0 { HOSTILE.to_owned() } else { TENANTS[n % 9].to_owned() },
            status: statuses[n],
        })
        .collect();
    cells.sort_by(|a, b| a.id.cmp(&b.id));
    let short = if purpose == Purpose::Development { "dev" } else { "prod" };
    FleetCluster {
        name: Some(read(&format!("{region}-{short}"))),
        purpose: Some(purpose),
        region: Some(read(region)),
        capacity: u32::try_from(share + share / 2 + 10).unwrap_or(0),
        reachable: cluster != 5,
        cells,
    }
}

/// One instance with everything about it.
#[must_use]
pub fn detail(status: HealthStatus) -> InstanceDetail {
    use HealthStatus as S;
    let one = instance(1, status);
    let parts = Part::ALL.iter().map(|part| part_of(*part, status)).collect();
    let history = history(status);
    let mut operations: Vec<OperationView> = one.operation.iter().cloned().collect();
    operations.push(operation(1, OperationKind::Create, OperationState::Succeeded, 9));
    InstanceDetail {
        running_version: match status {
            S::Healthy => Some("2.1.0".to_owned()),
            S::Degraded => Some("2.0.0".to_owned()),
            _ => None,
        },
        parts,
        overrides: Some("agent:\n  replicas: 2\n  resources:\n    limits:\n      memory: 2Gi\n".to_owned()),
        values: vec![
            value("agent.image", "ghcr.io/hyperledger/identus-cloud-agent:2.1.0", "release"),
            value("agent.replicas", "2", "console"),
            value("agent.resources.limits.memory", "2Gi", "console"),
            value("database.volume.size", "20Gi", "override file"),
            value("ingress.host", one.host.as_deref().unwrap_or_default(), "identity"),
        ],
        operations,
        history,
        upgrades: vec![
            UpgradeChoice { version: read("2.2.0"), channel: "supported".to_owned(), destroys: Vec::new() },
            UpgradeChoice {
                version: read("3.0.0"),
                channel: "preview".to_owned(),
                destroys: vec!["3.0.0: connections made before 2.0 are dropped".to_owned()],
            },
        ],
        grace_until: None,
        outside_changes: if status == S::Degraded {
            vec!["Deployment/cloud-agent: spec.template.spec.containers[0].image was changed by kubectl-edit".to_owned()]
        } else {
            Vec::new()
        },
        instance: one,
    }
}

/// An instance in its grace period.
#[must_use]
pub fn deleting() -> InstanceDetail {
    let mut view = detail(HealthStatus::Down);
    view.instance.state = InstanceState::Deleting;
    view.instance.health.cause = None;
    view.grace_until = Some(now() + Duration::from_secs(86_400 * 6));
    view.instance.operation = Some(operation(1, OperationKind::Delete, OperationState::Waiting, 1));
    view
}

fn value(path: &str, value: &str, origin: &str) -> ValueOrigin {
    ValueOrigin { path: path.to_owned(), value: value.to_owned(), origin: origin.to_owned() }
}

fn part_of(part: Part, status: HealthStatus) -> PartView {
    use HealthStatus as S;
    let (own, detail) = match (part, status) {
        (Part::Agent, S::Down) => (S::Down, "0 of 1 ready: ImagePullBackOff"),
        (Part::Agent, S::Degraded) => (S::Degraded, "2 of 2 ready, version 2.0.0"),
        (Part::Agent | Part::EnterpriseAgent, S::Progressing) => (S::Progressing, "0 of 1 ready"),
        (Part::Deployment, S::Progressing | S::Down) => (S::Progressing, "Synced, Progressing"),
        (_, S::Unknown) => (S::Unknown, "not seen for 4 min"),
        (Part::Gateway, _) => (S::Healthy, "gate 14, 3 replicas"),
        (Part::Database, _) => (S::Healthy, "Running, 1 of 1"),
        (Part::Certificate, _) => (S::Healthy, "valid until 12 Feb"),
        (Part::Secrets, _) => (S::Healthy, "4 of 4 synced"),
        (Part::Deployment, _) => (S::Healthy, "Synced and Healthy"),
        _ => (S::Healthy, "1 of 1 ready"),
    };
    let events = if own == S::Down {
        vec![
            event(true, "BackOff", "Back-off pulling image \"ghcr.io/hyperledger/identus-cloud-agent:2.3.0\"", 14),
            event(true, "Failed", HOSTILE, 5),
            event(false, "Scheduled", "Successfully assigned prismk7mq2x9dr4ht/cloud-agent to ip-10-0-3-17", 1),
        ]
    } else {
        Vec::new()
    };
    PartView { part, status: own, detail: detail.to_owned(), events }
}

fn event(warning: bool, reason: &str, message: &str, count: u32) -> EventLine {
    EventLine {
        at: before(u64::from(count) * 11),
        warning,
        object: "Pod/cloud-agent-7d9f8b6c5-x2x4v".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        count,
    }
}

/// Forty days of history that end in `status`.
fn history(status: HealthStatus) -> Vec<HistorySpan> {
    use HealthStatus as S;
    let hour = 3_600;
    let marks = [
        (960, 958, S::Progressing, None),
        (958, 600, S::Healthy, None),
        (600, 594, S::Degraded, Some("The secrets of Wallet are not synced.")),
        (594, 130, S::Healthy, None),
        (130, 120, S::Unknown, Some("The cluster eu-prod-1 cannot be reached.")),
        (120, 9, S::Healthy, None),
        (9, 7, S::Down, Some("The container cloud-agent crashes again and again.")),
        (7, 1, S::Healthy, None),
    ];
    let mut spans: Vec<HistorySpan> = marks
        .iter()
        .map(|(from, to, status, cause)| HistorySpan {
            from: before(from * hour),
            to: before(to * hour),
            status: *status,
            cause: cause.map(str::to_owned),
        })
        .collect();
    spans.push(HistorySpan { from: before(hour), to: now(), status, cause: None });
    spans
}

/// A tenant.
#[must_use]
pub fn tenant(n: usize) -> TenantView {
    TenantView {
        id: tenant_id(n),
        name: if n == 3 { HOSTILE.to_owned() } else { TENANTS[n % 9].to_owned() },
        instances: u32::try_from(n % 5).unwrap_or(0),
        not_healthy: u32::from(n % 4 == 2),
        members: u32::try_from(n % 3 + 1).unwrap_or(1),
        created_at: before(86_400 * (n as u64 + 1)),
    }
}

/// Two members and an invitation.
#[must_use]
pub fn members() -> Vec<MemberView> {
    let member = |n: usize, name: &str, email: &str, role, invited: bool| MemberView {
        user_id: (!invited).then(|| read(&uuid(900 + n))),
        invitation_id: invited.then(|| read(&uuid(950 + n))),
        name: name.to_owned(),
        email: email.to_owned(),
        role,
        since: before(86_400 * (n as u64 + 2)),
        expires_at: invited.then(|| now() + Duration::from_secs(86_400 * 5)),
    };
    vec![
        member(1, "Grace Hopper", "grace@acme.example", Role::TenantAdmin, false),
        member(2, HOSTILE, "h@acme.example", Role::TenantMember, false),
        member(3, "", "new@acme.example", Role::TenantMember, true),
    ]
}

/// A cluster, reachable or not.
#[must_use]
pub fn cluster(name: &str, purpose: Purpose, reachable: bool) -> ClusterView {
    let cause = Cause::new(CauseCode::ClusterUnreachable, name, "connection timed out after 10 s");
    ClusterView {
        settings: ClusterSettings {
            name: read(name),
            region: read("eu-west-1"),
            purpose,
            zone: read("eu.prism.example"),
            access: ClusterAccess::Kubeconfig { context: format!("{name}-admin") },
            argocd_namespace: "argocd".to_owned(),
            application_namespace: "hosted-instances".to_owned(),
            project: "hosted-instances".to_owned(),
            chart: ChartSource { repo_url: "https://git.example/prism/charts.git".to_owned(), path: "prism-instance".to_owned() },
            overrides: Some(OverrideSource { repo_url: "https://git.example/prism/overrides.git".to_owned(), revision: "main".to_owned() }),
            gateway: Gateway { scheme: "https".to_owned(), port: None, address: None },
            secrets_prefix: "hosted-instances".to_owned(),
            capacity: 200,
            cordoned: false,
        },
        instances: 37,
        reachable: Some(reachable),
        since: Some(before(if reachable { 864_000 } else { 260 })),
        as_of: Some(before(if reachable { 4 } else { 260 })),
        cause: (!reachable).then(|| CauseView::from(&cause)),
        kubernetes: Some("v1.34.1".to_owned()),
    }
}

/// What a check of a cluster found, with something missing.
#[must_use]
pub fn checks() -> Vec<CheckLine> {
    let line = |name: &str, ok, detail: &str| CheckLine { name: name.to_owned(), ok, detail: detail.to_owned() };
    vec![
        line("API server", true, "answers, v1.34.1"),
        line("Right to create applications.argoproj.io", true, "in the namespace hosted-instances"),
        line("externalsecrets.external-secrets.io v1", false, "The custom resource is not served. Install External Secrets 0.17 or newer."),
    ]
}

/// What the server offers as ways to reach a cluster.
#[must_use]
pub fn offers() -> Vec<AccessOffer> {
    let offer = |value: &str, title: &str| AccessOffer { value: value.to_owned(), title: title.to_owned() };
    vec![offer("in_cluster", "The cluster this server runs in"), offer("kubeconfig:eu-prod-1", "kubeconfig: eu-prod-1"), offer("eks", "EKS, by the AWS SDK")]
}

/// The catalogue.
#[must_use]
pub fn releases() -> Vec<ReleaseView> {
    let release = |version: &str, channel, destroys: Option<&str>, instances| ReleaseView {
        release: Release {
            version: read(version),
            channel,
            chart_revision: format!("prism-instance-{version}"),
            images: BTreeMap::from([
                ("agent".to_owned(), format!("ghcr.io/hyperledger/identus-cloud-agent:{version}")),
                ("registry-node".to_owned(), "ghcr.io/input-output-hk/prism-node:2.5.0".to_owned()),
            ]),
            schema: BTreeMap::from([("agent".to_owned(), 21), ("connect".to_owned(), 9)]),
            destroys: destroys.map(str::to_owned),
            notes: "Adds revocation lists of SD-JWT credentials.".to_owned(),
        },
        instances,
    };
    vec![
        release("3.0.0", Channel::Preview, Some("connections made before 2.0 are dropped"), 0),
        release("2.2.0", Channel::Supported, None, 3),
        release("2.1.0", Channel::Supported, None, 31),
        release("1.40.0", Channel::Deprecated, None, 2),
        release("1.31.0", Channel::Expired, Some(HOSTILE), 0),
    ]
}

/// Where an instance could go.
#[must_use]
pub fn regions() -> Vec<RegionChoice> {
    let choice = |region: &str, purpose, cluster: Option<&str>, refused: Option<&str>| RegionChoice {
        region: read(region),
        purpose,
        cluster: cluster.map(read),
        zone: cluster.map(|_| "eu.prism.example".to_owned()),
        refused: refused.map(str::to_owned),
    };
    vec![
        choice("eu-west-1", Purpose::Development, Some("eu-dev-1"), None),
        choice("eu-west-1", Purpose::Production, Some("eu-prod-1"), None),
        choice("us-east-1", Purpose::Development, None, Some("us-dev-1 is full (200 of 200)")),
        choice("us-east-1", Purpose::Production, Some("us-prod-1"), None),
    ]
}

/// The caller's sessions.
#[must_use]
pub fn sessions() -> Vec<SessionView> {
    let session = |n: usize, current, device: &str| SessionView {
        key: read(&uuid(700 + n)),
        current,
        device: device.to_owned(),
        address: "203.0.113.7".to_owned(),
        created_at: before(86_400 * n as u64),
        last_used_at: before(60 * n as u64),
        expires_at: now() + Duration::from_secs(86_400 * 20),
    };
    vec![session(1, true, "Firefox on Linux"), session(2, false, HOSTILE)]
}

/// Access tokens: in use, soon to expire, revoked.
#[must_use]
pub fn access_tokens() -> Vec<AccessTokenView> {
    let token = |n: usize, name: &str, days: u64, revoked: bool| AccessTokenView {
        id: read(&uuid(800 + n)),
        name: name.to_owned(),
        hint: "hiat_k7mq…9fQ2".to_owned(),
        scopes: vec![read::<Scope>("instances:write"), read::<Scope>("tenants:read")],
        owner: "Ada Lovelace".to_owned(),
        created_at: before(86_400 * 80),
        expires_at: now() + Duration::from_secs(86_400 * days),
        revoked_at: revoked.then(|| before(7_200)),
        last_used_at: (n != 2).then(|| before(300)),
    };
    vec![token(1, "Terraform", 200, false), token(2, HOSTILE, 9, false), token(3, "Old pipeline", 30, true)]
}

/// Rows of the audit trail.
#[must_use]
pub fn audit(count: usize) -> Vec<AuditView> {
    (0..count)
        .map(|n| AuditView {
            sequence: i64::try_from(count - n).unwrap_or(0),
            at: before(n as u64 * 400 + 30),
            actor: if n.is_multiple_of(3) { "The control plane".to_owned() } else { "Ada Lovelace".to_owned() },
            address: if n.is_multiple_of(3) { String::new() } else { "203.0.113.7".to_owned() },
            action: ["instance.create", "tenant.rename", "cluster.cordon"][n % 3].to_owned(),
            subject: format!("instance {}", instance_id(n)),
            summary: if n == 1 { HOSTILE.to_owned() } else { "Asked for an instance of Acme Ltd at 2.1.0.".to_owned() },
        })
        .collect()
}
