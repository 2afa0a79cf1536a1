//! Who may depend on whom. Edges run one way, from the doors to the rules, so that a rule can be read,
//! tested and changed without knowing who calls it.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use super::tree;

/// Each crate of the product and those it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("client", &["app"]),
    ("app", &["model", "service"]),
    (
        "hosted-instances",
        &["app", "cluster", "model", "sandbox", "service", "store"],
    ),
    ("cluster", &["model", "service"]),
    ("sandbox", &["model"]),
    ("service", &["model", "store"]),
    ("store", &["model"]),
    ("model", &[]),
];

/// Crates that build or test the product and are no part of it.
const BESIDE: &[&str] = &["tests", "xtask", "bundle"];

/// What must not come near the rules: they stay quick to build and know no door.
const NO_DOORS: &[&str] = &["axum", "leptos", "kube", "hyper", "clap"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(tree::root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .expect("cargo metadata")
}

/// Names of the dependencies of each member that end up in the program.
fn dependencies(metadata: &Metadata) -> BTreeMap<String, Vec<(String, bool)>> {
    metadata
        .packages
        .iter()
        .map(|package| {
            let uses = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| (dependency.name.clone(), dependency.optional))
                .collect();
            (package.name.to_string(), uses)
        })
        .collect()
}

#[test]
fn edges_run_one_way() {
    let members = dependencies(&metadata());
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for (name, uses) in &members {
        if BESIDE.contains(&name.as_str()) {
            continue;
        }
        let may = allowed
            .get(name.as_str())
            .unwrap_or_else(|| panic!("{name} is in no room: add it to the table"));
        for (used, _) in uses.iter().filter(|(used, _)| members.contains_key(used)) {
            assert!(may.contains(&used.as_str()), "{name} must not use {used}");
        }
    }
    for name in allowed.keys() {
        assert!(
            members.contains_key(*name),
            "{name} has gone: take it from the table"
        );
    }
}

#[test]
fn nothing_of_the_product_uses_its_tests_or_tools() {
    for (name, uses) in dependencies(&metadata()) {
        if !BESIDE.contains(&name.as_str()) {
            assert!(
                uses.iter()
                    .all(|(used, _)| !BESIDE.contains(&used.as_str())),
                "{name}"
            );
        }
    }
}

#[test]
fn the_services_never_reach_the_browser() {
    let members = dependencies(&metadata());
    for used in ["service", "model"] {
        let optional = members["app"]
            .iter()
            .find(|(name, _)| name == used)
            .expect("an edge")
            .1;
        assert!(optional, "app must use {used} in the server's build only");
    }
}

#[test]
fn the_rules_know_no_door() {
    let members = dependencies(&metadata());
    for room in ["model", "store", "service"] {
        for (used, _) in &members[room] {
            let door = NO_DOORS
                .iter()
                .find(|door| used == *door || used.starts_with(&format!("{door}_")));
            assert!(door.is_none(), "{room} must not use {used}");
        }
    }
}
