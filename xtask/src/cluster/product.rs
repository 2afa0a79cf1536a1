//! The product on a real cluster: the configuration it is started with, and the clusters added through
//! its REST API afterwards, as a person or a program would add them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::control::Client;
use super::start::Description;
use crate::failure::{Failure, Result, Told};
use crate::{process, report, workspace};

const READY: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);

/// What `run --cluster` starts the product with.
pub struct OnCluster {
    kubeconfig: PathBuf,
    /// None for a cluster that somebody else set up.
    description: Option<Description>,
    configuration: PathBuf,
}

impl OnCluster {
    /// For a kubeconfig; one that `cargo xtask cluster up` wrote brings all that must be known.
    pub fn new(kubeconfig: &Path) -> Result<Self> {
        let kubeconfig = std::path::absolute(kubeconfig)
            .told(|| format!("{} is no file", kubeconfig.display()))?;
        if !kubeconfig.is_file() {
            return Err(Failure::new(format!(
                "There is no kubeconfig at {}. cargo xtask cluster up starts a cluster and names its own.",
                kubeconfig.display()
            )));
        }
        let description = Description::beside(&kubeconfig);
        let configuration = workspace::target().join("run-on-cluster.toml");
        let it = Self {
            kubeconfig,
            description,
            configuration,
        };
        workspace::write(&it.configuration, it.toml().as_bytes())?;
        Ok(it)
    }

    fn toml(&self) -> String {
        use std::fmt::Write as _;
        let path = self.kubeconfig.display();
        let mut text = format!("[clusters]\nkubeconfig_files = [\"{path}\"]\n");
        if let Some(description) = &self.description {
            for cluster in description.clusters() {
                // Writing to a String cannot fail.
                let _ = write!(
                    text,
                    "\n[clusters.secrets_manager.{}]\nregion = {}\nendpoint = \"{}\"\n",
                    cluster["name"].as_str().unwrap_or_default(),
                    cluster["region"],
                    description.secrets_manager()
                );
            }
        }
        text
    }

    /// Adds what `serve` needs.
    pub fn prepare(&self, command: &mut Command) {
        command.arg("--config").arg(&self.configuration);
        if self.description.is_some() {
            // moto takes any credentials, but the SDK sends nothing without some.
            command
                .env("AWS_ACCESS_KEY_ID", "test-cluster")
                .env("AWS_SECRET_ACCESS_KEY", "test-cluster");
        }
    }

    /// Waits until the product answers and adds the clusters that it does not know yet.
    pub fn add_clusters(&self, binary: &Path, data: &Path, listen: &str) -> Result {
        let Some(description) = &self.description else {
            report::note("Add the cluster in the console: its contexts are offered there.");
            return Ok(());
        };
        let client = Client::new(listen);
        let deadline = Instant::now() + READY;
        while client.get("/readyz").is_err() {
            if process::interrupted() || Instant::now() > deadline {
                return Err(Failure::new("The server was not ready within a minute."));
            }
            std::thread::sleep(GLANCE);
        }
        let client = client.with_token(token(binary, data)?);
        for cluster in description.clusters() {
            let name = cluster["name"].as_str().unwrap_or_default();
            if client.get(&format!("/api/v1/clusters/{name}")).is_ok() {
                continue;
            }
            client.post_json("/api/v1/clusters", &settings(description, cluster))?;
            report::note(format!("The cluster {name} was added."));
        }
        Ok(())
    }
}

/// The body of `POST /clusters` for one of the supervisor's clusters.
pub fn settings(description: &Description, cluster: &Value) -> Value {
    let name = &cluster["name"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let production = text(name) == "production";
    json!({
        "name": name,
        "region": cluster["region"],
        "purpose": if production { "production" } else { "development" },
        "zone": format!("{}.cluster.localhost", text(name)),
        "access": {"kind": "kubeconfig", "context": name},
        "chart": {
            "repo_url": format!("{}/charts.git", description.git()),
            "path": "charts/prism-instance",
        },
        "overrides": {
            "repo_url": format!("{}/overrides.git", description.git()),
            "revision": "main",
        },
        "gateway": {
            "scheme": "http",
            "port": text(&cluster["gateway"]).rsplit(':').next().and_then(|p| p.parse::<u16>().ok()),
            "address": cluster["gateway"],
            "replicas": {"kind": "addresses", "addresses": cluster["replicas"], "workers": 2},
        },
        "capacity": 1000,
    })
}

fn token(binary: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(binary);
    let words = [
        "access-token",
        "create",
        "--name",
        "cluster",
        "--scope",
        "clusters:write",
    ];
    command.args(words).arg("--data-dir").arg(data);
    process::ask(&mut command)
        .ok_or_else(|| Failure::new("An access token for adding the clusters could not be made."))
}
