//! The cluster adapters with the ways to reach clusters that the configuration offers. The sandbox's
//! addresses go into a directory by name; nothing else tells the adapters that there is one.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{Clusters, Directory, Endpoints, SecretsManagerOverride};

use super::clock::SystemClock;
use crate::config::Config;

/// The addresses of the sandbox's clusters, by name.
#[must_use]
pub fn directory(endpoints: &[sandbox::Endpoints]) -> BTreeMap<String, Endpoints> {
    endpoints
        .iter()
        .map(|of| {
            let known = Endpoints {
                api_url: of.api_url.clone(),
                gateway_address: authority(&of.gateway_url).to_owned(),
                secrets_manager_url: of.secrets_manager_url.clone(),
            };
            (of.cluster.clone(), known)
        })
        .collect()
}

/// Builds the adapters.
#[must_use]
pub fn build(config: &Config, named: Arc<Directory>) -> Arc<Clusters> {
    cluster::install_tls();
    let secrets_manager = config.clusters.secrets_manager.iter().map(|(name, of)| {
        let place = SecretsManagerOverride {
            region: of.region.clone(),
            endpoint: of.endpoint.clone(),
        };
        (name.clone(), place)
    });
    Arc::new(Clusters::new(cluster::Config {
        kubeconfig: config.clusters.kubeconfig_files.clone(),
        in_cluster: config.clusters.in_cluster,
        eks: config.clusters.eks,
        named,
        secrets_manager: secrets_manager.collect(),
        clock: Arc::new(SystemClock),
    }))
}

/// `host:port` of a URL.
#[must_use]
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_what_stands_between_scheme_and_path() {
        assert_eq!(authority("http://127.0.0.1:4000/x"), "127.0.0.1:4000");
        assert_eq!(authority("127.0.0.1:4000"), "127.0.0.1:4000");
    }
}
