//! The addresses of the sandbox, chosen once and kept.
//!
//! Host names, DIDs and kubeconfig files repeat them, so a restart must listen where the last run
//! did. The file is also how another process finds a sandbox that it does not hold.

use crate::{ClusterSeed, Endpoints, SandboxError};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

const FILE: &str = "ports.json";
/// Below the ports that systems lend to outgoing connections (32768 and up on Linux, 49152 elsewhere),
/// since any client may have one of those at the moment when this sandbox comes back.
const FIRST: u16 = 20_000;
const LAST: u16 = 32_767;
/// Spreads neighbouring process ids over the whole range.
const SPREAD: u32 = 7_919;
const TRIES: usize = 200;
/// How long a port that was given out before is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);

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
    pub prometheus: TcpListener,
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
    let (prometheus, prometheus_url) =
        one(before.map(|known| known.prometheus_url.as_str())).await?;
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
        prometheus_url,
    };
    Ok(Bound {
        endpoints,
        api,
        gateway,
        replicas: listeners,
        secrets,
        prometheus,
    })
}

async fn one(known: Option<&str>) -> Result<(TcpListener, String), SandboxError> {
    let before = known.and_then(|url| url.rsplit(':').next()?.parse().ok());
    let listener = match before {
        Some(port) => again(port).await?,
        None => fresh().await?,
    };
    let port = before.unwrap_or_default();
    let address = listener
        .local_addr()
        .map_err(|_| SandboxError::Port { port })?;
    Ok((listener, format!("http://{address}")))
}

/// Binds a port that was given out before, and waits a moment for it: a process that has just ended
/// may still be letting go of it.
async fn again(port: u16) -> Result<TcpListener, SandboxError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match crate::listen::bind(port).await {
            Ok(listener) => return Ok(listener),
            Err(_) if Instant::now() < deadline => sleep(PAUSE).await,
            Err(_) => return Err(SandboxError::Port { port }),
        }
    }
}

/// Binds a port that nobody has. Each process begins to look at another place, so that it hardly ever
/// takes the port of a sandbox that is down at the moment and will come back.
async fn fresh() -> Result<TcpListener, SandboxError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let width = u32::from(LAST - FIRST) + 1;
    let base = std::process::id().wrapping_mul(SPREAD);
    for _ in 0..TRIES {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let offset = u16::try_from(base.wrapping_add(step) % width).unwrap_or_default();
        if let Ok(listener) = crate::listen::bind(FIRST + offset).await {
            return Ok(listener);
        }
    }
    crate::listen::bind(0)
        .await
        .map_err(|_| SandboxError::Port { port: 0 })
}
