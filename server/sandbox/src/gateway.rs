//! The gateway: replicas of workers, each with its own copy of the configuration.
//!
//! Items are pushed and arrive at every worker after that worker's own delay, as they do where each
//! worker watches the configuration by itself. What a worker answers depends on its copy alone, so a
//! proof that asks one worker proves nothing about another. Nothing outside this folder knows how a
//! request is answered; it hands over items and finds replicas by their pods.

pub mod agent;
mod auth;
mod plugins;
mod replica;
mod route;
pub mod rule;
pub mod state;
mod trouble;
mod usage;
mod worker;

use crate::Pace;
use crate::fault::Faults;
use agent::Agents;
pub use replica::Replica;
use state::{Item, Kept};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use trouble::Place;
pub use usage::Series;

/// Between two items of one push (at pace 1), and the most of it for a whole push.
const GAP: Duration = Duration::from_millis(4);
const MOST: Duration = Duration::from_millis(60);
/// How often a worker ends while one restarts again and again.
const RESTART: Duration = Duration::from_secs(2);

/// How a cluster's gateway is to be.
pub struct Setting {
    /// Workers of each replica.
    pub workers: u8,
    pub pace: Pace,
    /// How late a replica is that lags.
    pub lag: Duration,
    pub faults: Arc<Faults>,
    pub agents: Arc<Agents>,
    /// Where a replica that is stuck keeps what it holds.
    pub stuck: PathBuf,
    pub stop: CancellationToken,
}

/// All replicas of one cluster's gateway.
pub struct Gateway {
    replicas: Vec<Arc<Replica>>,
    pub agents: Arc<Agents>,
    pace: Pace,
    serial: AtomicU64,
}

impl Gateway {
    /// Starts one replica for each name of a pod.
    pub fn start(names: &[String], setting: Setting) -> Arc<Self> {
        let faults = setting.faults.cluster();
        let kept = std::fs::read_to_string(&setting.stuck).ok();
        let kept: Option<Kept> = kept.and_then(|text| serde_json::from_str(&text).ok());
        let kept = kept.map(Kept::load).unwrap_or_default();
        let replicas = names.iter().enumerate().map(|(number, name)| {
            let place = Place {
                number,
                of: names.len(),
                worker: 0,
            };
            let held = if place.is_stuck(&faults) {
                kept.clone()
            } else {
                Default::default()
            };
            Arc::new(Replica::start(name, place, &held, &setting))
        });
        let gateway = Arc::new(Self {
            replicas: replicas.collect(),
            agents: setting.agents.clone(),
            pace: setting.pace,
            serial: AtomicU64::new(0),
        });
        gateway.send(&[Item::NoRules, Item::NoConsumers]);
        tokio::spawn(gateway.clone().mind(setting));
        gateway
    }

    /// Sends items to every worker, in this order.
    pub fn send(&self, items: &[Item]) {
        let first = self.serial.fetch_add(items.len() as u64, Ordering::Relaxed);
        for (index, item) in (0_u32..).zip(items) {
            let serial = first + u64::from(index) + 1;
            let after = GAP.saturating_mul(index).min(MOST);
            for replica in &self.replicas {
                for worker in replica.workers() {
                    worker.send(serial, item, after, self.pace.0);
                }
            }
        }
    }

    /// The replica behind a pod of the gateway's namespace.
    pub fn replica(&self, namespace: &str, pod: &str) -> Option<Arc<Replica>> {
        if namespace != crate::cluster::GATEWAY {
            return None;
        }
        self.replicas
            .iter()
            .find(|replica| replica.name() == pod)
            .cloned()
    }

    /// A replica by its number.
    pub fn numbered(&self, number: usize) -> Option<Arc<Replica>> {
        self.replicas.get(number).cloned()
    }

    /// The replica that the load balancer gives to a connection, and the connection's number there.
    pub fn balanced(&self, connection: u64) -> Option<(Arc<Replica>, u64)> {
        let live: Vec<_> = self
            .replicas
            .iter()
            .filter(|replica| !replica.is_gone())
            .collect();
        let count = live.len() as u64;
        let number = usize::try_from(connection.checked_rem(count)?).ok()?;
        Some(((*live.get(number)?).clone(), connection / count))
    }

    /// What every replica counted, by the name of its pod.
    pub fn usage(&self) -> Vec<(String, Vec<Series>)> {
        let replicas = self.replicas.iter().filter(|replica| !replica.is_gone());
        replicas
            .map(|replica| (replica.name().to_owned(), replica.usage.series()))
            .collect()
    }

    /// Carries out the faults that concern whole replicas, until the sandbox ends.
    async fn mind(self: Arc<Self>, setting: Setting) {
        let mut faults = setting.faults.subscribe();
        let mut stuck = setting.stuck.exists();
        let mut turn = 0;
        loop {
            let now = faults.borrow_and_update().clone();
            for replica in &self.replicas {
                replica.mind_the_door();
                if replica.place().is_restarting(&now) {
                    replica.restart(turn);
                }
                if replica.place().is_stuck(&now) && !stuck {
                    keep(&setting.stuck, replica);
                }
            }
            let is_stuck = self.replicas.iter().any(|it| it.place().is_stuck(&now));
            if stuck && !is_stuck {
                // Missing already is as good.
                let _ = std::fs::remove_file(&setting.stuck);
            }
            stuck = is_stuck;
            turn += 1;
            let restarting = self
                .replicas
                .iter()
                .any(|it| it.place().is_restarting(&now));
            tokio::select! {
                () = setting.stop.cancelled() => return,
                changed = faults.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RESTART), if restarting => {}
            }
        }
    }
}

/// Writes down what a stuck replica holds, since it will hold that after a restart as well.
fn keep(path: &std::path::Path, replica: &Replica) {
    let (routes, consumers) = replica.held();
    let written = serde_json::to_vec(&Kept::of(&routes, &consumers))
        .map_err(std::io::Error::from)
        .and_then(|bytes| std::fs::write(path, bytes));
    if let Err(error) = written {
        tracing::warn!(%error, "the state of a stuck replica could not be written");
    }
}
