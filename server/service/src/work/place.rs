//! The step that chooses the cluster: the rule of `model::cluster::place` over loads that are counted
//! in the transaction that adds to one of them. Without room the operation is stuck by name, and goes
//! on by itself when there is room.

use model::cause::{Cause, CauseCode};
use model::cluster::place as choose;
use model::operation::{OperationState, StepName};
use store::Wake;

use super::carry::AGAIN;
use super::job::{Job, Stopped};
use crate::Error;

/// Chooses the cluster and the host name; says whether to go on.
pub(super) async fn place(job: &mut Job) -> Result<bool, Stopped> {
    job.begin(StepName::Place);
    let mut tx = job.open().await?;
    let now = job.now();
    let (region, purpose) = (job.instance.region.clone(), job.instance.purpose);
    let clusters = store::cluster::candidates(&mut tx, &region, purpose, now).await?;
    job.lock_instance(&mut tx).await?;
    let candidates: Vec<_> = clusters
        .iter()
        .map(store::cluster::Cluster::candidate)
        .collect();
    match choose(&candidates, &region, purpose) {
        Ok(name) => {
            let chosen = clusters.into_iter().find(|c| c.settings.name == name);
            let chosen = chosen.ok_or_else(|| Error::internal("the chosen cluster is gone"))?;
            let host = format!("{}.{}", job.instance.id, chosen.settings.zone);
            job.instance.cluster = Some(name);
            job.instance.host = Some(host);
            job.instance.settings = Some(chosen.settings);
            job.instance.cluster_as_of = chosen.sight.as_of;
            job.succeed(StepName::Place);
            store::instance::save(&mut tx, &job.held, &job.instance, now).await?;
            job.write(&mut tx).await?;
            job.announce(&mut tx, true).await?;
            tx.wake(Wake::Work);
            tx.commit().await?;
            job.is_written();
            Ok(true)
        }
        Err(no_room) => {
            drop(tx);
            let subject = job.instance.name.to_string();
            job.note(Some(Cause::new(CauseCode::NoRoom, subject, &no_room.0)));
            let begun = job.begun(StepName::Place).unwrap_or(now);
            let deadline = begun + StepName::Place.deadline();
            job.wait(StepName::Place, no_room.0, deadline, OperationState::Stuck);
            job.rest(AGAIN).await?;
            Ok(false)
        }
    }
}
