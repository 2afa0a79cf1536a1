//! Requests through the gateway on a schedule, and looks of our own where the watch stays silent:
//! both bounded in number, so that a cluster in trouble is not troubled more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::observation::{Observation, Probe};
use model::{Entropy, InstanceId};
use tokio::task::JoinSet;

use super::room::Room;
use crate::{Context, watchman};

/// Most requests and looks under way at a time.
const MOST: usize = 64;

/// What came back.
#[derive(Debug)]
pub(super) enum Found {
    /// From a request.
    Probe(InstanceId, Probe),
    /// From a look; none when the cluster could not be read.
    Look(InstanceId, Option<Box<Observation>>),
}

/// Sends what is due.
pub(super) fn send(context: &Context, room: &mut Room, under_way: &mut JoinSet<Found>) {
    let now = Instant::now();
    let reachable = room.sight.reachable != Some(false);
    for (id, tile) in &mut room.tiles {
        if under_way.len() >= MOST {
            return;
        }
        let Some(target) = tile.target.clone() else {
            continue;
        };
        if reachable && tile.look_at.is_some_and(|at| at <= now) {
            tile.look_at = None;
            let (port, id, target) = (context.clusters.clone(), id.clone(), Arc::clone(&target));
            under_way.spawn(async move {
                let seen = port.observe(&target).await.ok();
                Found::Look(id, seen.map(Box::new))
            });
        }
        let due = tile.probe_at.is_some_and(|at| at <= now);
        if due && tile.is_judged() && tile.is_deployed() {
            tile.probe_at = None;
            let (port, id) = (context.clusters.clone(), id.clone());
            let key = watchman::key(&context.settings.server_key, &id, tile.instance.watchman);
            under_way.spawn(async move {
                let probe = port.probe(&target, &key).await;
                Found::Probe(id, probe)
            });
        }
    }
}

/// Takes what came back, and says when to ask next.
pub(super) fn take(context: &Context, room: &mut Room, found: Found) {
    match found {
        Found::Probe(id, probe) => {
            if let Some(tile) = room.tiles.get_mut(&id) {
                tile.probed(probe);
                tile.probe_at = Some(Instant::now() + jittered(context, tile.probe_pause()));
            }
        }
        Found::Look(id, seen) => {
            let answered = seen.is_some();
            if let Some(tile) = room.tiles.get_mut(&id) {
                match seen {
                    Some(seen) => tile.see(*seen),
                    None => tile.look_at = Some(Instant::now() + Duration::from_secs(5)),
                }
            }
            if answered {
                room.answers(context.now());
            }
        }
    }
}

/// A fifth more or less, so that a thousand instances are not asked at the same moment.
fn jittered(context: &Context, pause: Duration) -> Duration {
    let mut byte = [0];
    let entropy: &dyn Entropy = &*context.entropy;
    entropy.fill(&mut byte);
    pause * (80 * 255 + 40 * u32::from(byte[0])) / (100 * 255)
}
