//! Clusters as the API shows them and takes them. Nothing in these shapes can name a program to run.

pub mod access;
pub mod add;
pub mod change;
pub mod check;
pub mod list;
pub mod offers;
pub mod read;
pub mod remove;

use model::Timestamp;
use model::cluster::{self, ClusterName, ClusterSettings, Purpose, Region, Zone};
use model::view::ClusterView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::access::Access;
use super::health::Cause;
use super::words;
use crate::http::state::AppState;

/// The routes of this noun.
#[must_use]
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, add::add))
        .routes(routes!(check::check))
        .routes(routes!(offers::offers))
        .routes(routes!(read::read, change::change, remove::remove))
}

/// Where Argo CD takes the chart from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChartSource)]
pub struct Chart {
    /// Git repository of the chart.
    pub repo_url: String,
    /// Folder of the chart in it.
    pub path: String,
}

impl From<Chart> for cluster::ChartSource {
    fn from(it: Chart) -> Self {
        Self {
            repo_url: it.repo_url,
            path: it.path,
        }
    }
}

/// Where Argo CD takes per-instance override files (`overrides/<id>.yaml`) from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRepository {
    /// Git repository of the override files.
    pub repo_url: String,
    /// Branch, tag or commit.
    pub revision: String,
}

impl From<OverrideRepository> for cluster::OverrideSource {
    fn from(it: OverrideRepository) -> Self {
        Self {
            repo_url: it.repo_url,
            revision: it.revision,
        }
    }
}

/// How the outside reaches the cluster's gateway.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClusterGateway)]
pub struct Gateway {
    /// `https` or `http`.
    pub scheme: String,
    /// Port when it is not the scheme's own.
    #[serde(default)]
    pub port: Option<u16>,
    /// Address (`host:port`) to connect to instead of resolving an instance's host name.
    #[serde(default)]
    pub address: Option<String>,
    /// How its replicas are asked one by one, for the proof that a gate is closed.
    #[serde(default)]
    pub replicas: Replicas,
    /// Base URL of a Prometheus that scrapes the gateway; tells how often each token is used.
    #[serde(default)]
    pub prometheus_url: Option<String>,
}

impl From<Gateway> for cluster::Gateway {
    fn from(it: Gateway) -> Self {
        Self {
            scheme: it.scheme,
            port: it.port,
            address: it.address,
            replicas: it.replicas.into(),
            prometheus_url: it.prometheus_url,
        }
    }
}

/// How the replicas of a gateway are found and asked one by one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Replicas {
    /// Pods by label, not-ready and terminating ones too.
    Pods {
        /// Namespace of the pods.
        namespace: String,
        /// Label selector: `app.kubernetes.io/name=apisix`.
        selector: String,
        /// Port on which they answer plain HTTP.
        port: u16,
        /// Whether they are reached by their own addresses instead of the Kubernetes API's pod proxy.
        #[serde(default)]
        direct: bool,
        /// Workers of each; null when unknown.
        #[serde(default)]
        workers: Option<u32>,
    },
    /// Known addresses.
    Addresses {
        /// `host:port`, one per replica; plain HTTP.
        addresses: Vec<String>,
        /// Workers of each; null when unknown.
        #[serde(default)]
        workers: Option<u32>,
    },
}

impl Default for Replicas {
    fn default() -> Self {
        cluster::Replicas::default().into()
    }
}

impl From<cluster::Replicas> for Replicas {
    fn from(it: cluster::Replicas) -> Self {
        match it {
            cluster::Replicas::Pods {
                namespace,
                selector,
                port,
                direct,
                workers,
            } => Self::Pods {
                namespace,
                selector,
                port,
                direct,
                workers,
            },
            cluster::Replicas::Addresses { addresses, workers } => {
                Self::Addresses { addresses, workers }
            }
        }
    }
}

impl From<Replicas> for cluster::Replicas {
    fn from(it: Replicas) -> Self {
        match it {
            Replicas::Pods {
                namespace,
                selector,
                port,
                direct,
                workers,
            } => Self::Pods {
                namespace,
                selector,
                port,
                direct,
                workers,
            },
            Replicas::Addresses { addresses, workers } => Self::Addresses { addresses, workers },
        }
    }
}

/// A cluster as people set it up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClusterSettings)]
pub struct Settings {
    /// What it is called; never changes.
    #[schema(value_type = String, example = "eu-west-1-production")]
    pub name: ClusterName,
    /// Where it runs; never changes.
    #[schema(value_type = String, example = "eu-west-1")]
    pub region: Region,
    /// What it may hold; never changes.
    #[schema(schema_with = words::purpose)]
    pub purpose: Purpose,
    /// Zone of its host names; never changes.
    #[schema(value_type = String, example = "eu.example.org")]
    pub zone: Zone,
    /// How its Kubernetes API is reached, among the ways that this server offers.
    pub access: Access,
    /// Where Argo CD itself lives.
    #[serde(default = "argocd_namespace")]
    pub argocd_namespace: String,
    /// Where the Applications live.
    #[serde(default = "application_namespace")]
    pub application_namespace: String,
    /// The `AppProject` that fences instances.
    #[serde(default = "project")]
    pub project: String,
    /// Where the chart comes from.
    pub chart: Chart,
    /// Where override files come from; null for nowhere.
    #[serde(default)]
    pub overrides: Option<OverrideRepository>,
    /// How its gateway is reached.
    #[serde(default = "gateway")]
    pub gateway: Gateway,
    /// First part of the names of its entries in Secrets Manager.
    #[serde(default = "secrets_prefix")]
    pub secrets_prefix: String,
    /// IAM role (an ARN) by which External Secrets reads an instance's entries; null where its own
    /// identity may.
    #[serde(default)]
    pub secrets_role: Option<String>,
    /// Most instances it may hold.
    pub capacity: u32,
    /// No new instances while set.
    #[serde(default)]
    pub cordoned: bool,
}

fn argocd_namespace() -> String {
    "argocd".to_owned()
}

fn application_namespace() -> String {
    "hosted-instances".to_owned()
}

fn project() -> String {
    "prism-instances".to_owned()
}

fn secrets_prefix() -> String {
    "hosted-instances".to_owned()
}

fn gateway() -> Gateway {
    Gateway {
        scheme: "https".to_owned(),
        port: None,
        address: None,
        replicas: Replicas::default(),
        prometheus_url: None,
    }
}

impl From<Settings> for ClusterSettings {
    fn from(it: Settings) -> Self {
        Self {
            name: it.name,
            region: it.region,
            purpose: it.purpose,
            zone: it.zone,
            access: it.access.into(),
            argocd_namespace: it.argocd_namespace,
            application_namespace: it.application_namespace,
            project: it.project,
            chart: it.chart.into(),
            overrides: it.overrides.map(Into::into),
            gateway: it.gateway.into(),
            secrets_prefix: it.secrets_prefix,
            secrets_role: it.secrets_role,
            capacity: it.capacity,
            cordoned: it.cordoned,
        }
    }
}

/// A cluster.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cluster {
    /// What it is called; never changes.
    #[schema(value_type = String, example = "eu-west-1-production")]
    pub name: ClusterName,
    /// Where it runs; never changes.
    #[schema(value_type = String, example = "eu-west-1")]
    pub region: Region,
    /// What it may hold; never changes.
    #[schema(schema_with = words::purpose)]
    pub purpose: Purpose,
    /// Zone of its host names; never changes.
    #[schema(value_type = String, example = "eu.example.org")]
    pub zone: Zone,
    /// How its Kubernetes API is reached, among the ways that this server offers.
    pub access: Access,
    /// Where Argo CD itself lives.
    pub argocd_namespace: String,
    /// Where the Applications live.
    pub application_namespace: String,
    /// The `AppProject` that fences instances.
    pub project: String,
    /// Where the chart comes from.
    pub chart: Chart,
    /// Where override files come from; null for nowhere.
    pub overrides: Option<OverrideRepository>,
    /// How its gateway is reached.
    pub gateway: Gateway,
    /// First part of the names of its entries in Secrets Manager.
    pub secrets_prefix: String,
    /// IAM role by which External Secrets reads an instance's entries; null where its own identity may.
    pub secrets_role: Option<String>,
    /// Most instances it may hold.
    pub capacity: u32,
    /// No new instances while set.
    pub cordoned: bool,
    /// Instances on it that are not deleted.
    pub instances: u32,
    /// Whether it answered at the last look; null before the first.
    pub reachable: Option<bool>,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// When it was last looked at.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// What is wrong with it; null when nothing is.
    pub cause: Option<Cause>,
    /// Kubernetes version it reported.
    pub kubernetes: Option<String>,
}

impl From<ClusterView> for Cluster {
    fn from(view: ClusterView) -> Self {
        let it = view.settings;
        Self {
            name: it.name,
            region: it.region,
            purpose: it.purpose,
            zone: it.zone,
            access: it.access.into(),
            argocd_namespace: it.argocd_namespace,
            application_namespace: it.application_namespace,
            project: it.project,
            chart: Chart {
                repo_url: it.chart.repo_url,
                path: it.chart.path,
            },
            overrides: it.overrides.map(|o| OverrideRepository {
                repo_url: o.repo_url,
                revision: o.revision,
            }),
            gateway: Gateway {
                scheme: it.gateway.scheme,
                port: it.gateway.port,
                address: it.gateway.address,
                replicas: it.gateway.replicas.into(),
                prometheus_url: it.gateway.prometheus_url,
            },
            secrets_prefix: it.secrets_prefix,
            secrets_role: it.secrets_role,
            capacity: it.capacity,
            cordoned: it.cordoned,
            instances: view.instances,
            reachable: view.reachable,
            since: view.since,
            as_of: view.as_of,
            cause: view.cause.map(Into::into),
            kubernetes: view.kubernetes,
        }
    }
}
