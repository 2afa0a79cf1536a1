//! What is done for clusters and not for one gate: a running instance's gate is moved on schedule, so
//! that what a revocation takes is measured even where nobody revokes, and old measurements go.

use std::time::Duration;

use model::{Actor, may};

use crate::context::authorise;
use crate::{Context, Result};

/// On every cluster a gate is moved so often.
pub(super) const EVERY: Duration = Duration::from_mins(5);
/// How long measurements are kept.
const KEPT: Duration = Duration::from_hours(24);

/// Does what is due; what fails is logged and tried again.
pub(super) async fn round(context: &Context) {
    if let Err(error) = moves(context).await {
        tracing::warn!(%error, "No gate could be moved for measuring.");
    }
}

async fn moves(context: &Context) -> Result<()> {
    for cluster in store::cluster::list(&context.db).await? {
        if cluster.sight.reachable != Some(true) {
            continue;
        }
        let name = &cluster.settings.name;
        let Some(next) = store::gate::to_move(&context.db, name).await? else {
            continue;
        };
        let now = context.now();
        if now < next.latest + EVERY {
            continue;
        }
        let may = authorise::<may::RevokeToken>(&Actor::System, None, "instance")?;
        let mut tx = context.db.begin().await?;
        store::instance::lock(&mut tx, &next.instance).await?;
        if store::gate::moved(&mut tx, &next.instance, next.moved_at, now).await? {
            store::gate::bump(&mut tx, &may, &next.instance, now).await?;
            store::proof::prune(&mut tx, now - KEPT).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
