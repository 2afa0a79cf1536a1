//! Starts a sandbox with two clusters and prints where it listens; `Ctrl-C` ends it.
//!
//! `cargo run -p sandbox --example sandbox [folder] [pace]`, then for instance
//! `kubectl --server <address> get applications -A`.

use sandbox::{ClusterSeed, Pace, Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments
        .next()
        .unwrap_or_else(|| "data/sandbox".to_owned());
    let pace = arguments.next().map_or(Ok(1.0), |text| text.parse())?;
    let seed = |name: &str, purpose: &str, region: &str| ClusterSeed {
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        region: region.to_owned(),
        zone: "sandbox.localhost".to_owned(),
    };
    let clusters = vec![
        seed("development-eu", "development", "eu-west-1"),
        seed("production-eu", "production", "eu-west-1"),
    ];
    let config = SandboxConfig {
        pace: Pace(pace),
        ..SandboxConfig::new(dir.into(), clusters)
    };
    let sandbox = Sandbox::start(config).await?;
    for endpoints in sandbox.endpoints() {
        println!("{}", endpoints.cluster);
        println!("  Kubernetes API   {}", endpoints.api_url);
        println!("  gateway          {}", endpoints.gateway_url);
        println!("  its replicas     {}", endpoints.replica_urls.join(" "));
        println!("  Secrets Manager  {}", endpoints.secrets_manager_url);
        println!("  Prometheus       {}", endpoints.prometheus_url);
    }
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}
