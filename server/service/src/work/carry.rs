//! Carries one claimed operation as far as it goes now: look, plan, one step, again, until it has to
//! wait, is stuck or done. Nothing here sleeps; an operation that waits is given back with the time
//! of its next look.

use std::sync::Arc;
use std::time::Duration;

use model::cause::{Cause, CauseCode};
use model::instance::InstanceState;
use model::observation::ProbeOutcome;
use model::operation::{OperationKind, OperationState, StepName, StepState};
use model::plan::Next;
use store::operation::{Claimed, Held, claim};
use tokio::sync::watch;

use super::MAX_ATTEMPTS;
use super::effect::{carry_out, settled};
use super::job::{Job, Stopped};
use crate::operation::history::History;
use crate::{Context, Error};

/// A stuck operation is looked at again so soon, and a failing step tried again at least so often.
pub(super) const AGAIN: Duration = Duration::from_secs(15);
/// Steps in one go; more means that somebody undoes what is done here.
const MOST_STEPS: usize = 40;
/// A step has to be done within this time, so that a claim is not outlived by its effects.
const STEP: Duration = Duration::from_secs(30);

type Outcome = Result<(), Stopped>;

/// Carries an operation and never fails: what went wrong is logged, and the claim says the rest.
pub(super) async fn carry(
    context: Context,
    history: Arc<History>,
    claimed: Claimed,
    stop: watch::Receiver<bool>,
) {
    let held = claimed.held.clone();
    let id = held.operation();
    let again = Duration::from_secs(1 << claimed.attempts.min(5));
    match go(&context, history, claimed, stop).await {
        Ok(()) => {}
        Err(Stopped::Lost) => tracing::info!(%id, "Another worker has taken this operation over."),
        Err(Stopped::Cancelling) => give_back(&context, &held, Duration::ZERO, true).await,
        Err(Stopped::Error(error)) => {
            tracing::error!(%id, error = &error as &dyn std::error::Error, "An operation could not be carried on.");
            // A database that is away is not the operation's fault.
            let innocent = matches!(error, Error::Unavailable { .. });
            give_back(&context, &held, again, innocent).await;
        }
    }
}

async fn give_back(context: &Context, held: &Held, pause: Duration, progress: bool) {
    let back = async {
        let mut tx = context.db.begin().await?;
        claim::release(&mut tx, held, context.now() + pause, progress).await?;
        tx.commit().await
    };
    if let Err(error) = back.await {
        tracing::warn!(%error, "A claim could not be given back; it runs out by itself.");
    }
}

async fn go(
    context: &Context,
    history: Arc<History>,
    claimed: Claimed,
    stop: watch::Receiver<bool>,
) -> Outcome {
    let Some(mut job) = Job::load(context.clone(), history, claimed.held.clone()).await? else {
        give_back(context, &claimed.held, Duration::ZERO, true).await;
        return Ok(());
    };
    if claimed.attempts > MAX_ATTEMPTS {
        return park(&mut job).await;
    }
    for _ in 0..MOST_STEPS {
        if *stop.borrow() {
            return job.rest(Duration::ZERO).await;
        }
        match turn(&mut job).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(Stopped::Cancelling) => {
                if !job.reload().await? {
                    return Ok(());
                }
            }
            Err(other) => return Err(other),
        }
    }
    job.rest(Duration::from_secs(2)).await
}

/// One step of the story; says whether to go on at once.
async fn turn(job: &mut Job) -> Result<bool, Stopped> {
    if job.operation.cancel_requested_at.is_some() {
        return super::cancel::cancel(job).await;
    }
    match job.next().await? {
        Next::Do(StepName::Place) => super::place::place(job).await,
        Next::Do(step) => one_step(job, step).await,
        Next::Wait {
            step,
            reason,
            deadline,
        } => {
            let step = blamed(job, step);
            job.wait(step, reason, deadline, OperationState::Waiting);
            let pause = pause(job, step, deadline);
            job.rest(pause).await?;
            Ok(false)
        }
        Next::Stuck { step, cause } => {
            let step = blamed(job, step);
            let deadline = job.begun(step).unwrap_or_else(|| job.now()) + step.deadline();
            let reason = cause.sentence();
            if job.operation.cause.is_none() {
                job.note(Some(cause));
            }
            job.wait(step, reason, deadline, OperationState::Stuck);
            job.rest(AGAIN).await?;
            Ok(false)
        }
        Next::Done => {
            done(job).await?;
            Ok(false)
        }
    }
}

/// What a cluster that cannot be looked at holds up is the step that is under way.
fn blamed(job: &Job, step: StepName) -> StepName {
    if job.seen.is_none() {
        job.current().unwrap_or(step)
    } else {
        step
    }
}

async fn one_step(job: &mut Job, step: StepName) -> Result<bool, Stopped> {
    let Some(target) = job.target()? else {
        return Err(Error::internal(format!("{step} was asked for before a place")).into());
    };
    if job.repeats(step) > 1 {
        return not_shown(job, step).await;
    }
    job.begin(step);
    job.flush().await?;
    if step == StepName::RevokeTokens && !job.tokens.is_over() {
        super::ending::end_tokens(job).await?;
        return Ok(true);
    }
    let carried = tokio::time::timeout(STEP, carry_out(job, &target, step)).await;
    let outcome = carried.unwrap_or_else(|_| {
        Err(crate::ports::ClusterError::Unreachable(
            "no answer within 30 s".to_owned(),
        ))
    });
    match outcome {
        Ok(()) => {
            let again = job.left.as_ref().is_some_and(|left| !left.is_empty());
            if again {
                let left = job.left.take().unwrap_or_default().join(", ");
                return still_there(job, step, &left).await;
            }
            if settled(step) {
                job.succeed(step);
                if step == StepName::RevokeTokens {
                    job.tell(step, job.tokens.went_on());
                }
            } else {
                job.operation.attempts = 0;
            }
            Ok(true)
        }
        Err(error) => {
            let pause = job.fail(step, &error);
            job.rest(pause).await?;
            Ok(false)
        }
    }
}

/// What was written does not show: perhaps later, and past the deadline it is a cause.
async fn not_shown(job: &mut Job, step: StepName) -> Result<bool, Stopped> {
    let reason = "The cluster does not show what was written";
    let deadline = job.begun(step).unwrap_or_else(|| job.now()) + step.deadline();
    let stuck = job.now() >= deadline;
    if stuck && job.operation.cause.is_none() {
        let cause = Cause::new(CauseCode::TakesTooLong, step.title(), reason);
        job.note(Some(cause));
    }
    let (state, pause) = if stuck {
        (OperationState::Stuck, AGAIN)
    } else {
        (OperationState::Waiting, Duration::from_secs(1))
    };
    job.wait(step, format!("{reason}."), deadline, state);
    job.rest(pause).await?;
    Ok(false)
}

/// Something is left of a deleted instance: looked for again, and past the deadline it is a cause.
async fn still_there(job: &mut Job, step: StepName, left: &str) -> Result<bool, Stopped> {
    let deadline = job.begun(step).unwrap_or_else(|| job.now()) + step.deadline();
    let stuck = job.now() >= deadline;
    let state = if stuck {
        OperationState::Stuck
    } else {
        OperationState::Waiting
    };
    if stuck {
        let subject = job.instance.name.to_string();
        job.note(Some(Cause::new(CauseCode::LeftBehind, subject, left)));
    }
    job.wait(step, format!("Still there: {left}"), deadline, state);
    let pause = if stuck {
        AGAIN
    } else {
        pause(job, step, deadline)
    };
    job.rest(pause).await?;
    Ok(false)
}

/// When to look again: often at first, then less, and not before a date that is known. A change that
/// the watch sees wakes the operation earlier.
fn pause(job: &Job, step: StepName, deadline: model::Timestamp) -> Duration {
    let now = job.now();
    if step == StepName::Grace {
        return deadline.since(now).min(Duration::from_mins(30));
    }
    let begun = job.begun(step).unwrap_or(now);
    (now.since(begun) / 4).clamp(Duration::from_millis(200), Duration::from_secs(5))
}

async fn done(job: &mut Job) -> Outcome {
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    let now = job.now();
    for step in &mut job.operation.steps {
        match step.state {
            StepState::Succeeded => {}
            StepState::Pending if job.operation.kind == OperationKind::Delete => {
                step.state = StepState::Skipped;
            }
            _ => {
                step.state = StepState::Succeeded;
                step.started_at.get_or_insert(now);
                step.finished_at.get_or_insert(now);
                step.message = None;
            }
        }
    }
    job.operation.started_at.get_or_insert(now);
    job.operation.attempts = 0;
    job.note(None);
    job.operation.end(OperationState::Succeeded, now);
    if job.kind() == OperationKind::Delete {
        job.instance.state = InstanceState::Deleted;
        job.instance.deleted_at = Some(now);
        store::observation::forget(&mut tx, &job.held).await?;
        for id in store::gate::token::gone(&mut tx, &job.held, now).await? {
            crate::token::announce(&mut tx, id, now).await?;
        }
    } else {
        // From here on its keeper sees to the gate.
        store::gate::nudge(&mut tx, &job.instance.id, now).await?;
        job.instance.state = InstanceState::Running;
        if let Some(ProbeOutcome::Answered { version }) = job.probe.as_ref().map(|p| &p.outcome) {
            job.instance.running_version = Some(version.clone());
        }
    }
    job.end(tx).await
}

/// Sets an operation aside that ended its worker again and again.
async fn park(job: &mut Job) -> Outcome {
    let subject = job.instance.name.to_string();
    job.note(Some(Cause::new(CauseCode::OperationParked, subject, "")));
    job.operation.state = OperationState::Stuck;
    let mut tx = job.open().await?;
    job.write(&mut tx).await?;
    claim::release(&mut tx, &job.held, claim::NEVER, false).await?;
    job.announce(&mut tx, false).await?;
    tx.commit().await?;
    tracing::error!(id = %job.operation.id, "An operation was set aside after its worker ended several times.");
    Ok(())
}
