//! One worker process of a replica: its own copy of the configuration, and how items reach it.
//!
//! Routes and consumers are watched apart, each item arrives at its own time, and what a worker has
//! depends on nothing but what arrived at it. A worker that restarts has another process id and begins
//! with what its replica holds; nothing that arrived there earlier can undo that.

use super::state::{Consumers, Item, Routes};
use super::trouble::{Hold, Place};
use crate::fault::{ClusterFault, Faults};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// An item on its way.
struct Parcel {
    serial: u64,
    item: Item,
    /// When it arrives if nothing is wrong.
    due: Instant,
}

/// What keeps parcels back, and until when.
#[derive(Clone)]
struct Post {
    place: Place,
    lag: Duration,
    faults: watch::Receiver<Arc<BTreeSet<ClusterFault>>>,
    stop: CancellationToken,
}

/// One worker.
pub struct Worker {
    place: Place,
    pid: AtomicU32,
    routes: RwLock<Routes>,
    consumers: RwLock<Consumers>,
    inboxes: [mpsc::UnboundedSender<Parcel>; 2],
}

impl Worker {
    /// A worker that waits for items until `stop`.
    pub fn start(
        place: Place,
        pid: u32,
        (routes, consumers): (Routes, Consumers),
        faults: &Faults,
        lag: Duration,
        stop: &CancellationToken,
    ) -> Arc<Self> {
        let (route_box, for_routes) = mpsc::unbounded_channel();
        let (consumer_box, for_consumers) = mpsc::unbounded_channel();
        let worker = Arc::new(Self {
            place,
            pid: AtomicU32::new(pid),
            routes: RwLock::new(routes),
            consumers: RwLock::new(consumers),
            inboxes: [route_box, consumer_box],
        });
        for inbox in [for_routes, for_consumers] {
            let post = Post {
                place,
                lag,
                faults: faults.subscribe(),
                stop: stop.clone(),
            };
            tokio::spawn(post.deliver(worker.clone(), inbox));
        }
        worker
    }

    /// Process id, as `$pid` says it.
    pub fn pid(&self) -> u32 {
        self.pid.load(Ordering::Acquire)
    }

    /// Sends an item on its way; `after` counts from now, at the pace of the cluster.
    pub fn send(&self, serial: u64, item: &Item, after: Duration, pace: f64) {
        let consumers = matches!(item, Item::Consumer(..) | Item::NoConsumers);
        let wait = (self.place.delay(consumers) + after).mul_f64(pace.max(0.0));
        let parcel = Parcel {
            serial,
            item: item.clone(),
            due: Instant::now() + wait,
        };
        // The receiver ends with the sandbox.
        let _ = self.inboxes[usize::from(consumers)].send(parcel);
    }

    fn take(&self, parcel: &Parcel) {
        let serial = parcel.serial;
        match &parcel.item {
            Item::Rule(id, rule) => self.change_routes().take(serial, id, rule.as_ref()),
            Item::NoRules => self.change_routes().forget(serial),
            Item::Consumer(name, key) => {
                self.change_consumers().take(serial, name, key.as_ref());
            }
            Item::NoConsumers => self.change_consumers().forget(serial),
        }
    }

    fn change_routes(&self) -> RwLockWriteGuard<'_, Routes> {
        self.routes.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_consumers(&self) -> RwLockWriteGuard<'_, Consumers> {
        let held = self.consumers.write();
        held.unwrap_or_else(PoisonError::into_inner)
    }

    pub fn routes(&self) -> RwLockReadGuard<'_, Routes> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn consumers(&self) -> RwLockReadGuard<'_, Consumers> {
        let held = self.consumers.read();
        held.unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends and begins again with a state, unless it has a newer one already.
    pub fn restart(&self, pid: u32, routes: Routes, consumers: Consumers) {
        let mut mine = self.change_routes();
        if routes.serial > mine.serial {
            *mine = routes;
        }
        drop(mine);
        let mut mine = self.change_consumers();
        if consumers.serial > mine.serial {
            *mine = consumers;
        }
        drop(mine);
        self.pid.store(pid, Ordering::Release);
    }
}

impl Post {
    async fn deliver(mut self, worker: Arc<Worker>, mut inbox: mpsc::UnboundedReceiver<Parcel>) {
        let stop = self.stop.clone();
        loop {
            let parcel = tokio::select! {
                () = stop.cancelled() => return,
                parcel = inbox.recv() => match parcel {
                    Some(parcel) => parcel,
                    None => return,
                },
            };
            if !self.wait(parcel.due).await {
                return;
            }
            worker.take(&parcel);
        }
    }

    /// Waits until a parcel may arrive; false when the sandbox ends meanwhile.
    async fn wait(&mut self, due: Instant) -> bool {
        loop {
            let hold = self.place.hold(&self.faults.borrow_and_update(), self.lag);
            let due = match hold {
                Hold::Ever => None,
                Hold::Late(by) => Some(due + by),
            };
            if due.is_some_and(|due| due <= Instant::now()) {
                return true;
            }
            let arrival = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return false,
                changed = self.faults.changed() => if changed.is_err() { return false },
                () = arrival => {}
            }
        }
    }
}
