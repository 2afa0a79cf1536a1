//! Printed documents are what the program prints today. `cargo xtask docs` writes them.

use hosted_instances::docs;

use super::tree;

fn is_fresh(name: &str, printed: &str) {
    let path = tree::root().join("docs").join(name);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept.trim_end() == printed.trim_end(),
        "docs/{name} is not what the program prints; run `cargo xtask docs`"
    );
}

#[test]
fn the_configuration_is_fresh() {
    is_fresh("configuration.md", &docs::configuration());
}

#[test]
fn the_command_line_is_fresh() {
    is_fresh("cli.md", &docs::command_line());
}

#[test]
fn the_rest_api_is_fresh() {
    let document = hosted_instances::http::openapi()
        .to_pretty_json()
        .expect("the document is JSON");
    is_fresh("openapi.json", &document);
}

#[test]
fn decisions_are_numbered_without_gaps_and_say_what_they_cost() {
    let folder = tree::root().join("docs/decisions");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("docs/decisions")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    for (number, name) in names.iter().enumerate() {
        assert!(
            name.starts_with(&format!("{:04}-", number + 1)),
            "{name} should have the number {}",
            number + 1
        );
        let text = std::fs::read_to_string(tree::root().join("docs/decisions").join(name))
            .expect("a decision");
        for heading in ["## Context", "## Choice", "## What it costs"] {
            assert!(text.contains(heading), "{name} has no {heading}");
        }
    }
}
