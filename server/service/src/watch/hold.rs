//! Holding the watch of one cluster: reports come in, requests go out, and a few times a second what
//! changed is judged and written. Ends when told to, or when the lease went to somebody else.

use std::time::{Duration, Instant};

use store::Wake;
use store::cluster::Cluster;
use store::lease::Lease;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::probe;
use super::room::Room;
use super::write::{Flushed, flush};
use crate::Context;

/// How often what changed is judged and written.
const BEAT: Duration = Duration::from_millis(200);
/// How often rows are read again when nobody rings.
const READ: Duration = Duration::from_secs(5);
/// Reports that may wait; a watch that is ahead of us waits as well.
const WAITING: usize = 1_024;
/// How long changes of health are kept.
const KEPT: Duration = Duration::from_hours(24 * 100);
/// How often old ones are thrown away.
const PRUNE: Duration = Duration::from_hours(1);

/// Watches a cluster until `end` turns true or the lease is lost.
pub(super) async fn hold(
    context: Context,
    cluster: Cluster,
    lease: Lease,
    mut end: watch::Receiver<bool>,
) {
    let name = cluster.settings.name.clone();
    let mut room = match Room::open(&context, cluster).await {
        Ok(room) => room,
        Err(error) => {
            tracing::warn!(cluster = %name, %error, "A watch could not begin.");
            give_up(&context, &lease).await;
            return;
        }
    };
    let (sink, mut reports) = mpsc::channel(WAITING);
    let (stop, stopped) = watch::channel(false);
    let port = context.clusters.clone();
    let (settings, wishes) = (room.settings.clone(), room.wishes.clone());
    let watching = tokio::spawn(async move { port.watch(&settings, wishes, sink, stopped).await });
    let mut bell = context.db.listen(Wake::Work);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = JoinSet::new();
    let (mut read_at, mut renewed, mut pruned) = (Instant::now(), Instant::now(), Instant::now());
    let mut rung = false;
    loop {
        tokio::select! {
            _ = end.changed() => break,
            report = reports.recv() => match report {
                Some(report) => room.apply(report, context.now()),
                // The watch ended by itself, which it must not; another one begins.
                None => break,
            },
            Some(found) = under_way.join_next() => if let Ok(found) = found {
                probe::take(&context, &mut room, found);
            },
            Ok(()) = bell.changed() => rung = true,
            _ = beat.tick() => {
                if std::mem::take(&mut rung) || read_at.elapsed() >= READ {
                    read_at = Instant::now();
                    if let Err(error) = room.read(&context).await {
                        tracing::warn!(cluster = %name, %error, "Wishes could not be read.");
                    }
                }
                probe::send(&context, &mut room, &mut under_way);
                let renew = renewed.elapsed() >= context.settings.lease / 3;
                match flush(&context, &mut room, &lease, renew).await {
                    Ok(Flushed::Nothing) => {}
                    Ok(Flushed::Written) => renewed = Instant::now(),
                    Ok(Flushed::Lost) => {
                        tracing::info!(cluster = %name, "Somebody else watches this cluster now.");
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(cluster = %name, %error, "What was seen could not be written.");
                    }
                }
                if pruned.elapsed() >= PRUNE {
                    pruned = Instant::now();
                    prune(&context, &lease).await;
                }
            }
        }
    }
    let _ = stop.send(true);
    reports.close();
    under_way.shutdown().await;
    watching.abort();
    give_up(&context, &lease).await;
}

async fn give_up(context: &Context, lease: &Lease) {
    let ended = async {
        let mut tx = context.db.begin().await?;
        store::lease::end(&mut tx, lease).await?;
        tx.commit().await
    };
    if let Err(error) = ended.await {
        tracing::warn!(%error, "A watch runs out by itself; it could not be given up.");
    }
}

async fn prune(context: &Context, lease: &Lease) {
    let pruned = async {
        let mut tx = context.db.begin().await?;
        store::health::prune(&mut tx, lease, context.now() - KEPT).await?;
        tx.commit().await
    };
    if let Err(error) = pruned.await {
        tracing::warn!(%error, "Old changes of health could not be thrown away.");
    }
}
