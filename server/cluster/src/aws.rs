//! AWS clients: built with an HTTPS client over ring (the SDK's default would bring a second
//! cryptographic library), credentials from the SDK's own chain, a role assumed first where the
//! cluster names one. Calls end within seconds; the SDK repeats what may be repeated.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_secretsmanager::config::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use model::Clock;
use std::sync::Arc;

/// Where a cluster's Secrets Manager is, when it is not that of the cluster's region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretsManagerOverride {
    /// AWS region.
    pub region: Option<String>,
    /// URL of the service, for a VPC endpoint.
    pub endpoint: Option<String>,
}

/// Which Secrets Manager to speak to, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    pub region: String,
    pub endpoint: Option<String>,
    pub role: Option<String>,
    /// A service on this machine that checks no signatures: no credential chain is asked.
    pub local: bool,
}

/// What AWS clients share.
#[derive(Debug)]
pub struct Aws {
    pub clock: Arc<dyn Clock>,
    pub overrides: BTreeMap<String, SecretsManagerOverride>,
}

impl Aws {
    /// The SDK's configuration for a region, as this server or as a role that it assumes.
    pub async fn configuration(&self, region: &str, role: Option<&str>) -> SdkConfig {
        let base = loader(region).http_client(https()).load().await;
        let Some(role) = role else { return base };
        let assumed = aws_config::sts::AssumeRoleProvider::builder(role)
            .session_name("hosted-instances")
            .configure(&base)
            .build()
            .await;
        loader(region)
            .http_client(https())
            .credentials_provider(assumed)
            .load()
            .await
    }

    /// A client of Secrets Manager.
    pub async fn secrets_manager(&self, vault: &Vault) -> aws_sdk_secretsmanager::Client {
        let config = if vault.local {
            let nobody = Credentials::new("local", "local", None, None, "local");
            let client = Builder::new().build_http();
            loader(&vault.region)
                .http_client(client)
                .credentials_provider(nobody)
                .load()
                .await
        } else {
            self.configuration(&vault.region, vault.role.as_deref())
                .await
        };
        let mut builder = aws_sdk_secretsmanager::config::Builder::from(&config);
        builder.set_endpoint_url(vault.endpoint.clone());
        aws_sdk_secretsmanager::Client::from_conf(builder.build())
    }
}

fn loader(region: &str) -> ConfigLoader {
    let limits = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(Duration::from_secs(9))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .timeout_config(limits)
}

fn https() -> impl aws_sdk_secretsmanager::config::HttpClient + 'static {
    Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
