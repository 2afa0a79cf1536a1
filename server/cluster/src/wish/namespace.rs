//! The namespace with its fences, and the watchman's key in it. The namespace is ours and not Argo CD's:
//! one made by Argo CD would carry no labels of ours and would stay behind after a deletion.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota, ResourceQuotaSpec, Secret};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use model::secret_text::PlainToken;
use service::ports::Target;

use super::{inside, labels};

/// Most objects of a kind in one namespace; far above what an instance has, far below what hurts others.
const QUOTA: &[(&str, &str)] = &[
    ("pods", "40"),
    ("persistentvolumeclaims", "12"),
    ("configmaps", "100"),
    ("secrets", "300"),
    ("services", "30"),
    ("services.loadbalancers", "0"),
    ("services.nodeports", "0"),
];

/// The namespace, with the strictest Pod Security.
pub fn namespace(target: &Target) -> Namespace {
    let mut all = labels(target);
    for mode in ["enforce", "audit", "warn"] {
        all.insert(
            format!("pod-security.kubernetes.io/{mode}"),
            "restricted".to_owned(),
        );
    }
    Namespace {
        metadata: ObjectMeta {
            name: Some(target.instance.namespace()),
            labels: Some(all),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

/// The quota of the namespace.
pub fn quota(target: &Target) -> ResourceQuota {
    let hard = QUOTA
        .iter()
        .map(|(what, most)| ((*what).to_owned(), Quantity((*most).to_owned())));
    ResourceQuota {
        metadata: inside(target, "instance"),
        spec: Some(ResourceQuotaSpec {
            hard: Some(hard.collect()),
            ..ResourceQuotaSpec::default()
        }),
        ..ResourceQuota::default()
    }
}

/// The Secret with the watchman's key.
pub fn watchman_secret(target: &Target, name: &str, key: &PlainToken) -> Secret {
    let data = BTreeMap::from([(
        "key".to_owned(),
        ByteString(key.expose().as_bytes().to_vec()),
    )]);
    Secret {
        metadata: inside(target, name),
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}
