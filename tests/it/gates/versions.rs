//! One version per dependency, named once, exactly. A member that names a version of its own would
//! let two versions of a thing into the program unseen.

use toml::{Table, Value};

use super::tree;

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn manifest(path: &str) -> Table {
    let text = std::fs::read_to_string(tree::root().join(path)).expect("a manifest");
    text.parse()
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn members() -> Vec<String> {
    let members = manifest("Cargo.toml")["workspace"]["members"]
        .as_array()
        .cloned()
        .expect("members");
    members
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

#[test]
fn members_take_every_version_from_the_workspace() {
    for member in members() {
        let path = format!("{member}/Cargo.toml");
        let manifest = manifest(&path);
        let mut tables: Vec<&Table> = vec![&manifest];
        if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
            tables.extend(targets.values().filter_map(Value::as_table));
        }
        let lists = tables
            .iter()
            .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)));
        for (name, value) in lists.filter_map(Value::as_table).flatten() {
            let from_workspace = value.get("workspace").and_then(Value::as_bool);
            assert_eq!(
                from_workspace,
                Some(true),
                "{path}: {name} must say `workspace = true`"
            );
        }
        let inherited = manifest
            .get("lints")
            .and_then(|table| table.get("workspace"));
        assert_eq!(
            inherited.and_then(Value::as_bool),
            Some(true),
            "{path}: lints.workspace"
        );
    }
}

#[test]
fn the_workspace_names_exact_versions() {
    let root = manifest("Cargo.toml");
    let dependencies = root["workspace"]["dependencies"]
        .as_table()
        .expect("dependencies");
    for (name, value) in dependencies {
        if value.get("path").is_some() {
            continue;
        }
        let version = value
            .as_str()
            .or_else(|| value.get("version").and_then(Value::as_str));
        assert!(
            version.is_some_and(|version| version.starts_with('=')),
            "{name} has no exact version"
        );
    }
}

#[test]
fn every_version_that_is_named_is_used() {
    let root = manifest("Cargo.toml");
    let named = root["workspace"]["dependencies"]
        .as_table()
        .expect("dependencies")
        .clone();
    let used: Vec<Table> = members()
        .iter()
        .map(|member| manifest(&format!("{member}/Cargo.toml")))
        .collect();
    for name in named.keys() {
        let somewhere = used.iter().any(|manifest| {
            KINDS.iter().any(|kind| {
                manifest
                    .get(*kind)
                    .is_some_and(|list| list.get(name).is_some())
            }) || manifest
                .get("target")
                .is_some_and(|targets| targets.to_string().contains(name.as_str()))
        });
        assert!(
            somewhere,
            "{name} is named in the workspace and used by no member"
        );
    }
}
