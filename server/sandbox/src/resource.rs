//! The kinds this cluster knows, as one table.
//!
//! Discovery, the schema documents, routing and the custom resource definitions are all printed
//! from it, so a kind exists everywhere or nowhere. `Kind` is the index into the table; a test
//! holds the two in step.

/// One kind of object that the cluster stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Namespace,
    Pod,
    Service,
    Secret,
    ConfigMap,
    Event,
    Volume,
    Node,
    ServiceAccount,
    ResourceQuota,
    Deployment,
    ReplicaSet,
    StatefulSet,
    Lease,
    NetworkPolicy,
    DisruptionBudget,
    Role,
    RoleBinding,
    Definition,
    Application,
    AppProject,
    Route,
    Consumer,
    PluginConfig,
    Tls,
    ExternalSecret,
    SecretStore,
    ClusterSecretStore,
    Postgresql,
    Certificate,
    ClusterIssuer,
    /// An entry of the region's Secrets Manager: durable like an object, never served as one.
    VaultEntry,
}

/// What the API says about a kind.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of the table"
)]
pub struct Definition {
    pub kind: Kind,
    pub group: &'static str,
    pub version: &'static str,
    /// The `kind` field of its objects.
    pub name: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub namespaced: bool,
    /// Has a status subresource; without one a write of the object writes the status too.
    pub status: bool,
    /// Carries `metadata.generation`.
    pub generation: bool,
    /// Defined by a custom resource definition.
    pub custom: bool,
}

/// How a kind behaves: the letters of `row`'s last argument.
const fn has(flags: &str, letter: u8) -> bool {
    let bytes = flags.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] == letter {
            return true;
        }
        index += 1;
    }
    false
}

/// `flags`: n namespaced, s status subresource, g generation, c custom.
const fn row(
    kind: Kind,
    api: (&'static str, &'static str, &'static str),
    names: (&'static str, &'static str),
    short: &'static [&'static str],
    categories: &'static [&'static str],
    flags: &str,
) -> Definition {
    Definition {
        kind,
        group: api.0,
        version: api.1,
        name: api.2,
        plural: names.0,
        singular: names.1,
        short,
        categories,
        namespaced: has(flags, b'n'),
        status: has(flags, b's'),
        generation: has(flags, b'g'),
        custom: has(flags, b'c'),
    }
}

const ALL: &[&str] = &["all"];
const APISIX: &str = "apisix.apache.org";
const ARGO: &str = "argoproj.io";
const ESO: &str = "external-secrets.io";
const ESO_CATEGORY: &[&str] = &["external-secrets"];
const CERT: &str = "cert-manager.io";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Every kind, in the order of `Kind`.
#[rustfmt::skip]
pub static TABLE: &[Definition] = &[
    row(Kind::Namespace, ("", "v1", "Namespace"), ("namespaces", "namespace"), &["ns"], &[], "s"),
    row(Kind::Pod, ("", "v1", "Pod"), ("pods", "pod"), &["po"], ALL, "nsg"),
    row(Kind::Service, ("", "v1", "Service"), ("services", "service"), &["svc"], ALL, "ns"),
    row(Kind::Secret, ("", "v1", "Secret"), ("secrets", "secret"), &[], &[], "n"),
    row(Kind::ConfigMap, ("", "v1", "ConfigMap"), ("configmaps", "configmap"), &["cm"], &[], "n"),
    row(Kind::Event, ("", "v1", "Event"), ("events", "event"), &["ev"], &[], "n"),
    row(Kind::Volume, ("", "v1", "PersistentVolumeClaim"), ("persistentvolumeclaims", "persistentvolumeclaim"), &["pvc"], &[], "ns"),
    row(Kind::Node, ("", "v1", "Node"), ("nodes", "node"), &["no"], &[], "s"),
    row(Kind::ServiceAccount, ("", "v1", "ServiceAccount"), ("serviceaccounts", "serviceaccount"), &["sa"], &[], "n"),
    row(Kind::ResourceQuota, ("", "v1", "ResourceQuota"), ("resourcequotas", "resourcequota"), &["quota"], &[], "ns"),
    row(Kind::Deployment, ("apps", "v1", "Deployment"), ("deployments", "deployment"), &["deploy"], ALL, "nsg"),
    row(Kind::ReplicaSet, ("apps", "v1", "ReplicaSet"), ("replicasets", "replicaset"), &["rs"], ALL, "nsg"),
    row(Kind::StatefulSet, ("apps", "v1", "StatefulSet"), ("statefulsets", "statefulset"), &["sts"], ALL, "nsg"),
    row(Kind::Lease, ("coordination.k8s.io", "v1", "Lease"), ("leases", "lease"), &[], &[], "n"),
    row(Kind::NetworkPolicy, ("networking.k8s.io", "v1", "NetworkPolicy"), ("networkpolicies", "networkpolicy"), &["netpol"], &[], "ng"),
    row(Kind::DisruptionBudget, ("policy", "v1", "PodDisruptionBudget"), ("poddisruptionbudgets", "poddisruptionbudget"), &["pdb"], &[], "nsg"),
    row(Kind::Role, (RBAC, "v1", "Role"), ("roles", "role"), &[], &[], "n"),
    row(Kind::RoleBinding, (RBAC, "v1", "RoleBinding"), ("rolebindings", "rolebinding"), &[], &[], "n"),
    row(Kind::Definition, ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), ("customresourcedefinitions", "customresourcedefinition"), &["crd", "crds"], &["api-extensions"], "sg"),
    row(Kind::Application, (ARGO, "v1alpha1", "Application"), ("applications", "application"), &["app", "apps"], &[], "ngc"),
    row(Kind::AppProject, (ARGO, "v1alpha1", "AppProject"), ("appprojects", "appproject"), &["appproj", "appprojs"], &[], "ngc"),
    row(Kind::Route, (APISIX, "v2", "ApisixRoute"), ("apisixroutes", "apisixroute"), &["ar"], &[], "nsgc"),
    row(Kind::Consumer, (APISIX, "v2", "ApisixConsumer"), ("apisixconsumers", "apisixconsumer"), &["ac"], &[], "nsgc"),
    row(Kind::PluginConfig, (APISIX, "v2", "ApisixPluginConfig"), ("apisixpluginconfigs", "apisixpluginconfig"), &["apc"], &[], "nsgc"),
    row(Kind::Tls, (APISIX, "v2", "ApisixTls"), ("apisixtlses", "apisixtls"), &["atls"], &[], "nsgc"),
    row(Kind::ExternalSecret, (ESO, "v1", "ExternalSecret"), ("externalsecrets", "externalsecret"), &["es"], ESO_CATEGORY, "nsgc"),
    row(Kind::SecretStore, (ESO, "v1", "SecretStore"), ("secretstores", "secretstore"), &["ss"], ESO_CATEGORY, "nsgc"),
    row(Kind::ClusterSecretStore, (ESO, "v1", "ClusterSecretStore"), ("clustersecretstores", "clustersecretstore"), &["css"], ESO_CATEGORY, "sgc"),
    row(Kind::Postgresql, ("acid.zalan.do", "v1", "postgresql"), ("postgresqls", "postgresql"), &["pg"], ALL, "nsgc"),
    row(Kind::Certificate, (CERT, "v1", "Certificate"), ("certificates", "certificate"), &["cert", "certs"], &["cert-manager"], "nsgc"),
    row(Kind::ClusterIssuer, (CERT, "v1", "ClusterIssuer"), ("clusterissuers", "clusterissuer"), &["ciss"], &["cert-manager"], "sgc"),
    row(Kind::VaultEntry, ("internal", "v1", "VaultEntry"), ("vaultentries", "vaultentry"), &[], &[], ""),
];

impl Kind {
    /// The row of the table.
    pub fn definition(self) -> &'static Definition {
        &TABLE[self as usize]
    }

    /// Plural name, as in paths and messages.
    pub fn plural(self) -> &'static str {
        self.definition().plural
    }

    /// `group/version`, or `v1` for the core group.
    pub fn api_version(self) -> String {
        let row = self.definition();
        if row.group.is_empty() {
            row.version.to_owned()
        } else {
            format!("{}/{}", row.group, row.version)
        }
    }

    /// Plural name with the group, as error messages of the API write it.
    pub fn qualified(self) -> String {
        let row = self.definition();
        if row.group.is_empty() {
            row.plural.to_owned()
        } else {
            format!("{}.{}", row.plural, row.group)
        }
    }

    /// The kind at a place of the API.
    pub fn at(group: &str, version: &str, plural: &str) -> Option<Self> {
        served()
            .find(|row| row.group == group && row.version == version && row.plural == plural)
            .map(|row| row.kind)
    }

    /// The kind that an object names.
    pub fn named(api_version: &str, name: &str) -> Option<Self> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        served()
            .find(|row| row.group == group && row.version == version && row.name == name)
            .map(|row| row.kind)
    }
}

/// Every kind that the API serves.
pub fn served() -> impl Iterator<Item = &'static Definition> {
    TABLE.iter().filter(|row| row.kind != Kind::VaultEntry)
}

/// The groups that are served, core first, each with its one version.
pub fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for row in served() {
        if !groups.contains(&(row.group, row.version)) {
            groups.push((row.group, row.version));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_the_index_of_its_row() {
        for (index, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, index, "{}", row.name);
        }
    }

    #[test]
    fn kinds_are_found_by_path_and_by_name() {
        assert_eq!(
            Kind::at("argoproj.io", "v1alpha1", "applications"),
            Some(Kind::Application)
        );
        assert_eq!(Kind::named("v1", "Secret"), Some(Kind::Secret));
        assert_eq!(Kind::at("internal", "v1", "vaultentries"), None);
        assert_eq!(
            Kind::at("external-secrets.io", "v1beta1", "externalsecrets"),
            None
        );
    }
}
