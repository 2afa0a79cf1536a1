//! The addresses of the sandbox, chosen once and kept.
//!
//! Host names, DIDs and kubeconfig files repeat them, so a restart must listen where the last run
//! did. The file is also how another process finds a sandbox that it does not hold.

use crate::{ClusterSeed, Endpoints, SandboxError};
use std::path::Path;
use tokio::net::TcpListener;

const FILE: &str = "ports.json";

/// Where the sandbox of a folder listens, as its last holder wrote it; `None` when there never was
/// one.
pub fn endpoints_of(dir: &Path) -> Option<Vec<Endpoints>> {
    let text = std::fs::read_to_string(dir.join(FILE)).ok()?;
    serde_json::from_str(&text).ok()
}

/// The bound addresses of one cluster.
pub struct Bound {
    pub endpoints: Endpoints,
    pub api: TcpListener,
    pub gateway: TcpListener,
    pub replicas: Vec<TcpListener>,
    pub secrets: TcpListener,
}

/// Binds every address of every cluster and writes the file.
pub async fn bind(
    dir: &Path,
    seeds: &[ClusterSeed],
    replicas: u8,
) -> Result<Vec<Bound>, SandboxError> {
    let known = endpoints_of(dir).unwrap_or_default();
    let mut all = Vec::new();
    for seed in seeds {
        let before = known
            .iter()
            .find(|endpoints| endpoints.cluster == seed.name);
        all.push(cluster(seed, before, replicas).await?);
    }
    let mut written: Vec<Endpoints> = all.iter().map(|bound| bound.endpoints.clone()).collect();
    // A cluster that is left out today keeps its addresses for the day it comes back.
    let gone = known
        .iter()
        .filter(|old| !seeds.iter().any(|seed| seed.name == old.cluster));
    written.extend(gone.cloned());
    let disk = |source| SandboxError::Disk {
        doing: "writing ports.json",
        source,
    };
    let text = serde_json::to_string_pretty(&written).map_err(|error| disk(error.into()))?;
    let fresh = dir.join("ports.new");
    std::fs::write(&fresh, text).map_err(disk)?;
    std::fs::rename(fresh, dir.join(FILE)).map_err(disk)?;
    Ok(all)
}

async fn cluster(
    seed: &ClusterSeed,
    before: Option<&Endpoints>,
    replicas: u8,
) -> Result<Bound, SandboxError> {
    let (api, api_url) = one(before.map(|known| known.api_url.as_str())).await?;
    let (gateway, gateway_url) = one(before.map(|known| known.gateway_url.as_str())).await?;
    let (secrets, secrets_manager_url) =
        one(before.map(|known| known.secrets_manager_url.as_str())).await?;
    let (mut listeners, mut replica_urls) = (Vec::new(), Vec::new());
    for number in 0..usize::from(replicas.max(1)) {
        let known = before.and_then(|known| known.replica_urls.get(number));
        let (listener, url) = one(known.map(String::as_str)).await?;
        listeners.push(listener);
        replica_urls.push(url);
    }
    let cluster = seed.name.clone();
    let endpoints = Endpoints {
        cluster,
        api_url,
        gateway_url,
        replica_urls,
        secrets_manager_url,
    };
    Ok(Bound {
        endpoints,
        api,
        gateway,
        replicas: listeners,
        secrets,
    })
}

async fn one(known: Option<&str>) -> Result<(TcpListener, String), SandboxError> {
    let port = known
        .and_then(|url| url.rsplit(':').next()?.parse().ok())
        .unwrap_or(0);
    let listener = crate::listen::bind(port)
        .await
        .map_err(|_| SandboxError::Port { port })?;
    let address = listener
        .local_addr()
        .map_err(|_| SandboxError::Port { port })?;
    Ok((listener, format!("http://{address}")))
}
