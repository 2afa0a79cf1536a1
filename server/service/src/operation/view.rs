//! From an operation's rows to what is shown: percent and time left from history, why it does not
//! go on, and whether it can still be cancelled.

use std::time::Duration;

use model::Timestamp;
use model::operation::{OperationKind, OperationState, StepName, StepState, percent};
use model::view::{CauseView, OperationView, StepView};
use store::operation::{Operation, Step};

use super::history::Usual;

/// An operation as it is shown at `now`.
#[must_use]
pub(crate) fn view(operation: &Operation, usual: &Usual, now: Timestamp) -> OperationView {
    let usual_of = |step: &Step| usual.of(operation.kind, step.name);
    let shares: Vec<(StepState, Duration, Duration)> = operation
        .steps
        .iter()
        .map(|step| (step.state, usual_of(step), elapsed(step, now)))
        .collect();
    let active = operation.state.is_active();
    OperationView {
        id: operation.id,
        instance_id: operation.instance_id.clone(),
        instance_name: operation.instance_name.clone(),
        tenant_id: operation.tenant_id,
        kind: operation.kind,
        state: operation.state,
        steps: operation
            .steps
            .iter()
            .map(|step| step_view(step, usual_of(step)))
            .collect(),
        percent: if operation.state == OperationState::Succeeded {
            100
        } else {
            percent(&shares)
        },
        remaining_ms: active.then(|| remaining(operation, &shares, now)).flatten(),
        error: shown_cause(operation),
        summary: operation.summary.clone(),
        requested_by: operation.requested_by.clone(),
        created_at: operation.created_at,
        finished_at: operation.finished_at,
        cancelling: active && operation.cancel_requested_at.is_some(),
        cancel_refused: cancel_refused(operation),
    }
}

fn step_view(step: &Step, usual: Duration) -> StepView {
    let open = matches!(step.state, StepState::Running | StepState::Waiting);
    StepView {
        name: step.name,
        state: step.state,
        started_at: step.started_at,
        finished_at: step.finished_at,
        message: step.message.clone(),
        deadline_at: step.deadline_at.filter(|_| open),
        usual_ms: u64::try_from(usual.as_millis()).unwrap_or(u64::MAX),
    }
}

fn elapsed(step: &Step, now: Timestamp) -> Duration {
    step.started_at.map_or(Duration::ZERO, |begun| {
        step.finished_at.unwrap_or(now).since(begun)
    })
}

/// What is left of the usual durations; while the grace period runs, what is left of that. None
/// while nobody can tell: stuck, or a step has outlasted its usual time.
fn remaining(
    operation: &Operation,
    shares: &[(StepState, Duration, Duration)],
    now: Timestamp,
) -> Option<u64> {
    if operation.state == OperationState::Stuck {
        return None;
    }
    let mut left = Duration::ZERO;
    for (step, (state, usual, elapsed)) in operation.steps.iter().zip(shares) {
        left += match state {
            StepState::Waiting if step.name == StepName::Grace => step
                .deadline_at
                .map_or(Duration::ZERO, |until| until.since(now)),
            StepState::Running | StepState::Waiting if elapsed > usual => return None,
            StepState::Running | StepState::Waiting => usual.saturating_sub(*elapsed),
            StepState::Pending => *usual,
            StepState::Succeeded | StepState::Failed | StepState::Skipped => Duration::ZERO,
        };
    }
    u64::try_from(left.as_millis()).ok()
}

/// A cause is shown once the operation is stuck or has failed; before, it is in the step's message.
fn shown_cause(operation: &Operation) -> Option<CauseView> {
    matches!(
        operation.state,
        OperationState::Stuck | OperationState::Failed
    )
    .then_some(operation.cause.as_ref())
    .flatten()
    .map(CauseView::from)
}

/// Why an operation cannot be cancelled now; none when it can.
#[must_use]
pub(crate) fn cancel_refused(operation: &Operation) -> Option<String> {
    let begun = |name| {
        operation
            .step(name)
            .is_some_and(|step| step.started_at.is_some())
    };
    if !operation.state.is_active() {
        return Some("It has ended.".to_owned());
    }
    if operation.cancel_requested_at.is_some() {
        return Some("It is being cancelled already.".to_owned());
    }
    match operation.kind {
        OperationKind::Create | OperationKind::Reconfigure => None,
        OperationKind::Upgrade => begun(StepName::Application).then(|| {
            "The new release has been handed to Argo CD. Database migrations only go forward, so it cannot be taken back; what stands in its way is named, and it goes on by itself."
                .to_owned()
        }),
        OperationKind::Delete => begun(StepName::RevokeTokens).then(|| {
            "The grace period is over and the removal has begun; it cannot be undone.".to_owned()
        }),
    }
}
