//! The YAML of the middleware. Templates are read as plain YAML, which they are: what Helm fills in stands in
//! quotes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::tree;

/// A document of a file.
pub struct Document {
    /// Path from `deploy/middleware`.
    pub path: String,
    pub body: Value,
}

/// The text of a file.
pub fn text(path: &str) -> String {
    let file = tree::root().join("deploy/middleware").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// A file with one document.
pub fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// Whether there is such a file or folder.
pub fn exists(path: &str) -> bool {
    tree::root().join("deploy/middleware").join(path).exists()
}

/// Paths of all YAML files.
pub fn paths() -> Vec<String> {
    let files = tree::files();
    let ours = files
        .iter()
        .filter_map(|file| file.path.strip_prefix("deploy/middleware/"));
    let found: Vec<String> = ours
        .filter(|path| {
            std::path::Path::new(path)
                .extension()
                .is_some_and(|it| it == "yaml")
        })
        .map(str::to_owned)
        .collect();
    assert!(found.len() > 60, "only {} files", found.len());
    found
}

/// Every document of every template of ours.
pub fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    for path in paths()
        .into_iter()
        .filter(|path| path.contains("/templates/"))
    {
        let bodies: Vec<Value> =
            serde_saphyr::from_multiple(&text(&path)).unwrap_or_else(|why| panic!("{path}: {why}"));
        found.extend(bodies.into_iter().map(|body| Document {
            path: path.clone(),
            body,
        }));
    }
    found
}

/// The Applications of the root, by name.
pub fn applications() -> Vec<(String, Value)> {
    let found: Vec<(String, Value)> = documents()
        .into_iter()
        .filter(|it| it.path.starts_with("applications/") && it.body["kind"] == "Application")
        .map(|it| {
            let name = it.body["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            assert_eq!(it.path, format!("applications/templates/{name}.yaml"));
            (name, it.body)
        })
        .collect();
    assert!(found.len() > 20, "only {} Applications", found.len());
    found
}

/// What templates of a folder fill in, as dotted paths below `.Values`.
pub fn filled_in(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths()
        .iter()
        .filter(|path| path.starts_with(&format!("{folder}/templates/")))
    {
        for rest in text(path).split(".Values.").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '.')
                .collect();
            found.insert(name);
        }
    }
    found
}

/// The dotted paths of a file of values.
pub fn declared(value: &Value, prefix: &str, into: &mut BTreeSet<String>) {
    for (key, below) in value.as_object().into_iter().flatten() {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match below.as_object() {
            Some(fields) if !fields.is_empty() => declared(below, &path, into),
            _ => drop(into.insert(path)),
        }
    }
}
