//! From a cluster's settings to a way of speaking to its API. What a person chooses is a name among
//! what this server was configured with; nothing chosen can name a program, and a kubeconfig context
//! whose user runs one is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use kube::config::{KubeConfigOptions, Kubeconfig};
use model::cluster::ClusterAccess;
use model::view::AccessOffer;
use service::ports::ClusterError;

use crate::failure::misconfigured;

/// Where one cluster listens, when its addresses are known to the process that starts this crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Kubernetes API, such as `http://127.0.0.1:40001`.
    pub api_url: String,
    /// `host:port` of the load balancer before its gateway.
    pub gateway_address: String,
    /// Secrets Manager of its region, such as `http://127.0.0.1:40003`.
    pub secrets_manager_url: String,
}

/// Clusters whose addresses are known by name. Shared with the process that knows them, which may
/// learn them later than this crate is started.
#[derive(Debug, Default)]
pub struct Directory(RwLock<BTreeMap<String, Endpoints>>);

impl Directory {
    /// A directory of what is known now.
    #[must_use]
    pub fn new(known: BTreeMap<String, Endpoints>) -> Self {
        Self(RwLock::new(known))
    }

    /// Replaces everything that is known.
    pub fn replace(&self, known: BTreeMap<String, Endpoints>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// The addresses of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Endpoints> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    fn names(&self) -> Vec<String> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }
}

/// A fingerprint of what a client was built from; when it changes, the client is built again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Named(Endpoints),
    Files(Vec<Option<(u64, SystemTime)>>),
    Fixed,
}

/// The ways that this server offers.
#[derive(Debug)]
pub struct Ways {
    pub kubeconfig: Vec<PathBuf>,
    pub in_cluster: bool,
    pub eks: bool,
    pub named: std::sync::Arc<Directory>,
}

impl Ways {
    /// Every way as a choice for a form, the most local first.
    pub fn offers(&self) -> Vec<AccessOffer> {
        let offer = |value: String, title: String| AccessOffer { value, title };
        let mut offers: Vec<AccessOffer> = self
            .named
            .names()
            .into_iter()
            .map(|name| offer(format!("sandbox:{name}"), format!("Sandbox cluster {name}")))
            .collect();
        if self.in_cluster {
            offers.push(offer(
                "in_cluster".to_owned(),
                "The cluster this server runs in".to_owned(),
            ));
        }
        if let Ok(files) = read(&self.kubeconfig) {
            for context in &files.contexts {
                if refusal(&files, &context.name).is_none() {
                    offers.push(offer(
                        format!("kubeconfig:{}", context.name),
                        format!("Kubeconfig context {}", context.name),
                    ));
                }
            }
        }
        if self.eks {
            offers.push(offer(
                "eks".to_owned(),
                "EKS, with this server's AWS identity".to_owned(),
            ));
        }
        offers
    }

    /// What a client for this access would be built from now.
    pub fn origin(&self, access: &ClusterAccess) -> Result<Origin, ClusterError> {
        match access {
            ClusterAccess::Sandbox { name } => self
                .named
                .find(name)
                .map(Origin::Named)
                .ok_or_else(|| unknown_name(name)),
            ClusterAccess::Kubeconfig { .. } => Ok(Origin::Files(
                self.kubeconfig.iter().map(|path| stamp(path)).collect(),
            )),
            ClusterAccess::InCluster | ClusterAccess::Eks { .. } => Ok(Origin::Fixed),
        }
    }

    /// The client configuration of a way that needs no cloud.
    pub async fn configuration(
        &self,
        access: &ClusterAccess,
    ) -> Result<kube::Config, ClusterError> {
        let config = match access {
            ClusterAccess::Sandbox { name } => {
                let found = self.named.find(name).ok_or_else(|| unknown_name(name))?;
                kube::Config::new(address(&found.api_url)?)
            }
            ClusterAccess::InCluster if !self.in_cluster => {
                return Err(misconfigured(
                    "This server does not run in a cluster, or was not configured to use it. Choose \
                     another access",
                ));
            }
            ClusterAccess::InCluster => kube::Config::incluster().map_err(|error| {
                misconfigured(format!(
                    "The service account of this pod cannot be used: {error}"
                ))
            })?,
            ClusterAccess::Kubeconfig { context } => self.context(context).await?,
            ClusterAccess::Eks { .. } if !self.eks => {
                return Err(misconfigured(
                    "Access to EKS is switched off in this server's configuration",
                ));
            }
            ClusterAccess::Eks { .. } => {
                return Err(misconfigured("The EKS cluster has not been looked up"));
            }
        };
        Ok(bounded(config))
    }

    async fn context(&self, context: &str) -> Result<kube::Config, ClusterError> {
        let paths = self.kubeconfig.clone();
        let files = tokio::task::spawn_blocking(move || read(&paths))
            .await
            .map_err(|_| misconfigured("The kubeconfig files could not be read"))??;
        if let Some(why) = refusal(&files, context) {
            return Err(misconfigured(why));
        }
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..Default::default()
        };
        kube::Config::from_custom_kubeconfig(files, &options)
            .await
            .map_err(|error| {
                misconfigured(format!(
                    "The kubeconfig context {context} cannot be used: {error}"
                ))
            })
    }
}

/// Sets the time-outs that every client has. A watch says something at least every 25 s (it ends then),
/// so a connection that is silent for longer is dead.
pub fn bounded(mut config: kube::Config) -> kube::Config {
    config.connect_timeout = Some(Duration::from_secs(5));
    config.write_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(Duration::from_secs(28));
    config.reset_reader_on_write = true;
    // Retries are counted against our own deadlines.
    config.default_retry = false;
    config
}

/// A URL as the client takes it.
pub fn address(url: &str) -> Result<http::Uri, ClusterError> {
    url.parse()
        .map_err(|_| misconfigured(format!("The address {url} is not a URL")))
}

fn unknown_name(name: &str) -> ClusterError {
    misconfigured(format!(
        "There is no sandbox cluster called {name} in this server"
    ))
}

fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

fn read(paths: &[PathBuf]) -> Result<Kubeconfig, ClusterError> {
    if paths.is_empty() {
        return Err(misconfigured(
            "This server was configured with no kubeconfig file",
        ));
    }
    let mut all: Option<Kubeconfig> = None;
    for path in paths {
        let trouble = |error: kube::config::KubeconfigError| {
            misconfigured(format!(
                "The kubeconfig file {} cannot be read: {error}",
                path.display()
            ))
        };
        let next = Kubeconfig::read_from(path).map_err(trouble)?;
        all = Some(match all {
            None => next,
            Some(before) => before.merge(next).map_err(trouble)?,
        });
    }
    Ok(all.unwrap_or_default())
}

/// Why a context may not be used, if it may not.
fn refusal(files: &Kubeconfig, context: &str) -> Option<String> {
    let named = files.contexts.iter().find(|c| c.name == context);
    let Some(named) = named.and_then(|c| c.context.as_ref()) else {
        return Some(format!(
            "There is no context {context} in this server's kubeconfig files"
        ));
    };
    let user = named.user.as_deref().unwrap_or("");
    let user = files
        .auth_infos
        .iter()
        .find(|u| u.name == user)?
        .auth_info
        .as_ref()?;
    (user.exec.is_some() || user.auth_provider.is_some()).then(|| {
        format!(
            "The user of the context {context} runs a program to sign in, which this server does not \
             do. Use a token, a client certificate, or the EKS access"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:6443"}
contexts:
- {name: plain, context: {cluster: c, user: token}}
- {name: program, context: {cluster: c, user: exec}}
- {name: provider, context: {cluster: c, user: old}}
users:
- {name: token, user: {token: abc}}
- name: exec
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/true, interactiveMode: Never}}
- {name: old, user: {auth-provider: {name: gcp, config: {}}}}
"#;

    fn ways(kubeconfig: Vec<PathBuf>) -> Ways {
        let known = Endpoints {
            api_url: "http://127.0.0.1:1".to_owned(),
            gateway_address: "127.0.0.1:2".to_owned(),
            secrets_manager_url: "http://127.0.0.1:3".to_owned(),
        };
        let named = Directory::new(BTreeMap::from([("one".to_owned(), known)]));
        Ways {
            kubeconfig,
            in_cluster: false,
            eks: true,
            named: std::sync::Arc::new(named),
        }
    }

    #[tokio::test]
    async fn only_contexts_that_run_no_program_are_offered_and_used() {
        crate::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, FILE).unwrap();
        let ways = ways(vec![path]);
        let values: Vec<String> = ways.offers().into_iter().map(|o| o.value).collect();
        assert_eq!(values, ["sandbox:one", "kubeconfig:plain", "eks"]);
        let context = |name: &str| ClusterAccess::Kubeconfig {
            context: name.to_owned(),
        };
        let config = ways.configuration(&context("plain")).await.unwrap();
        assert!(!config.default_retry && config.read_timeout.is_some());
        for (name, says) in [
            ("program", "runs a program"),
            ("provider", "runs a program"),
            ("none", "no context"),
        ] {
            let error = ways
                .configuration(&context(name))
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let ways = ways(vec![PathBuf::from("/nonexistent/kubeconfig")]);
        let offers: Vec<String> = ways.offers().into_iter().map(|o| o.value).collect();
        assert_eq!(offers, ["sandbox:one", "eks"]);
        for access in [
            ClusterAccess::InCluster,
            ClusterAccess::Sandbox {
                name: "two".to_owned(),
            },
            ClusterAccess::Kubeconfig {
                context: "x".to_owned(),
            },
        ] {
            let said = ways.configuration(&access).await;
            assert!(
                matches!(said, Err(ClusterError::Misconfigured(_))),
                "{said:?}"
            );
        }
    }
}
