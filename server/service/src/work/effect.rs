//! What each step does to the cluster, through the port. Every effect may be repeated: what is
//! already so stays so. After a step whose outcome is known at once the look is corrected in memory,
//! so that the next step need not look again.

use model::observation::{GateFact, NamespaceFact, Observation};
use model::operation::StepName;

use super::job::Job;
use crate::ports::{ClusterError, Gate, Target};
use crate::watchman;

/// Whether the step is done when its effect is; the others wait for the cluster afterwards.
pub(super) fn settled(step: StepName) -> bool {
    !matches!(
        step,
        StepName::Synced | StepName::RemoveApplication | StepName::RemoveNamespace
    )
}

/// Carries out one step.
pub(super) async fn carry_out(
    job: &mut Job,
    target: &Target,
    step: StepName,
) -> Result<(), ClusterError> {
    match step {
        StepName::Namespace
        | StepName::Secrets
        | StepName::Gate
        | StepName::Application
        | StepName::Synced => make(job, target, step).await,
        StepName::Place
        | StepName::Database
        | StepName::Certificate
        | StepName::Reachable
        | StepName::Grace => Ok(()),
        _ => remove(job, target, step).await,
    }
}

async fn make(job: &mut Job, target: &Target, step: StepName) -> Result<(), ClusterError> {
    let port = job.context.clusters.clone();
    match step {
        StepName::Namespace => {
            port.apply_namespace(target).await?;
            if let Some(seen) = &mut job.seen {
                seen.namespace = NamespaceFact::Active;
            }
        }
        StepName::Secrets => {
            let key = &job.context.settings.server_key;
            let some = watchman::secrets(key, &target.instance, &*job.context.entropy);
            port.write_secrets(target, &some).await?;
        }
        StepName::Gate => open_door(job, target).await?,
        StepName::Application => {
            port.apply_application(target).await?;
            job.seen = None;
        }
        _ => {
            port.retry_sync(target).await?;
            job.seen = None;
        }
    }
    Ok(())
}

async fn remove(job: &mut Job, target: &Target, step: StepName) -> Result<(), ClusterError> {
    let port = job.context.clusters.clone();
    let active = |seen: &Observation| seen.namespace == NamespaceFact::Active;
    let there = job.seen.as_ref().is_some_and(active);
    match step {
        StepName::CloseDoor if there => write_gate(job, target).await?,
        StepName::RevokeTokens if there => port.remove_keys(target).await?,
        StepName::RemoveApplication => {
            port.remove_application(target).await?;
            job.seen = None;
        }
        StepName::RemoveNamespace => {
            port.remove_namespace(target).await?;
            job.seen = None;
        }
        StepName::RemoveSecrets => {
            super::ending::remove_entries(job, target).await?;
            port.remove_secrets(target).await?;
        }
        StepName::ProveEmpty => job.left = Some(port.leftovers(target).await?),
        _ => {}
    }
    Ok(())
}

/// Writes the watchman's key and the gate, which lets it pass.
pub(super) async fn open_door(job: &mut Job, target: &Target) -> Result<(), ClusterError> {
    let epoch = job.instance.watchman;
    let key = watchman::key(&job.context.settings.server_key, &target.instance, epoch);
    let port = job.context.clusters.clone();
    port.apply_watchman(target, &watchman::name(epoch), Some(&key))
        .await?;
    write_gate(job, target).await
}

/// Writes the gate as the rows ask for it at this moment.
async fn write_gate(job: &mut Job, target: &Target) -> Result<(), ClusterError> {
    let wish = store::gate::wish(&job.context.db, &target.instance).await;
    let wish = wish.map_err(|error| ClusterError::Busy(format!("the database: {error}")))?;
    let Some(wish) = wish else { return Ok(()) };
    let gate = Gate {
        generation: wish.generation,
        open_to: wish.open_to,
    };
    job.context.clusters.apply_gate(target, &gate).await?;
    job.instance.gate_generation = gate.generation;
    if let Some(seen) = &mut job.seen {
        seen.gate = Some(GateFact {
            generation: gate.generation,
            open_to: gate.open_to,
        });
    }
    Ok(())
}
