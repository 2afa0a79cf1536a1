//! Instances in every state of health, their operations, their parts and their past.

use std::time::Duration;

use model::OperationId;
use model::cause::{Cause, CauseCode};
use model::cluster::Purpose;
use model::health::{HealthStatus, Opinion, Opinions};
use model::instance::InstanceState;
use model::operation::{OperationKind, OperationState, StepState};
use model::view::{
    CauseView, EventLine, HealthView, HistorySpan, InstanceDetail, InstanceView, OperationView,
    Part, PartView, StepView, UpgradeChoice, ValueOrigin,
};

use super::{HOSTILE, NAMES, TENANTS, before, instance_id, now, read, tenant_id, uuid};

fn opinion(status: HealthStatus, summary: &str) -> Opinion {
    Opinion {
        status,
        summary: summary.to_owned(),
        as_of: Some(before(3)),
    }
}

fn cause(status: HealthStatus) -> Option<Cause> {
    use HealthStatus as S;
    match status {
        S::Healthy | S::Progressing => None,
        S::Degraded => Some(Cause::new(
            CauseCode::WrongVersionRunning,
            "cloud-agent",
            "it answers 2.0.0",
        )),
        S::Down => Some(Cause::new(
            CauseCode::ImageCannotBePulled,
            "cloud-agent",
            "ghcr.io/hyperledger/identus-cloud-agent:2.3.0: the registry answered 'not found'",
        )),
        S::Unknown => Some(Cause::new(
            CauseCode::ClusterUnreachable,
            "eu-dev-1",
            "connection timed out after 10 s",
        )),
    }
}

/// Health with what goes with it.
#[must_use]
pub fn health(status: HealthStatus) -> HealthView {
    use HealthStatus as S;
    let opinions = match status {
        S::Healthy => [
            (S::Healthy, "Synced and Healthy"),
            (S::Healthy, "All pods ready"),
            (S::Healthy, "200 in 41 ms, version 2.1.0"),
        ],
        S::Progressing => [
            (S::Progressing, "Synced, Progressing"),
            (S::Progressing, "2 of 4 pods ready"),
            (S::Unknown, "Not asked yet"),
        ],
        S::Degraded => [
            (S::Healthy, "Synced and Healthy"),
            (S::Degraded, "cloud-agent runs 2.0.0"),
            (S::Healthy, "200 in 380 ms, version 2.0.0"),
        ],
        S::Down => [
            (S::Progressing, "Synced, Progressing"),
            (S::Down, "0 of 1 cloud-agent ready: ImagePullBackOff"),
            (S::Down, "503 from the gateway"),
        ],
        S::Unknown => [
            (S::Unknown, "The cluster does not answer"),
            (S::Unknown, "The cluster does not answer"),
            (S::Unknown, "No answer"),
        ],
    };
    let [deployment, runtime, reachability] =
        opinions.map(|(status, summary)| opinion(status, summary));
    HealthView {
        status,
        cause: cause(status).as_ref().map(CauseView::from),
        since: before(match status {
            S::Healthy => 86_400 * 12,
            S::Progressing => 35,
            S::Degraded => 2_400,
            S::Down => 1_020,
            S::Unknown => 260,
        }),
        as_of: before(if status == S::Unknown { 260 } else { 3 }),
        stale: status == S::Unknown,
        opinions: Opinions {
            deployment,
            runtime,
            reachability,
        },
    }
}

/// An operation as far as `done` steps of it are finished.
#[must_use]
pub fn operation(
    n: usize,
    kind: OperationKind,
    state: OperationState,
    done: usize,
) -> OperationView {
    let steps: Vec<StepView> = kind
        .steps()
        .iter()
        .enumerate()
        .map(|(at, name)| step(*name, at, done, state))
        .collect();
    let failed = matches!(state, OperationState::Failed | OperationState::Stuck);
    let cause = Cause::new(
        CauseCode::SyncFailed,
        "prismk7mq2x9dr4ht",
        "one or more objects failed to apply",
    );
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

/// A deletion that waits for a gateway which proves nothing.
#[must_use]
pub fn unproven() -> OperationView {
    let mut view = operation(1, OperationKind::Delete, OperationState::Stuck, 2);
    let cause = Cause::new(
        CauseCode::ProofOverdue,
        NAMES[1],
        "apisix-7d9f8b6c5-x2x4v: a worker still has generation 13 of 14",
    );
    view.error = Some(CauseView::from(&cause));
    view
}

fn step(
    name: model::operation::StepName,
    at: usize,
    done: usize,
    operation: OperationState,
) -> StepView {
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
        StepState::Failed => {
            Some("one or more objects failed to apply: Deployment/cloud-agent is invalid")
        }
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
            .then(|| now() + Duration::from_mins(9)),
        usual_ms: u64::try_from(name.usual().as_millis()).unwrap_or(0),
    }
}

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
        cluster: Some(read(if n.is_multiple_of(2) {
            "eu-dev-1"
        } else {
            "eu-prod-1"
        })),
        release: read("2.1.0"),
        state: if progressing {
            InstanceState::Creating
        } else {
            InstanceState::Running
        },
        health: health(status),
        operation: progressing
            .then(|| operation(n, OperationKind::Create, OperationState::Running, 5)),
        created_at: before(86_400 * (n as u64 * 3 + 1)),
    }
}

/// One instance with everything about it.
#[must_use]
pub fn detail(status: HealthStatus) -> InstanceDetail {
    use HealthStatus as S;
    let one = instance(1, status);
    let parts = Part::ALL
        .iter()
        .map(|part| part_of(*part, status))
        .collect();
    let history = history(status);
    let mut operations: Vec<OperationView> = one.operation.iter().cloned().collect();
    operations.push(operation(
        1,
        OperationKind::Create,
        OperationState::Succeeded,
        9,
    ));
    InstanceDetail {
        running_version: match status {
            S::Healthy => Some("2.1.0".to_owned()),
            S::Degraded => Some("2.0.0".to_owned()),
            _ => None,
        },
        parts,
        overrides: Some(
            "agent:\n  replicas: 2\n  resources:\n    limits:\n      memory: 2Gi\n".to_owned(),
        ),
        values: values(one.host.as_deref().unwrap_or_default()),
        operations,
        history,
        upgrades: vec![
            UpgradeChoice {
                version: read("2.2.0"),
                channel: "supported".to_owned(),
                destroys: Vec::new(),
            },
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

fn values(host: &str) -> Vec<ValueOrigin> {
    vec![
        value(
            "agent.image",
            "ghcr.io/hyperledger/identus-cloud-agent:2.1.0",
            "release",
        ),
        value("agent.replicas", "2", "console"),
        value("agent.resources.limits.memory", "2Gi", "console"),
        value("database.volume.size", "20Gi", "override file"),
        value("ingress.host", host, "identity"),
    ]
}

/// An instance in its grace period.
#[must_use]
pub fn deleting() -> InstanceDetail {
    let mut view = detail(HealthStatus::Down);
    view.instance.state = InstanceState::Deleting;
    view.instance.health.cause = None;
    view.grace_until = Some(now() + Duration::from_hours(24 * 6));
    view.instance.operation = Some(operation(
        1,
        OperationKind::Delete,
        OperationState::Waiting,
        1,
    ));
    view
}

fn value(path: &str, value: &str, origin: &str) -> ValueOrigin {
    ValueOrigin {
        path: path.to_owned(),
        value: value.to_owned(),
        origin: origin.to_owned(),
    }
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
            event(
                true,
                "BackOff",
                "Back-off pulling image \"ghcr.io/hyperledger/identus-cloud-agent:2.3.0\"",
                14,
            ),
            event(true, "Failed", HOSTILE, 5),
            event(
                false,
                "Scheduled",
                "Successfully assigned prismk7mq2x9dr4ht/cloud-agent to ip-10-0-3-17",
                1,
            ),
        ]
    } else {
        Vec::new()
    };
    PartView {
        part,
        status: own,
        detail: detail.to_owned(),
        events,
    }
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
        (
            600,
            594,
            S::Degraded,
            Some("The secrets of Wallet are not synced."),
        ),
        (594, 130, S::Healthy, None),
        (
            130,
            120,
            S::Unknown,
            Some("The cluster eu-prod-1 cannot be reached."),
        ),
        (120, 9, S::Healthy, None),
        (
            9,
            7,
            S::Down,
            Some("The container cloud-agent crashes again and again."),
        ),
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
    spans.push(HistorySpan {
        from: before(hour),
        to: now(),
        status,
        cause: None,
    });
    spans
}
