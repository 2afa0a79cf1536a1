//! Watching clusters: one holder per cluster, by a lease that is renewed with every write and taken
//! over when it runs out, so any number of processes may run this and each cluster is watched once.
//! What a watch sees becomes rows (observations, probes, health, transitions) and events; pages and
//! API never ask a cluster.

mod gate;
mod hold;
mod probe;
mod room;
mod tile;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::cluster::{ClusterName, ClusterSettings};
use store::Wake;
use store::lease::Lease;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use self::hold::hold;
use crate::work::holder;
use crate::{Context, Result, Services};

/// How long a watch may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// Watches every cluster that nobody else watches.
#[derive(Clone, Debug)]
pub struct Watcher {
    services: Arc<Services>,
    name: String,
}

/// A watch that this process holds.
struct Held {
    settings: ClusterSettings,
    end: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Whoever lets go of a watch ends it, even by panicking; its lease runs out then.
impl Drop for Held {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watcher {
    /// A watcher; `name` is what leases show, made unique here.
    pub fn new(services: Arc<Services>, name: impl Into<String>) -> Self {
        let name = holder(&services, &name.into());
        Self { services, name }
    }

    fn context(&self) -> &Context {
        &self.services.context
    }

    /// Watches until `stop` turns true, then gives every cluster up.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut bell = self.context().db.listen(Wake::Work);
        self.inherit().await;
        let mut held: HashMap<ClusterName, Held> = HashMap::new();
        while !*stop.borrow() {
            if let Err(error) = self.round(&mut held).await {
                tracing::warn!(%error, "The list of clusters could not be read.");
            }
            tokio::select! {
                _ = stop.changed() => {}
                () = sleep(self.context().settings.lease / 3) => {}
                // Ringing often must not mean reading often.
                () = async { let _ = bell.changed().await; sleep(Duration::from_millis(500)).await } => {}
            }
        }
        for (_, one) in held.drain() {
            end(one).await;
        }
    }

    /// A `SQLite` database belongs to one process, so what another one held is held by nobody now.
    async fn inherit(&self) {
        let db = &self.context().db;
        if db.engine() != "sqlite" {
            return;
        }
        let inherited = async {
            let mut tx = db.begin().await?;
            store::lease::inherit(&mut tx, &self.services.process).await?;
            tx.commit().await
        };
        if let Err(error) = inherited.await {
            tracing::warn!(%error, "Watches of the process before run out first.");
        }
    }

    /// Takes what nobody watches, and lets go of what was removed or is reached otherwise now.
    async fn round(&self, held: &mut HashMap<ClusterName, Held>) -> Result<()> {
        let clusters = store::cluster::list(&self.context().db).await?;
        let over: Vec<ClusterName> = held
            .iter()
            .filter(|(name, one)| {
                let known = clusters.iter().find(|c| c.settings.name == **name);
                one.task.is_finished()
                    || known.is_none_or(|c| reached(&c.settings) != reached(&one.settings))
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            if let Some(one) = held.remove(&name) {
                end(one).await;
            }
        }
        for cluster in clusters {
            let name = cluster.settings.name.clone();
            if held.contains_key(&name) {
                continue;
            }
            if let Some(lease) = self.take(&name).await? {
                tracing::info!(cluster = %name, holder = self.name, "Watching a cluster.");
                let (end, ended) = watch::channel(false);
                let settings = cluster.settings.clone();
                let task = tokio::spawn(hold(Arc::clone(&self.services), cluster, lease, ended));
                held.insert(
                    name,
                    Held {
                        settings,
                        end,
                        task,
                    },
                );
            }
        }
        Ok(())
    }

    async fn take(&self, name: &ClusterName) -> Result<Option<Lease>> {
        let mut tx = self.context().db.begin().await?;
        let duty = format!("watch:{name}");
        let (lasts, now) = (self.context().settings.lease, self.context().now());
        let lease = store::lease::take(&mut tx, &duty, &self.name, lasts, now).await?;
        tx.commit().await?;
        Ok(lease)
    }
}

/// The settings without what changes nothing about the watch.
fn reached(settings: &ClusterSettings) -> ClusterSettings {
    ClusterSettings {
        capacity: 0,
        cordoned: false,
        ..settings.clone()
    }
}

async fn end(mut one: Held) {
    let _ = one.end.send(true);
    let _ = timeout(ENDING, &mut one.task).await;
}
