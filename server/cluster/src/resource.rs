//! Typed custom resources with the fields we write or read, and no others: what a controller adds in
//! a later version is ignored, and a list with one unusual object in it still parses. Every optional
//! thing is optional here, because these objects are also edited by people.

mod apisix;
mod argo;
mod observed;

pub use apisix::{
    ApisixConsumer, ApisixConsumerSpec, ApisixPluginConfig, ApisixPluginConfigSpec, AuthParameter,
    KeyAuth, Plugin, SecretName,
};
pub use argo::{
    AppProject, AppProjectSpec, Application, ApplicationBody, ApplicationSpec, Automated,
    Destination, Helm, Identity, Retry, Source, SyncPolicy,
};
pub use observed::{Certificate, Condition, ExternalSecret, Postgresql};

use std::fmt::Debug;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
