//! Writing what a watch found out: in batches, each in a transaction that begins by renewing the
//! lease, so that a holder that was replaced writes nothing. While nothing changes, that renewal with
//! the cluster's sign of life is all that is written.

use std::collections::HashMap;
use std::time::Duration;

use model::event::Subject;
use model::health::Health;
use model::{InstanceId, Timestamp};
use serde_json::json;
use store::cluster::{Cluster, Sight};
use store::instance::HealthChange;
use store::lease::Lease;
use store::operation::claim;
use store::{Tx, Wake};

use super::room::Room;
use super::tile::Open;
use crate::{Context, Result, cluster, event, health, instance};

/// Most instances in one transaction.
const BATCH: usize = 200;
/// The cluster's sign of life is written at most so often while nothing else is.
const ALIVE: Duration = Duration::from_secs(4);

/// What a flush came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing was to be written, and the lease was not renewed.
    Nothing,
    /// The lease was renewed with what was written.
    Written,
    /// Somebody else holds the watch now.
    Lost,
}

struct Work {
    changes: HashMap<InstanceId, (HealthChange, Health)>,
    ids: Vec<InstanceId>,
}

/// Judges what is due and writes what changed; `renew` writes in any case.
pub(super) async fn flush(
    context: &Context,
    room: &mut Room,
    lease: &Lease,
    renew: bool,
) -> Result<Flushed> {
    room.find_overrides_trouble();
    let mut done = Flushed::Nothing;
    let mut work = gather(room, context.now());
    let mut first = true;
    while !work.ids.is_empty() || (first && (renew || is_due(room))) {
        first = false;
        let rest = work.ids.split_off(work.ids.len().min(BATCH));
        let ids = std::mem::replace(&mut work.ids, rest);
        match batch(context, room, lease, &ids, &work.changes).await {
            Ok(true) => done = Flushed::Written,
            Ok(false) => return Ok(Flushed::Lost),
            Err(error) => {
                // Judged again at the next flush, from what it was before.
                for id in ids.iter().chain(&work.ids) {
                    let before = work.changes.get(id).map(|(_, before)| before.clone());
                    if let (Some(tile), Some(before)) = (room.tiles.get_mut(id), before) {
                        tile.forget(before);
                    }
                }
                return Err(error);
            }
        }
    }
    Ok(done)
}

fn gather(room: &mut Room, now: Timestamp) -> Work {
    let (fact, alive) = (room.fact(), room.sight.as_of);
    let mut changes = HashMap::new();
    let mut ids = Vec::new();
    for (id, tile) in &mut room.tiles {
        let change = tile.judge(&fact, alive, now);
        if change.is_some() || tile.open != Open::default() {
            ids.push(id.clone());
        }
        if let Some(change) = change {
            changes.insert(id.clone(), change);
        }
    }
    // One order for all, so that two transactions never wait for each other.
    ids.sort();
    Work { changes, ids }
}

/// Whether the cluster itself has something to be written.
fn is_due(room: &Room) -> bool {
    let (now, kept) = (&room.sight, &room.sight_saved);
    let alive = now
        .as_of
        .unwrap_or_default()
        .since(kept.as_of.unwrap_or_default())
        >= ALIVE;
    alive
        || Sight {
            as_of: kept.as_of,
            ..now.clone()
        } != *kept
}

async fn batch(
    context: &Context,
    room: &mut Room,
    lease: &Lease,
    ids: &[InstanceId],
    changes: &HashMap<InstanceId, (HealthChange, Health)>,
) -> Result<bool> {
    let now = context.now();
    let mut tx = context.db.begin().await?;
    if !store::lease::renew(&mut tx, lease, context.settings.lease, now).await? {
        return Ok(false);
    }
    let mut told = Vec::new();
    let mut nudged = false;
    // Operations before instances, as everybody takes them.
    for id in ids
        .iter()
        .filter(|id| room.tiles.get(id).is_some_and(|tile| tile.open.nudge))
    {
        nudged |= claim::nudge(&mut tx, id, now).await?;
    }
    for id in ids {
        let Some(tile) = room.tiles.get(id) else {
            continue;
        };
        if let (true, Some(seen)) = (tile.open.seen, &tile.seen) {
            store::observation::save(&mut tx, lease, id, seen).await?;
        }
        if let (true, Some(probe)) = (tile.open.probe, &tile.probe) {
            store::observation::save_probe(&mut tx, lease, id, probe).await?;
        }
        if let Some((change, _)) = changes.get(id)
            && store::instance::save_health(&mut tx, lease, change).await?
        {
            told.push(id);
        }
    }
    sight(&mut tx, room, lease, now).await?;
    for id in told {
        if let Some(tile) = room.tiles.get(id) {
            announce(&mut tx, &tile.instance, now).await?;
        }
    }
    if nudged {
        tx.wake(Wake::Work);
    }
    tx.commit().await?;
    room.sight_saved = room.sight.clone();
    for id in ids {
        if let Some(tile) = room.tiles.get_mut(id) {
            tile.saved();
        }
    }
    Ok(true)
}

/// Writes what is known of the cluster itself, and says so when more than its age changed.
async fn sight(tx: &mut Tx, room: &Room, lease: &Lease, now: Timestamp) -> Result<()> {
    let (sight, kept) = (&room.sight, &room.sight_saved);
    if sight == kept {
        return Ok(());
    }
    store::cluster::seen(tx, lease, &room.settings.name, sight).await?;
    if (Sight {
        as_of: kept.as_of,
        ..sight.clone()
    }) != *kept
    {
        let shown = Cluster {
            settings: room.settings.clone(),
            sight: sight.clone(),
            load: u32::try_from(room.tiles.len()).unwrap_or(u32::MAX),
            updated_at: now,
        };
        cluster::announce(tx, &shown, now).await?;
    }
    Ok(())
}

/// The health alone: a watch must not tell of a state that its copy of the row may be behind on.
async fn announce(tx: &mut Tx, row: &store::instance::Instance, now: Timestamp) -> Result<()> {
    let shown = instance::view::view(row, None, now);
    let data = json!({
        "id": row.id,
        "tenant_id": row.tenant_id,
        "name": shown.name,
        "cluster": shown.cluster,
        "url": shown.url,
        "release": shown.release,
        "health": health::view(row, now),
    });
    let tenant = Some(row.tenant_id);
    event::append(tx, now, Subject::Instance, row.id.as_str(), tenant, &data).await?;
    Ok(())
}
