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
        StepName::CloseDoor if there => {
            let gate = Gate {
                generation: job.instance.gate_generation,
                open_to: Vec::new(),
            };
            port.apply_gate(target, &gate).await?;
            gate_is(job, Vec::new());
        }
        StepName::RevokeTokens if there => port.remove_keys(target).await?,
        StepName::RemoveApplication => {
            port.remove_application(target).await?;
            job.seen = None;
        }
        StepName::RemoveNamespace => {
            port.remove_namespace(target).await?;
            job.seen = None;
        }
        StepName::RemoveSecrets => port.remove_secrets(target).await?,
        StepName::ProveEmpty => job.left = Some(port.leftovers(target).await?),
        _ => {}
    }
    Ok(())
}

/// Writes the watchman's key and a gate that lets it pass.
pub(super) async fn open_door(job: &mut Job, target: &Target) -> Result<(), ClusterError> {
    let port = job.context.clusters.clone();
    let key = watchman::key(&job.context.settings.server_key, &target.instance);
    port.apply_watchman(target, watchman::NAME, Some(&key)).await?;
    let open_to = vec![watchman::NAME.to_owned()];
    let gate = Gate {
        generation: job.instance.gate_generation,
        open_to: open_to.clone(),
    };
    port.apply_gate(target, &gate).await?;
    gate_is(job, open_to);
    Ok(())
}

fn gate_is(job: &mut Job, open_to: Vec<String>) {
    let generation = job.instance.gate_generation;
    if let Some(seen) = &mut job.seen {
        seen.gate = Some(GateFact {
            generation,
            open_to,
        });
    }
}
