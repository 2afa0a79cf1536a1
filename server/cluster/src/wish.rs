//! Every object that the control plane writes, as a pure function of the wish. What is compared with
//! the cluster is made here as well, so that "as wished" and "as written" cannot drift apart.

mod application;
mod gate;
mod key;
mod namespace;

use std::collections::BTreeMap;

pub use application::{application, compared, owned};
pub use gate::{GATE, gate, read_gate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
pub use key::{INSTANCE_SECRETS, consumer, external_secret, is_key, is_name, pinned};
pub use namespace::{namespace, quota, watchman_secret};
use service::ports::Target;

/// Who writes our fields.
pub const MANAGER: &str = "hosted-instances";
/// Label of everything that the control plane writes.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label with the instance's id.
pub const INSTANCE: &str = "hosted-instances.io/instance";
/// Label with the tenant's id.
pub const TENANT: &str = "hosted-instances.io/tenant";

/// The labels of everything that the control plane writes for an instance.
pub fn labels(target: &Target) -> BTreeMap<String, String> {
    BTreeMap::from([
        (MANAGED_BY.to_owned(), MANAGER.to_owned()),
        (INSTANCE.to_owned(), target.instance.to_string()),
        (TENANT.to_owned(), target.tenant.to_string()),
    ])
}

/// Metadata of an object in the instance's namespace.
fn inside(target: &Target, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(target.instance.namespace()),
        labels: Some(labels(target)),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
pub mod samples {
    use std::collections::BTreeMap;

    use model::cluster::{
        ChartSource, ClusterAccess, ClusterSettings, Gateway, OverrideSource, Purpose, Replicas,
    };
    use model::release::{Channel, Release};
    use serde_json::json;
    use service::ports::Target;

    /// A target on a cluster whose API has this access.
    pub fn target(access: ClusterAccess) -> Target {
        let overrides = json!({"agent": {"replicas": 2, "share": 1.0}, "instance": {"id": "x"}});
        Target {
            cluster: ClusterSettings {
                name: "one".parse().unwrap(),
                region: "eu-west-1".parse().unwrap(),
                purpose: Purpose::Development,
                zone: "eu.example.org".parse().unwrap(),
                access,
                argocd_namespace: "argocd".to_owned(),
                application_namespace: "hosted-instances".to_owned(),
                project: "prism-instances".to_owned(),
                chart: ChartSource {
                    repo_url: "https://git.example.org/chart.git".to_owned(),
                    path: "charts/prism-instance".to_owned(),
                },
                overrides: Some(OverrideSource {
                    repo_url: "https://git.example.org/overrides.git".to_owned(),
                    revision: "main".to_owned(),
                }),
                gateway: Gateway {
                    scheme: "http".to_owned(),
                    port: None,
                    address: None,
                    replicas: Replicas::default(),
                    prometheus_url: None,
                },
                secrets_prefix: "hosted-instances/one".to_owned(),
                secrets_role: None,
                capacity: 100,
                cordoned: false,
            },
            instance: "k7mq2x9dr4ht".parse().unwrap(),
            tenant: "018f3f1e-0000-7000-8000-000000000001".parse().unwrap(),
            host: "k7mq2x9dr4ht.eu.example.org".to_owned(),
            purpose: Purpose::Development,
            release: Release {
                version: "2.1.0".parse().unwrap(),
                channel: Channel::Supported,
                chart_revision: "v2.1.0".to_owned(),
                images: BTreeMap::new(),
                schema: BTreeMap::new(),
                destroys: None,
                notes: String::new(),
            },
            overrides: overrides.as_object().unwrap().clone(),
        }
    }
}
