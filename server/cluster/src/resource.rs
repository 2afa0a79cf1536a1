//! Typed custom resources with the fields we write or read, and no others: what a controller adds in
//! a later version is ignored, and a list with one unusual object in it still parses. Every optional
//! thing is optional here, because these objects are also edited by people.

mod apisix;
mod argo;
mod external_secret;
mod observed;

pub use apisix::{
    ApisixConsumer, ApisixConsumerSpec, ApisixPluginConfig, ApisixPluginConfigSpec, ApisixRoute,
    AuthParameter, KeyAuth, Plugin, RouteRule, SecretName,
};
pub use argo::{
    AppProject, AppProjectSpec, Application, ApplicationBody, ApplicationSpec, Automated,
    Destination, Helm, Identity, Retry, Source, SyncPolicy,
};
pub use external_secret::{ExternalSecret, ExternalSecretSpec, Fetched, Made, RemoteRef, StoreRef};
pub use observed::{Certificate, Condition, Postgresql};

use std::fmt::Debug;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// Everything that an object kind must be to be read and written here.
pub trait Kind:
    Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
}
impl<K> Kind for K where
    K: Resource<DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// A kind whose objects live in namespaces.
pub trait Namespaced: Kind + Resource<Scope = NamespaceResourceScope> {}
impl<K> Namespaced for K where K: Kind + Resource<Scope = NamespaceResourceScope> {}

/// A kind whose objects belong to the whole cluster.
pub trait ClusterWide: Kind + Resource<Scope = ClusterResourceScope> {}
impl<K> ClusterWide for K where K: Kind + Resource<Scope = ClusterResourceScope> {}

/// Reads a field that is written as null like one that is missing: one object with a null in it must not
/// make a whole list unreadable.
fn or_nothing<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nulls_are_like_nothing() {
        let metadata = json!({"name": "x"});
        let application: Application = serde_json::from_value(json!({
            "metadata": metadata,
            "spec": {"project": null, "sources": null, "destination": null, "syncPolicy": null},
            "operation": null,
            "status": {"sync": null, "health": {"status": null}, "operationState": null,
                "conditions": null},
        }))
        .unwrap();
        assert_eq!(application.spec, ApplicationBody::default());
        let certificate: Certificate = serde_json::from_value(json!({
            "metadata": metadata, "spec": {},
            "status": {"conditions": [{"type": "Ready", "status": null, "message": null}]},
        }))
        .unwrap();
        assert_eq!(certificate.status.unwrap().conditions[0].kind, "Ready");
        let gate: ApisixPluginConfig = serde_json::from_value(json!({
            "metadata": metadata, "spec": {"plugins": [{"name": "x", "enable": null}]},
        }))
        .unwrap();
        assert!(!gate.spec.plugins[0].enable);
        let database: Postgresql = serde_json::from_value(json!({
            "metadata": metadata, "spec": {}, "status": {"PostgresClusterStatus": null},
        }))
        .unwrap();
        assert_eq!(database.status.unwrap().cluster, "");
    }
}
