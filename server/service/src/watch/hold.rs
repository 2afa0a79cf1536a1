//! Holding the watch of one cluster: reports come in, requests go out, and a few times a second what
//! changed is judged and written. Ends when told to, or when the lease went to somebody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::Wake;
use store::cluster::Cluster;
use store::lease::Lease;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::probe::{self, Found};
use super::room::Room;
use super::write::{Flushed, flush};
use crate::{Context, Services};

/// How often what changed is judged and written.
const BEAT: Duration = Duration::from_millis(200);
/// How often rows are read again when nobody rings.
const READ: Duration = Duration::from_secs(5);
/// Reports that may wait; a watch that is ahead of us waits as well.
const WAITING: usize = 1_024;
/// Most instances that are being changed while outdated ones are written again.
const REWRITES: usize = 10;
/// How long changes of health are kept.
const KEPT: Duration = Duration::from_hours(24 * 100);
/// How often old ones are thrown away.
const PRUNE: Duration = Duration::from_hours(1);

/// A watch that is held.
struct Hold {
    services: Arc<Services>,
    context: Context,
    lease: Lease,
    room: Room,
    under_way: JoinSet<Found>,
    rung: bool,
    read_at: Instant,
    renewed_at: Instant,
    pruned_at: Instant,
}

/// Watches a cluster until `end` turns true or the lease is lost.
pub(super) async fn hold(
    services: Arc<Services>,
    cluster: Cluster,
    lease: Lease,
    mut end: watch::Receiver<bool>,
) {
    let context = services.context.clone();
    let room = match Room::open(&context, cluster).await {
        Ok(room) => room,
        Err(error) => {
            tracing::warn!(duty = lease.name(), %error, "A watch could not begin.");
            give_up(&context, &lease).await;
            return;
        }
    };
    let (sink, mut reports) = mpsc::channel(WAITING);
    let (stop, stopped) = watch::channel(false);
    let port = context.clusters.clone();
    let (settings, wishes) = (room.settings.clone(), room.wishes.clone());
    // A set, because it ends its tasks when it is dropped.
    let mut watching = JoinSet::new();
    watching.spawn(async move { port.watch(&settings, wishes, sink, stopped).await });
    let mut bell = context.db.listen(Wake::Work);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hold = Hold::new(services, lease, room);
    loop {
        tokio::select! {
            _ = end.changed() => break,
            report = reports.recv() => match report {
                Some(report) => hold.room.apply(report, hold.context.now()),
                // The watch ended by itself, which it must not; another one begins.
                None => break,
            },
            Some(found) = hold.under_way.join_next() => if let Ok(found) = found {
                probe::take(&hold.context, &mut hold.room, found);
            },
            Ok(()) = bell.changed() => hold.rung = true,
            _ = beat.tick() => if !hold.beat().await { break },
        }
    }
    let _ = stop.send(true);
    reports.close();
    hold.under_way.shutdown().await;
    watching.shutdown().await;
    give_up(&hold.context, &hold.lease).await;
}

impl Hold {
    fn new(services: Arc<Services>, lease: Lease, room: Room) -> Self {
        let now = Instant::now();
        Self {
            context: services.context.clone(),
            services,
            lease,
            room,
            under_way: JoinSet::new(),
            rung: false,
            read_at: now,
            renewed_at: now,
            pruned_at: now,
        }
    }

    /// Has outdated specifications written again, a few at a time.
    async fn rewrite(&self) {
        let tiles = || self.room.tiles.values();
        let changing = tiles().filter(|tile| tile.is_changing()).count();
        let room = REWRITES.saturating_sub(changing);
        let outdated: Vec<_> = tiles()
            .filter(|tile| tile.is_outdated())
            .take(room)
            .collect();
        for tile in outdated {
            let id = &tile.instance.id;
            if let Err(error) = self.services.instance.rewrite(id).await {
                tracing::warn!(%id, %error, "An outdated specification could not be written again.");
            }
        }
    }

    /// Reads what is wished, asks what is due, writes what changed; false when the lease is lost.
    async fn beat(&mut self) -> bool {
        let duty = self.lease.name();
        if std::mem::take(&mut self.rung) || self.read_at.elapsed() >= READ {
            self.read_at = Instant::now();
            if let Err(error) = self.room.read(&self.context).await {
                tracing::warn!(duty, %error, "Wishes could not be read.");
            }
            if self.room.sight.reachable == Some(true) {
                self.rewrite().await;
            }
        }
        probe::send(&self.context, &mut self.room, &mut self.under_way);
        let renew = self.renewed_at.elapsed() >= self.context.settings.lease / 3;
        match flush(&self.context, &mut self.room, &self.lease, renew).await {
            Ok(Flushed::Nothing) => {}
            Ok(Flushed::Written) => self.renewed_at = Instant::now(),
            Ok(Flushed::Lost) => {
                tracing::info!(duty, "Somebody else watches this cluster now.");
                return false;
            }
            Err(error) => tracing::warn!(duty, %error, "What was seen could not be written."),
        }
        if let Err(error) = super::gate::tell(&self.context, &mut self.room).await {
            tracing::warn!(duty, %error, "The keepers of gates could not be told.");
        }
        if self.pruned_at.elapsed() >= PRUNE {
            self.pruned_at = Instant::now();
            prune(&self.context, &self.lease).await;
        }
        true
    }
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
