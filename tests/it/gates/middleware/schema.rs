//! Custom resources of ours against the published schemas of their kinds, as strictly as an API server that
//! refuses unknown fields. The schemas lie beside the tree on machines that have them.

use std::io::Write as _;

use serde_json::{Value, json};

use super::super::tree;
use super::files;

fn seal(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    let open = map.remove("x-kubernetes-preserve-unknown-fields").is_some();
    if map.remove("x-kubernetes-int-or-string").is_some() {
        map.remove("type");
    }
    map.retain(|name, _| !name.starts_with("x-kubernetes-") && name != "format");
    let typed = map.contains_key("properties");
    if let Some(properties) = map.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(seal);
    }
    for name in ["items", "additionalProperties"] {
        map.get_mut(name).into_iter().for_each(seal);
    }
    let whole = map
        .get("properties")
        .and_then(|it| it.get("kind"))
        .is_some();
    if typed && !open && !whole {
        map.entry("additionalProperties").or_insert(json!(false));
    }
}

/// What an API server would refuse of a document; nothing when there is no definition of its kind.
fn refused(folder: &std::path::Path, document: &Value) -> Option<Vec<String>> {
    let kind = document["kind"].as_str()?.to_lowercase();
    let plural = if kind.ends_with('s') {
        format!("{kind}es")
    } else {
        format!("{kind}s")
    };
    let (group, version) = document["apiVersion"].as_str()?.split_once('/')?;
    let text = std::fs::read_to_string(folder.join(format!("{group}_{plural}.yaml"))).ok()?;
    let definition: Value = serde_saphyr::from_str(&text).expect("a definition");
    let versions = definition["spec"]["versions"].as_array().expect("versions");
    let served = versions
        .iter()
        .find(|it| it["name"] == version && it["served"] == true);
    let Some(served) = served else {
        return Some(vec![format!("{version} is not served")]);
    };
    let mut schema = served["schema"]["openAPIV3Schema"].clone();
    seal(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("a usable schema");
    Some(
        validator
            .iter_errors(document)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect(),
    )
}

/// The document with a word in place of what Helm fills in.
fn filled(value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let mut parts = text.split("{{");
            let mut whole = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                whole.push_str("filled");
                whole.push_str(part.rsplit("}}").next().unwrap_or_default());
            }
            Value::String(whole)
        }
        Value::Array(items) => items.iter().map(filled).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), filled(value)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn custom_resources_fit_their_published_schemas() {
    let folder = tree::root().join("../shared/crds");
    if !folder.is_dir() {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: there are no definitions of custom resources."
        );
        return;
    }
    let (mut judged, mut wrong) = (0, Vec::new());
    for document in files::documents() {
        if let Some(faults) = refused(&folder, &filled(&document.body)) {
            judged += 1;
            let name = &document.body["metadata"]["name"];
            wrong.extend(
                faults
                    .iter()
                    .map(|fault| format!("{} {name}: {fault}", document.path)),
            );
        }
    }
    assert!(judged > 30, "only {judged} documents were judged");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
