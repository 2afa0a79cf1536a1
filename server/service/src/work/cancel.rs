//! Cancelling really stops: the worker that holds the operation takes the wish back, undoes what must
//! not stay, and only then says that it has. Each way of it may be repeated after a crash. What
//! cannot be taken back is refused with the reason when the cancellation is asked for; the same rule
//! is asked again here, since a step may have begun in between.

use std::time::Duration;

use model::Timestamp;
use model::cause::{Cause, CauseCode};
use model::health::{Health, HealthStatus};
use model::instance::InstanceState;
use model::observation::NamespaceFact;
use model::operation::{OperationKind, OperationState, StepName};

use super::effect::open_door;
use super::job::{Job, Stopped};
use crate::ports::ClusterError;

type Turn = Result<bool, Stopped>;

/// Cancels the operation in hand; says whether to go on with it because it came too late.
pub(super) async fn cancel(job: &mut Job) -> Turn {
    match job.kind() {
        OperationKind::Create => create(job).await,
        OperationKind::Upgrade if job.begun(StepName::Application).is_none() => {
            take_back(job).await
        }
        OperationKind::Reconfigure => reconfigure(job).await,
        OperationKind::Delete if job.begun(StepName::RevokeTokens).is_none() => undelete(job).await,
        OperationKind::Upgrade | OperationKind::Delete => too_late(job).await,
    }
}

async fn too_late(job: &mut Job) -> Turn {
    let mut tx = job.open().await?;
    store::operation::withdraw_cancel(&mut tx, &job.held).await?;
    job.operation.cancel_requested_at = None;
    job.announce(&mut tx, false).await?;
    tx.commit().await?;
    Ok(true)
}

/// What was made so far stays for a retry or a deletion; the instance says that it was not created.
async fn create(job: &mut Job) -> Turn {
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    let now = job.now();
    let subject = job.instance.name.to_string();
    let cause = Cause::new(CauseCode::NotCreated, subject, "its creation was cancelled");
    job.instance.state = InstanceState::Failed;
    job.instance.health = settle(&job.instance.health, HealthStatus::Down, Some(cause), now);
    let (id, health) = (job.instance.id.clone(), job.instance.health.clone());
    store::instance::set_health(&mut tx, &job.held, &id, &health, true).await?;
    cancelled(job, now);
    job.end(tx).await?;
    Ok(false)
}

/// The release from before is wished for again; nothing has reached the cluster yet.
async fn take_back(job: &mut Job) -> Turn {
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    job.instance.release = job.operation.wish.release_before;
    job.instance.state = InstanceState::Running;
    cancelled(job, job.now());
    job.end(tx).await?;
    Ok(false)
}

/// The overrides from before are wished for again, and written again if the others were.
async fn reconfigure(job: &mut Job) -> Turn {
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    let now = job.now();
    let before = &job.operation.wish.overrides_before;
    job.instance.overrides.clone_from(before);
    store::instance::save(&mut tx, &job.held, &job.instance, now).await?;
    tx.commit().await?;
    if job.begun(StepName::Application).is_some()
        && let Some(target) = job.target()?
        && let Err(error) = job.context.clusters.apply_application(&target).await
    {
        return again(job, StepName::Application, &error).await;
    }
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    job.instance.state = InstanceState::Running;
    cancelled(job, job.now());
    job.end(tx).await?;
    Ok(false)
}

/// The door is opened again, a generation later, and the instance is what it was.
async fn undelete(job: &mut Job) -> Turn {
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    if job.instance.state == InstanceState::Deleting {
        job.instance.state = job.operation.wish.state_before;
        let id = job.instance.id.clone();
        job.instance.gate_generation =
            store::gate::bump(&mut tx, &job.held, &id, job.now()).await?;
        job.instance.grace_until = Timestamp::from_micros(0);
        store::instance::save(&mut tx, &job.held, &job.instance, job.now()).await?;
    }
    tx.commit().await?;
    if let Some(target) = job.target()?
        && job.begun(StepName::CloseDoor).is_some()
    {
        let opened = match job.context.clusters.observe(&target).await {
            Ok(seen) if seen.namespace == NamespaceFact::Active && seen.gate.is_some() => {
                open_door(job, &target).await
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = opened {
            return again(job, StepName::CloseDoor, &error).await;
        }
    }
    let mut tx = job.open().await?;
    job.lock_instance(&mut tx).await?;
    let now = job.now();
    let before = &job.instance.health;
    job.instance.health = match job.instance.state {
        InstanceState::Failed => {
            let subject = job.instance.name.to_string();
            let cause = Cause::new(CauseCode::NotCreated, subject, "its creation was cancelled");
            settle(before, HealthStatus::Down, Some(cause), now)
        }
        _ => settle(before, HealthStatus::Progressing, None, now),
    };
    let (id, health) = (job.instance.id.clone(), job.instance.health.clone());
    store::instance::set_health(&mut tx, &job.held, &id, &health, true).await?;
    cancelled(job, now);
    job.end(tx).await?;
    Ok(false)
}

fn cancelled(job: &mut Job, now: Timestamp) {
    job.operation.skip_rest(now);
    job.operation.started_at.get_or_insert(now);
    job.operation.cause = None;
    job.operation.cause_since = None;
    job.operation.end(OperationState::Cancelled, now);
}

async fn again(job: &mut Job, step: StepName, error: &ClusterError) -> Turn {
    let pause = job.fail(step, error);
    job.rest(pause.max(Duration::from_millis(500))).await?;
    Ok(false)
}

/// The health that follows from what was done to the instance, not from what was seen.
pub(crate) fn settle(
    before: &Health,
    status: HealthStatus,
    cause: Option<Cause>,
    now: Timestamp,
) -> Health {
    Health {
        status,
        cause,
        since: if before.status == status {
            before.since
        } else {
            now
        },
        trouble_since: None,
        opinions: before.opinions.clone(),
        as_of: now,
    }
}
