//! The sandbox: whole EKS clusters simulated in one process, over real HTTP.
//!
//! Each cluster serves a Kubernetes API, a gateway with its replicas, and a region's Secrets Manager
//! on loopback addresses that survive a restart, and behaves in time as real ones do. Nothing
//! outside this crate knows that it is a simulation: the control plane speaks to it with the same
//! clients, and so do `kubectl` and `curl`. One process holds a folder at a time; everything that was
//! acknowledged is on disk.

mod api;
mod clock;
mod cluster;
mod console;
mod controllers;
mod failure;
mod fault;
mod gateway;
mod listen;
mod object;
mod ports;
mod prometheus;
mod resource;
mod secrets;
mod start;
mod store;

pub use fault::{ANNOTATION as FAULT_ANNOTATION, ClusterFault, Fault};
pub use ports::endpoints_of;

use cluster::Cluster;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a cluster deploys for an instance of a release: the documents of the instance chart of those
/// kinds that the sandbox has, each with Argo CD's tracking annotation. `values` are what the chart's
/// own values and the release's are overlaid with; they name the instance.
#[must_use]
pub fn rendered(version: &str, values: &serde_json::Value) -> Vec<serde_json::Value> {
    controllers::argocd::rendered(version, values)
}

/// What the sandbox is to be.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Folder for the state: one process at a time holds it.
    pub dir: PathBuf,
    /// The clusters to simulate.
    pub clusters: Vec<ClusterSeed>,
    /// How fast things happen.
    pub pace: Pace,
    /// Replicas of each cluster's gateway.
    pub gateway_replicas: u8,
    /// Workers of each replica.
    pub workers: u8,
    /// How late a replica of the gateway takes a change while it lags.
    pub lag: Duration,
}

impl SandboxConfig {
    /// A folder and clusters with the usual gateway: 3 replicas of 2 workers, at the usual pace.
    pub fn new(dir: PathBuf, clusters: Vec<ClusterSeed>) -> Self {
        Self {
            dir,
            clusters,
            pace: Pace::default(),
            gateway_replicas: 3,
            workers: 2,
            lag: Duration::from_secs(15),
        }
    }
}

/// One cluster to simulate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSeed {
    /// Lower-case letters, digits and dashes; also the name of its folder.
    pub name: String,
    /// `development` or `production`.
    pub purpose: String,
    /// An AWS region, such as `eu-west-1`.
    pub region: String,
    /// The zone of host names, such as `sandbox.localhost`.
    pub zone: String,
}

/// How fast things happen: 1.0 takes about 10 seconds for a new instance, 0.0 none (for tests).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Pace(pub f64);

impl Default for Pace {
    fn default() -> Self {
        Self(1.0)
    }
}

/// Where one cluster listens, all on loopback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    pub cluster: String,
    pub api_url: String,
    /// The load balancer before the gateway's replicas.
    pub gateway_url: String,
    pub replica_urls: Vec<String>,
    pub secrets_manager_url: String,
    /// A Prometheus that scrapes the gateway; empty where an older sandbox wrote the file.
    #[serde(default)]
    pub prometheus_url: String,
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Another process holds the folder; wait for it and take over.
    #[error(
        "The sandbox folder {} is held by another process. Wait until that process ends, or choose \
         another folder.",
        .0.display()
    )]
    Held(PathBuf),
    /// A cluster cannot be simulated as described.
    #[error("The sandbox cluster \"{name}\" cannot be simulated: {why}.")]
    Seed { name: String, why: String },
    /// An address that was given out before is taken.
    #[error(
        "The sandbox needs 127.0.0.1:{port} again, which another program has taken. End that \
         program, or delete ports.json in the sandbox folder to choose new addresses."
    )]
    Port { port: u16 },
    /// The folder cannot be read or written.
    #[error("The sandbox folder could not be used while {doing}: {source}")]
    Disk {
        doing: &'static str,
        source: std::io::Error,
    },
}

/// The running sandbox. Dropping it stops it; the state stays on disk.
pub struct Sandbox {
    endpoints: Vec<Endpoints>,
    clusters: Vec<Arc<Cluster>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    /// Held for its advisory lock.
    _lock: File,
}

impl Sandbox {
    /// Takes the folder, reads the state and begins to listen.
    ///
    /// # Errors
    /// [`SandboxError::Held`] while another process has the folder; the others name what is wrong.
    pub async fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        start::start(config).await
    }

    /// Where each cluster listens, in the order of the configuration.
    pub fn endpoints(&self) -> &[Endpoints] {
        &self.endpoints
    }

    /// The page on which faults are made and healed, to be nested under a path of its own.
    pub fn console(&self) -> axum::Router {
        console::router(self.clusters.clone())
    }

    /// Ends every cluster and releases the folder.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
