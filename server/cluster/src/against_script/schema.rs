//! Objects against the schemas of their custom resource definitions, as strictly as an API server that
//! refuses unknown fields.

use std::path::Path;

use serde_json::{Value, json};

/// How many definitions there are for the object, older generations included; panics when the object
/// does not fit one of them.
pub fn fits_its_schemas(folder: &Path, object: &Value) -> usize {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let api_version = object["apiVersion"].as_str().unwrap();
    let Some((group, version)) = api_version.split_once('/') else {
        return 0;
    };
    let newest = folder.join(format!("{group}_{kind}s.yaml"));
    let older = format!("{group}_{kind}_v");
    let older = std::fs::read_dir(folder.join("alt"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(&older)
        });
    std::iter::once(newest)
        .chain(older)
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| fits(&text, version, object))
        .count()
}

fn fits(definition: &str, version: &str, object: &Value) {
    let kind = &object["kind"];
    let definition: Value = serde_saphyr::from_str(definition).unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let served = versions
        .iter()
        .find(|v| v["name"] == version && v["served"] == true)
        .unwrap();
    let mut schema = served["schema"]["openAPIV3Schema"].clone();
    close(&mut schema);
    // The API server knows these of every kind, whether a definition names them or not.
    for name in ["apiVersion", "kind", "metadata"] {
        let known = schema["properties"].as_object_mut().unwrap();
        known.entry(name).or_insert(json!({}));
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(object)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{kind}: {wrong:#?}");
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
