//! The proof of emptiness: everything of an instance that is still there, by name. Secrets are not
//! listed, because the control plane may not read them; they cannot outlive their namespace, which is
//! looked for.

use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use service::ports::{ClusterError, Target};

use crate::client::find;
use crate::failure::Failure;
use crate::resource::Application;

/// Kinds that an instance has in its namespace: group, version, kind, plural.
const KINDS: &[(&str, &str, &str, &str)] = &[
    ("apps", "v1", "Deployment", "deployments"),
    ("apps", "v1", "StatefulSet", "statefulsets"),
    ("", "v1", "Pod", "pods"),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("acid.zalan.do", "v1", "postgresql", "postgresqls"),
    ("cert-manager.io", "v1", "Certificate", "certificates"),
    (
        "external-secrets.io",
        "v1",
        "ExternalSecret",
        "externalsecrets",
    ),
    ("apisix.apache.org", "v2", "ApisixRoute", "apisixroutes"),
    ("apisix.apache.org", "v2", "ApisixTls", "apisixtlses"),
    (
        "apisix.apache.org",
        "v2",
        "ApisixConsumer",
        "apisixconsumers",
    ),
    (
        "apisix.apache.org",
        "v2",
        "ApisixPluginConfig",
        "apisixpluginconfigs",
    ),
];

/// What is left on the cluster, as `Kind namespace/name`.
pub async fn on_cluster(client: &Client, target: &Target) -> Result<Vec<String>, ClusterError> {
    let looked = |failure: Failure| failure.while_doing("looking for what is left");
    let name = target.instance.namespace();
    let mut left = Vec::new();
    let space = &target.cluster.application_namespace;
    let applications: Api<Application> = Api::namespaced(client.clone(), space);
    if find(|| applications.get_metadata(&name))
        .await
        .map_err(looked)?
        .is_some()
    {
        left.push(format!("Application {space}/{name}"));
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if find(|| namespaces.get_metadata(&name))
        .await
        .map_err(looked)?
        .is_some()
    {
        left.push(format!("Namespace {name}"));
    }
    let looks = KINDS.iter().map(|kind| of_kind(client, &name, kind));
    for found in futures::future::join_all(looks).await {
        left.extend(found.map_err(looked)?);
    }
    Ok(left)
}

async fn of_kind(
    client: &Client,
    namespace: &str,
    (group, version, kind, plural): &(&str, &str, &str, &str),
) -> Result<Vec<String>, Failure> {
    let api_version = if group.is_empty() {
        (*version).to_owned()
    } else {
        format!("{group}/{version}")
    };
    let resource = ApiResource {
        group: (*group).to_owned(),
        version: (*version).to_owned(),
        api_version,
        kind: (*kind).to_owned(),
        plural: (*plural).to_owned(),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let params = ListParams::default().limit(500);
    let found = find(|| api.list_metadata(&params)).await?;
    let items = found.map(|list| list.items).unwrap_or_default();
    Ok(items
        .into_iter()
        .map(|o| format!("{kind} {namespace}/{}", o.metadata.name.unwrap_or_default()))
        .collect())
}
