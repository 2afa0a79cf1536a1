//! Objects against the schemas of their custom resource definitions, as strictly as an API server that
//! refuses unknown fields.

use std::path::Path;

use serde_json::{Value, json};

/// Whether there is a definition for the object; panics when the object does not fit it.
pub fn fits_its_schema(folder: &Path, object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let api_version = object["apiVersion"].as_str().unwrap();
    let Some((group, version)) = api_version.split_once('/') else {
        return false;
    };
    let file = folder.join(format!("{group}_{kind}s.yaml"));
    let Ok(text) = std::fs::read_to_string(&file) else {
        return false;
    };
    let definition: Value = serde_saphyr::from_str(&text).unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let served = versions
        .iter()
        .find(|v| v["name"] == version && v["served"] == true)
        .unwrap();
    let mut schema = served["schema"]["openAPIV3Schema"].clone();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(object)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
    true
}

/// Refuses unknown fields, as a strict API server does, and turns Kubernetes' extensions into plain JSON
/// Schema.
fn close(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    let open = map.remove("x-kubernetes-preserve-unknown-fields").is_some();
    if map.remove("x-kubernetes-int-or-string").is_some() {
        map.remove("type");
    }
    map.retain(|name, _| !name.starts_with("x-kubernetes-"));
    // Formats such as int64 are Go's, not JSON Schema's.
    map.remove("format");
    let typed = map.contains_key("properties");
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
    }
    for name in ["items", "additionalProperties"] {
        map.get_mut(name).into_iter().for_each(close);
    }
    let metadata = map.get("properties").and_then(|p| p.get("kind")).is_some();
    if typed && !open && !metadata {
        map.entry("additionalProperties").or_insert(json!(false));
    }
}
