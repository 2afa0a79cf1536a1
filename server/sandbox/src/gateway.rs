//! The gateway: replicas of workers, each with its own copy of the configuration.
//!
//! A whole state is pushed and arrives at every worker after that worker's own delay, as it does
//! where each worker watches the configuration by itself. What a worker answers depends on its copy
//! alone, so a proof that asks one worker proves nothing about another. Nothing outside this folder
//! knows how a request is answered; it hands over states and finds replicas by their pods.

pub mod agent;
mod auth;
pub mod config;
mod replica;
mod route;

use crate::Pace;
use agent::Agents;
use config::Config;
pub use replica::Replica;
use std::sync::Arc;
use std::time::Duration;

/// All replicas of one cluster's gateway.
pub struct Gateway {
    replicas: Vec<Arc<Replica>>,
    pub agents: Arc<Agents>,
    pace: Pace,
}

impl Gateway {
    /// `names` are the names of the replicas' pods.
    pub fn new(names: &[String], workers: u8, pace: Pace, agents: Arc<Agents>) -> Self {
        let replicas = names
            .iter()
            .map(|name| Arc::new(Replica::new(name, workers.max(1), agents.clone())))
            .collect();
        Self {
            replicas,
            agents,
            pace,
        }
    }

    /// Hands a whole state to every worker.
    pub fn push(&self, config: &Arc<Config>) {
        for (number, replica) in self.replicas.iter().enumerate() {
            for worker in 0..replica.workers() {
                let millis = 8 + 23 * worker + 11 * number;
                let whole = Duration::from_millis(u64::try_from(millis).unwrap_or(100));
                let delay = whole.mul_f64(self.pace.0.max(0.0));
                if delay.is_zero() {
                    replica.take(worker, config);
                } else {
                    let (replica, config) = (replica.clone(), config.clone());
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        replica.take(worker, &config);
                    });
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
        let count = self.replicas.len() as u64;
        let number = usize::try_from(connection.checked_rem(count)?).ok()?;
        Some((self.numbered(number)?, connection / count))
    }
}
