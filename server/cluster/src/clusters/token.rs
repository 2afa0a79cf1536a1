//! The port of tokens, implemented: like its larger sibling it finds the client and hands over.

use async_trait::async_trait;
use model::cluster::ClusterSettings;
use model::enforcement::GatewayLook;
use model::secret_text::PlainToken;
use service::ports::{ClusterError, KeyFact, KeyWish, NewTokenEntry, Target, TokenPort, Usage};

use super::Clusters;

#[async_trait]
impl TokenPort for Clusters {
    async fn write_token(&self, _: &Target, _: &NewTokenEntry) -> Result<(), ClusterError> {
        Err(unready())
    }

    async fn remove_token(&self, _: &Target, _: &str) -> Result<(), ClusterError> {
        Err(unready())
    }

    async fn apply_key(&self, _: &Target, _: &KeyWish) -> Result<(), ClusterError> {
        Err(unready())
    }

    async fn remove_key(&self, _: &Target, _: &str) -> Result<(), ClusterError> {
        Err(unready())
    }

    async fn keys(&self, _: &Target) -> Result<Vec<KeyFact>, ClusterError> {
        Err(unready())
    }

    async fn look(&self, _: &Target, _: i64) -> Result<GatewayLook, ClusterError> {
        Err(unready())
    }

    async fn knock(&self, _: &Target, _: &PlainToken) -> Option<u16> {
        None
    }

    async fn usage(&self, _: &ClusterSettings) -> Result<Option<Vec<Usage>>, ClusterError> {
        Ok(None)
    }
}

fn unready() -> ClusterError {
    ClusterError::Misconfigured("This server does not manage tokens on clusters".to_owned())
}
