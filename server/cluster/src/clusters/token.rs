//! The port of tokens, implemented: like its larger sibling it finds the client and hands over.

use async_trait::async_trait;
use model::cluster::ClusterSettings;
use model::enforcement::GatewayLook;
use model::secret_text::PlainToken;
use service::ports::{ClusterError, KeyFact, KeyWish, NewTokenEntry, Target, TokenPort, Usage};
use tokio::time::{Instant, timeout_at};

use super::Clusters;
use crate::secrets::token;
use crate::{keys, metrics, prober, prove, wish, write};

#[async_trait]
impl TokenPort for Clusters {
    async fn write_token(
        &self,
        target: &Target,
        entry: &NewTokenEntry,
    ) -> Result<(), ClusterError> {
        wish::is_name(&entry.consumer)?;
        let client = self.secrets_manager(&target.cluster).await?;
        token::write(&client, target, entry).await
    }

    async fn remove_token(&self, target: &Target, consumer: &str) -> Result<(), ClusterError> {
        let client = self.secrets_manager(&target.cluster).await?;
        token::remove(&client, target, consumer).await
    }

    async fn apply_key(&self, target: &Target, key: &KeyWish) -> Result<(), ClusterError> {
        wish::is_name(&key.consumer)?;
        write::key::write(&self.handle(target).await?.client, target, key).await
    }

    async fn remove_key(&self, target: &Target, consumer: &str) -> Result<(), ClusterError> {
        write::key::take_away(&self.handle(target).await?.client, target, consumer).await
    }

    async fn keys(&self, target: &Target) -> Result<Vec<KeyFact>, ClusterError> {
        keys::keys(&self.handle(target).await?.client, target).await
    }

    async fn look(&self, target: &Target, generation: i64) -> Result<GatewayLook, ClusterError> {
        let end = Instant::now() + prove::WITHIN;
        let handle = timeout_at(end, self.handle(target))
            .await
            .map_err(|_| ClusterError::Unreachable("no answer within 5 s".to_owned()))??;
        prove::look(&handle.client, target, generation, end).await
    }

    async fn knock(&self, neighbour: &Target, key: &PlainToken) -> Option<u16> {
        let address = self.gateway(&neighbour.cluster);
        prober::knock(neighbour, address.as_deref(), key).await
    }

    async fn usage(&self, cluster: &ClusterSettings) -> Result<Option<Vec<Usage>>, ClusterError> {
        match &cluster.gateway.prometheus_url {
            Some(url) => metrics::usage(url).await.map(Some),
            None => Ok(None),
        }
    }
}
