//! Clusters that are away, for tests that need none: every question is answered with that.

use std::sync::Arc;

use async_trait::async_trait;
use model::cluster::ClusterSettings;
use model::enforcement::GatewayLook;
use model::observation::{Observation, Probe, ProbeOutcome};
use model::secret_text::PlainToken;
use model::view::{AccessOffer, CheckLine};
use service::ports::{
    ClusterError, ClusterPort, Gate, KeyFact, KeyWish, NewSecret, NewTokenEntry, Target, Targets,
    TokenPort, Usage, WatchEvent,
};
use tokio::sync::{mpsc, watch};

use crate::clock::START;

/// Clusters that are away.
#[derive(Debug)]
pub struct NoClusters;

/// Clusters that are away, as the services take them.
#[must_use]
pub fn away() -> Arc<dyn ClusterPort> {
    Arc::new(NoClusters)
}

fn none<T>() -> Result<T, ClusterError> {
    Err(ClusterError::Unreachable(
        "there is no cluster in this test".to_owned(),
    ))
}

#[async_trait]
impl ClusterPort for NoClusters {
    fn offers(&self) -> Vec<AccessOffer> {
        Vec::new()
    }

    async fn check(&self, _: &ClusterSettings) -> Vec<CheckLine> {
        Vec::new()
    }

    async fn observe(&self, _: &Target) -> Result<Observation, ClusterError> {
        none()
    }

    async fn apply_namespace(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn write_secrets(&self, _: &Target, _: &[NewSecret]) -> Result<(), ClusterError> {
        none()
    }

    async fn apply_watchman(
        &self,
        _: &Target,
        _: &str,
        _: Option<&PlainToken>,
    ) -> Result<(), ClusterError> {
        none()
    }

    async fn apply_gate(&self, _: &Target, _: &Gate) -> Result<(), ClusterError> {
        none()
    }

    async fn apply_application(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn retry_sync(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn remove_keys(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn remove_application(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn remove_namespace(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn remove_secrets(&self, _: &Target) -> Result<(), ClusterError> {
        none()
    }

    async fn leftovers(&self, _: &Target) -> Result<Vec<String>, ClusterError> {
        none()
    }

    async fn probe(&self, _: &Target, _: &PlainToken) -> Probe {
        Probe {
            at: START,
            millis: 0,
            outcome: ProbeOutcome::Failed {
                stage: "connect".to_owned(),
                detail: "there is no cluster in this test".to_owned(),
            },
        }
    }

    async fn watch(
        &self,
        _: &ClusterSettings,
        _: Arc<dyn Targets>,
        _: mpsc::Sender<WatchEvent>,
        mut stop: watch::Receiver<bool>,
    ) {
        // Ends when told to, or when whoever would tell is gone.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

#[async_trait]
impl TokenPort for NoClusters {
    async fn write_token(&self, _: &Target, _: &NewTokenEntry) -> Result<(), ClusterError> {
        none()
    }

    async fn remove_token(&self, _: &Target, _: &str) -> Result<(), ClusterError> {
        none()
    }

    async fn apply_key(&self, _: &Target, _: &KeyWish) -> Result<(), ClusterError> {
        none()
    }

    async fn remove_key(&self, _: &Target, _: &str) -> Result<(), ClusterError> {
        none()
    }

    async fn keys(&self, _: &Target) -> Result<Vec<KeyFact>, ClusterError> {
        none()
    }

    async fn look(&self, _: &Target, _: i64) -> Result<GatewayLook, ClusterError> {
        none()
    }

    async fn knock(&self, _: &Target, _: &PlainToken) -> Option<u16> {
        None
    }

    async fn usage(&self, _: &ClusterSettings) -> Result<Option<Vec<Usage>>, ClusterError> {
        none()
    }
}
