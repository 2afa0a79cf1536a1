//! Requests through the gateway on a schedule, and looks of our own where the watch stays silent:
//! both bounded in number, so that a cluster in trouble is not troubled more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::observation::{Observation, Probe, ProbeOutcome};
use model::{Entropy, InstanceId};
use tokio::task::JoinSet;

use super::room::Room;
use super::tile::Tile;
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
    /// From a neighbour's instance, by its name, which was asked with a key that is not its own.
    Knock(InstanceId, String, Option<u16>),
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
            let server_key = &context.settings.server_key;
            let key = watchman::key(server_key, &id, tile.instance.watchman);
            let before = tile.instance.watchman_before;
            let before = before.map(|epoch| watchman::key(server_key, &id, epoch));
            under_way.spawn(async move {
                let mut probe = port.probe(&target, &key).await;
                // While a new key is on its way, the one before passes too.
                if let (ProbeOutcome::Refused { .. }, Some(before)) = (&probe.outcome, before) {
                    probe = port.probe(&target, &before).await;
                }
                Found::Probe(id, probe)
            });
        }
    }
    knock(context, room, under_way);
}

/// Tries keys on neighbours' instances, which must refuse them: the key space of a gateway is one for all.
fn knock(context: &Context, room: &mut Room, under_way: &mut JoinSet<Found>) {
    let now = Instant::now();
    let due = |tile: &Tile| tile.is_answering() && tile.knock_at.is_some_and(|at| at <= now);
    if !room.tiles.values().any(due) {
        return;
    }
    let answering = room.tiles.values().filter(|tile| tile.is_answering());
    let neighbours: Vec<_> = answering
        .filter_map(|tile| Some((tile.instance.name.to_string(), tile.target.clone()?)))
        .collect();
    for (id, tile) in &mut room.tiles {
        if under_way.len() >= MOST {
            return;
        }
        if !due(tile) {
            continue;
        }
        let others: Vec<_> = neighbours
            .iter()
            .filter(|(_, it)| it.instance != *id)
            .collect();
        let Some((name, target)) = drawn(context, &others).copied().cloned() else {
            continue;
        };
        tile.knock_at = None;
        let (port, id) = (context.clusters.clone(), id.clone());
        let key = watchman::key(&context.settings.server_key, &id, tile.instance.watchman);
        under_way.spawn(async move {
            let status = port.knock(&target, &key).await;
            Found::Knock(id, name, status)
        });
    }
}

/// One of them, another one each time.
fn drawn<'a, T>(context: &Context, some: &'a [T]) -> Option<&'a T> {
    let mut bytes = [0; 4];
    context.entropy.fill(&mut bytes);
    let number = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or_default();
    some.get(number.checked_rem(some.len())?)
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
        Found::Knock(id, neighbour, status) => {
            if let Some(tile) = room.tiles.get_mut(&id)
                && tile.knocked(&neighbour, status)
                && let Some(cause) = &tile.isolation
            {
                tracing::error!(%id, "{cause}");
                crate::token::alarm(context, cause, &format!("/instances/{id}"));
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
