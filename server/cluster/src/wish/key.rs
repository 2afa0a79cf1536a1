//! A key on its way to the gateway: the entry of Secrets Manager becomes a Secret, the Secret the key of
//! a consumer. All three carry the consumer's name, which is `[a-z0-9]` only, because the ingress
//! controller's generations compose a consumer's full name differently from any other.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use service::ports::{ClusterError, KeyWish, Target};

use super::{MANAGED_BY, MANAGER, inside};
use crate::drift;
use crate::resource::{
    ApisixConsumer, ApisixConsumerSpec, AuthParameter, ExternalSecret, ExternalSecretSpec, Fetched,
    KeyAuth, Made, RemoteRef, SecretName, StoreRef,
};

/// The field of the entry and of the Secret that holds the key.
const FIELD: &str = "key";
/// What an exact version is called by External Secrets.
const PIN: &str = "uuid/";
/// What the chart calls the store unless its values say otherwise.
const STORE: &str = "secrets-manager";
/// The store's kind unless the chart's values say otherwise.
const STORE_KIND: &str = "SecretStore";
/// The ingress class unless the chart's values say otherwise.
const CLASS: &str = "apisix";

/// What the chart renders to fetch the instance's own secrets.
pub const INSTANCE_SECRETS: &str = "instance-secrets";

/// What fetches a key, once for each version and never on a timer, from the store that the instance's
/// own secrets come from. Without one the chart's values are followed, as far as they are known here.
pub fn external_secret(target: &Target, key: &KeyWish, store: Option<StoreRef>) -> ExternalSecret {
    let store = store.unwrap_or_else(|| StoreRef {
        kind: value(target, "secrets", "storeKind", STORE_KIND),
        name: value(target, "secrets", "store", STORE),
    });
    let spec = ExternalSecretSpec {
        refresh_policy: Some("OnChange".to_owned()),
        secret_store_ref: Some(store),
        target: Some(Made {
            name: key.consumer.clone(),
            creation_policy: "Owner".to_owned(),
            deletion_policy: "Delete".to_owned(),
        }),
        data: vec![Fetched {
            secret_key: FIELD.to_owned(),
            remote_ref: RemoteRef {
                key: format!(
                    "{}/{}/{}",
                    target.cluster.secrets_prefix, target.instance, key.consumer
                ),
                property: Some(FIELD.to_owned()),
                version: Some(format!("{PIN}{}", key.version)),
            },
        }],
    };
    let mut object = ExternalSecret::new(&key.consumer, spec);
    object.metadata = inside(target, &key.consumer);
    object
}

/// Who holds a key; it stands in the Secret of the same name.
pub fn consumer(target: &Target, name: &str) -> ApisixConsumer {
    let spec = ApisixConsumerSpec {
        ingress_class_name: Some(value(target, "gateway", "ingressClassName", CLASS)),
        auth_parameter: AuthParameter {
            key_auth: Some(KeyAuth {
                secret_ref: Some(SecretName {
                    name: name.to_owned(),
                }),
            }),
        },
    };
    let mut object = ApisixConsumer::new(name, spec);
    object.metadata = inside(target, name);
    object
}

/// Whether a consumer may be called so.
pub fn is_name(name: &str) -> Result<(), ClusterError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if (1..=63).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(ClusterError::Refused(format!(
        "{name} cannot be the name of a consumer: only small letters and digits mean the same to every \
         ingress controller"
    )))
}

/// The version that an object pins, if it is one of ours.
pub fn pinned(object: &ExternalSecret) -> Option<String> {
    let version = object.spec.data.first()?.remote_ref.version.as_deref()?;
    version.strip_prefix(PIN).map(str::to_owned)
}

/// Whether an object belongs to a key: our label says so, or, where somebody took it away, the record of
/// who wrote it. What the chart renders is labelled as Helm's.
pub fn is_key(metadata: &ObjectMeta) -> bool {
    let label = metadata
        .labels
        .as_ref()
        .and_then(|all| all.get(MANAGED_BY))
        .is_some_and(|by| by == MANAGER);
    label || drift::touched(metadata)
}

/// What the chart is told under two names, as far as the control plane's own overrides say it.
fn value(target: &Target, section: &str, name: &str, usual: &str) -> String {
    target
        .overrides
        .get(section)
        .and_then(|section| section.get(name))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .unwrap_or(usual)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use model::cluster::ClusterAccess;
    use serde_json::json;

    use super::*;
    use crate::wish::samples::target;

    const NAME: &str = "t018f3f1e000070008000000000000009";

    fn wish() -> KeyWish {
        KeyWish {
            consumer: NAME.to_owned(),
            version: "018f3f1e-0000-7000-8000-0000000000aa".to_owned(),
        }
    }

    #[test]
    fn an_entry_is_fetched_at_exactly_one_version() {
        let object = external_secret(&target(ClusterAccess::InCluster), &wish(), None);
        assert_eq!(pinned(&object), Some(wish().version));
        assert!(is_key(&object.metadata));
        let written = serde_json::to_value(&object).unwrap();
        assert_eq!(
            written["spec"],
            json!({
                "refreshPolicy": "OnChange",
                "secretStoreRef": {"kind": "SecretStore", "name": "secrets-manager"},
                "target": {"name": NAME, "creationPolicy": "Owner", "deletionPolicy": "Delete"},
                "data": [{"secretKey": "key", "remoteRef": {
                    "key": format!("hosted-instances/one/k7mq2x9dr4ht/{NAME}"),
                    "property": "key",
                    "version": "uuid/018f3f1e-0000-7000-8000-0000000000aa",
                }}],
            })
        );
    }

    #[test]
    fn a_consumer_refers_to_its_secret_and_names_its_class() {
        let written =
            serde_json::to_value(consumer(&target(ClusterAccess::InCluster), NAME)).unwrap();
        assert_eq!(
            written["spec"],
            json!({
                "ingressClassName": "apisix",
                "authParameter": {"keyAuth": {"secretRef": {"name": NAME}}},
            })
        );
    }

    #[test]
    fn values_of_the_chart_are_followed_where_they_are_overridden() {
        let mut target = target(ClusterAccess::InCluster);
        target.overrides = json!({
            "secrets": {"store": "own", "storeKind": "ClusterSecretStore"},
            "gateway": {"ingressClassName": "edge"},
        })
        .as_object()
        .unwrap()
        .clone();
        let store = |name: &str| StoreRef {
            kind: "ClusterSecretStore".to_owned(),
            name: name.to_owned(),
        };
        let of = |seen| {
            external_secret(&target, &wish(), seen)
                .spec
                .secret_store_ref
        };
        assert_eq!(of(None), Some(store("own")));
        assert_eq!(of(Some(store("seen"))), Some(store("seen")));
        let class = consumer(&target, NAME).spec.ingress_class_name;
        assert_eq!(class.as_deref(), Some("edge"));
    }

    #[test]
    fn without_overrides_the_names_are_those_of_the_chart() {
        let text = include_str!("../../../../deploy/charts/prism-instance/values.yaml");
        let values: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(values["secrets"]["store"], STORE);
        assert_eq!(values["secrets"]["storeKind"], STORE_KIND);
        assert_eq!(values["gateway"]["ingressClassName"], CLASS);
    }

    #[test]
    fn names_that_controllers_read_differently_are_refused() {
        assert_eq!(is_name(NAME), Ok(()));
        assert_eq!(is_name("watchman12"), Ok(()));
        for name in ["", "t-1", "t_1", "T1", "t.1", "t/../x", &"t".repeat(64)] {
            assert!(is_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_object_of_the_chart_is_no_key() {
        let metadata = |value: Value| serde_json::from_value::<ObjectMeta>(value).unwrap();
        let helm = json!({"name": "instance-secrets", "labels": {MANAGED_BY: "Helm"}});
        assert!(!is_key(&metadata(helm)));
        let bare = json!({"name": NAME, "managedFields": [
            {"manager": MANAGER, "operation": "Apply", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {}}}]});
        assert!(is_key(&metadata(bare)));
    }
}
