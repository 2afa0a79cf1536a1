//! Whether an API server would take a document, and all of it: custom resources by their own published
//! schemas, of both generations where there are two, Kubernetes' own kinds by reading them into its types
//! and writing them out again, which loses every field that the types do not know.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, LimitRange, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::tree;

/// Validators by generation and by `apiVersion/kind`.
type Known = BTreeMap<String, Vec<(String, Validator)>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = Known::new();
        for generation in ["current", "earlier"] {
            let folder = tree::root().join("tests/charts/schemas").join(generation);
            for entry in std::fs::read_dir(folder).expect("a folder of schemas") {
                let path = entry.expect("an entry").path();
                let text = std::fs::read_to_string(&path).expect("a schema");
                let mut file: Value = serde_json::from_str(&text).expect("JSON");
                let text = |key: &str| file[key].as_str().expect("a text").to_owned();
                let name = format!("{}/{}/{}", text("group"), text("version"), text("kind"));
                let schema = &mut file["schema"];
                seal(schema);
                let top = schema["properties"].as_object_mut().expect("its fields");
                top.insert("apiVersion".to_owned(), json!({"type": "string"}));
                top.insert("kind".to_owned(), json!({"type": "string"}));
                top.insert("metadata".to_owned(), json!({"type": "object"}));
                let validator = jsonschema::validator_for(schema).expect("a usable schema");
                known
                    .entry(name)
                    .or_default()
                    .push((generation.to_owned(), validator));
            }
        }
        assert!(known.len() >= 10, "{:?}", known.keys());
        known
    })
}

/// Refuses fields that a schema does not name, except where it says that it takes any.
fn seal(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let open = map.contains_key("additionalProperties")
                || map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") && !open
            {
                map.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            map.values_mut().for_each(seal);
        }
        Value::Array(items) => items.iter_mut().for_each(seal),
        _ => {}
    }
}

/// What is wrong with a document; empty when nothing is.
pub fn wrong_with(document: &Value) -> Vec<String> {
    let text = |key: &str| document[key].as_str().unwrap_or("");
    let name = format!("{}/{}", text("apiVersion"), text("kind"));
    if let Some(validators) = known().get(&name) {
        return validators
            .iter()
            .flat_map(|(generation, validator)| {
                validator
                    .iter_errors(document)
                    .map(move |error| format!("{generation}: {}: {error}", error.instance_path()))
            })
            .collect();
    }
    let back = match name.as_str() {
        "apps/v1/Deployment" => again::<Deployment>(document),
        "batch/v1/Job" => again::<Job>(document),
        "v1/ConfigMap" => again::<ConfigMap>(document),
        "v1/LimitRange" => again::<LimitRange>(document),
        "v1/Service" => again::<Service>(document),
        "v1/ServiceAccount" => again::<ServiceAccount>(document),
        "networking.k8s.io/v1/NetworkPolicy" => again::<NetworkPolicy>(document),
        "networking.k8s.io/v1/Ingress" => again::<Ingress>(document),
        "policy/v1/PodDisruptionBudget" => again::<PodDisruptionBudget>(document),
        "rbac.authorization.k8s.io/v1/ClusterRole" => again::<ClusterRole>(document),
        "rbac.authorization.k8s.io/v1/ClusterRoleBinding" => again::<ClusterRoleBinding>(document),
        "rbac.authorization.k8s.io/v1/Role" => again::<Role>(document),
        "rbac.authorization.k8s.io/v1/RoleBinding" => again::<RoleBinding>(document),
        _ => Err(format!("no schema of {name} is known here")),
    };
    match back {
        Ok(back) => lost(document, &back, ""),
        Err(why) => vec![why],
    }
}

fn again<T: DeserializeOwned + Serialize>(document: &Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(document.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(typed).map_err(|error| error.to_string())
}

/// The fields of `wish` that are not in `kept`. What is empty may be left out.
fn lost(wish: &Value, kept: &Value, path: &str) -> Vec<String> {
    match (wish, kept) {
        (Value::Object(wish), Value::Object(kept)) => wish
            .iter()
            .flat_map(|(key, value)| {
                lost(
                    value,
                    kept.get(key).unwrap_or(&Value::Null),
                    &format!("{path}/{key}"),
                )
            })
            .collect(),
        (Value::Array(wish), Value::Array(kept)) if wish.len() == kept.len() => wish
            .iter()
            .zip(kept)
            .enumerate()
            .flat_map(|(at, (wish, kept))| lost(wish, kept, &format!("{path}/{at}")))
            .collect(),
        (Value::Null, _) => Vec::new(),
        (Value::Array(wish), Value::Null) if wish.is_empty() => Vec::new(),
        (Value::Object(wish), Value::Null) if wish.is_empty() => Vec::new(),
        (wish, kept) if wish == kept => Vec::new(),
        (wish, kept) => vec![format!("{path}: {wish} became {kept}")],
    }
}

#[test]
fn what_an_api_server_would_drop_is_refused() {
    let good = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
        "spec": {"selector": {"a": "b"}, "ports": [{"port": 80, "targetPort": "http"}]}});
    assert_eq!(wrong_with(&good), Vec::<String>::new());
    let mut bad = good;
    bad["spec"]["port"] = json!(80);
    assert_eq!(wrong_with(&bad).len(), 1, "{:?}", wrong_with(&bad));
    let route = |field: &str| {
        json!({"apiVersion": "apisix.apache.org/v2", "kind": "ApisixRoute", "metadata": {"name": "a"},
            "spec": {"http": [{"name": "a", "match": {"paths": ["/"]}, field: "gate",
                "backends": [{"serviceName": "a", "servicePort": 80}]}]}})
    };
    assert_eq!(
        wrong_with(&route("plugin_config_name")),
        Vec::<String>::new()
    );
    assert_eq!(
        wrong_with(&route("pluginConfigName")).len(),
        2,
        "both generations refuse it"
    );
    assert!(!wrong_with(&json!({"apiVersion": "v1", "kind": "Unknown"})).is_empty());
}
