//! The controllers of a cluster: one task that brings every object on, step by step.
//!
//! Each change of an object wakes the tasks that depend on it; a task reads its object, does what is
//! due and leaves the rest to a later waking. How long a step takes is counted in memory from the
//! moment the step began, so a restart begins the present step again and nothing else is lost.

pub mod argocd;
mod certificate;
mod collector;
mod database;
mod deployment;
mod event;
mod external_secret;
mod gateway_pod;
mod ingress;
mod namespace;
mod pod;
mod queue;
pub mod seed;
mod volume;
mod wake;

use crate::cluster::Cluster;
use crate::store::{Change, Key};
use queue::Queue;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Which controller looks at an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Namespace,
    Collector,
    ArgoCd,
    Deployment,
    Pod,
    Database,
    Volume,
    ExternalSecret,
    SecretStore,
    Certificate,
    Issuer,
    Routes,
    Consumer,
    Push,
    Sweep,
}

/// One controller's work on one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Task {
    pub role: Role,
    pub key: Key,
}

/// The controllers of one cluster.
pub struct Controllers {
    pub cluster: Arc<Cluster>,
    pub queue: Queue,
    steps: HashMap<Task, HashMap<&'static str, Instant>>,
    pub argo: argocd::Memory,
    pub ingress: ingress::Memory,
    /// External secrets that wait for an entry of the Secrets Manager.
    pub waiting: HashSet<Key>,
}

/// Runs the controllers of a cluster until it is stopped.
pub async fn run(cluster: Arc<Cluster>, mut feed: mpsc::UnboundedReceiver<Arc<Change>>) {
    let stop = cluster.stop.clone();
    let mut faults = cluster.faults.subscribe();
    let mut staff = Controllers {
        cluster,
        queue: Queue::default(),
        steps: HashMap::new(),
        argo: argocd::Memory::default(),
        ingress: ingress::Memory::default(),
        waiting: HashSet::new(),
    };
    staff.wake_everything();
    loop {
        while let Ok(change) = feed.try_recv() {
            staff.wake(&change);
        }
        if let Some(task) = staff.queue.next(Instant::now()) {
            staff.perform(&task);
            tokio::task::yield_now().await;
            if stop.is_cancelled() {
                return;
            }
            continue;
        }
        let due = staff
            .queue
            .due()
            .unwrap_or(Instant::now() + Duration::from_mins(1));
        tokio::select! {
            () = stop.cancelled() => return,
            change = feed.recv() => match change {
                Some(change) => staff.wake(&change),
                None => return,
            },
            outcome = faults.changed() => match outcome {
                Ok(()) => staff.faults_changed(),
                Err(_) => return,
            },
            () = tokio::time::sleep_until(due) => {}
        }
    }
}

impl Controllers {
    fn perform(&mut self, task: &Task) {
        match task.role {
            Role::Namespace => self.namespace(task),
            Role::Collector => self.collect(task),
            Role::ArgoCd => self.application(task),
            Role::Deployment => self.deployment(task),
            Role::Pod => self.pod(task),
            Role::Database => self.database(task),
            Role::Volume => self.volume(task),
            Role::ExternalSecret => self.external_secret(task),
            Role::SecretStore => self.secret_store(task),
            Role::Certificate => self.certificate(task),
            Role::Issuer => self.issuer(task),
            Role::Routes => self.routes(task),
            Role::Consumer => self.consumer(task),
            Role::Push => self.push(task),
            Role::Sweep => self.sweep(task),
        }
    }

    /// Whether a step of a task has taken its seconds (at pace 1). While it has not, the task is
    /// woken again when it will have.
    pub fn passed(&mut self, task: &Task, step: &'static str, seconds: f64) -> bool {
        let wait = self.scaled(seconds);
        if wait.is_zero() {
            return true;
        }
        let now = Instant::now();
        let steps = self.steps.entry(task.clone()).or_default();
        let due = *steps.entry(step).or_insert(now + wait);
        if due <= now {
            steps.remove(step);
            return true;
        }
        self.queue.add(task.clone(), due);
        false
    }

    /// A span of simulated time in real time.
    pub fn scaled(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64((seconds * self.cluster.pace.0).clamp(0.0, 86_400.0))
    }

    /// Whether everything happens at once.
    pub fn instant(&self) -> bool {
        self.cluster.pace.0 <= 0.0
    }

    /// Forgets the steps of a task whose object has gone.
    pub fn forget(&mut self, task: &Task) {
        self.steps.remove(task);
    }

    /// Forgets one step that no longer applies.
    pub fn reset(&mut self, task: &Task, step: &'static str) {
        if let Some(steps) = self.steps.get_mut(task) {
            steps.remove(step);
        }
    }
}
