//! What must not stand in the tree: work put off, leftovers of debugging, inline styles that the
//! Content-Security-Policy would drop, and names of machines that only their owner can reach.

use super::tree::{self, File};

/// Lines in which any of the needles stands, as `path:line text`. The needles are put together at
/// run time, so that this file does not find itself.
fn lines_with(files: &[File], needles: &[[&str; 2]]) -> Vec<String> {
    let needles: Vec<String> = needles.iter().map(|parts| parts.concat()).collect();
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            if needles.iter().any(|needle| line.contains(needle.as_str())) {
                let shown: String = line.trim().chars().take(100).collect();
                found.push(format!("{}:{} {shown}", file.path, number + 1));
            }
        }
    }
    found
}

#[test]
fn nothing_is_put_off() {
    let found = lines_with(
        &tree::files(),
        &[
            ["TO", "DO"],
            ["FIX", "ME"],
            ["HA", "CK:"],
            ["db", "g!("],
            ["to", "do!("],
            ["unimplement", "ed!("],
        ],
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_path_of_a_machine_and_no_host_of_a_registry() {
    let found = lines_with(
        &tree::files(),
        &[
            ["/ro", "ot/"],
            ["/ho", "me/"],
            ["/wo", "rk/"],
            ["registry.npm", "js"],
            ["registry.yarn", "pkg"],
            ["index.crates", ".io"],
            ["static.crates", ".io"],
            ["arti", "factory"],
            ["pypi", ".org"],
        ],
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn lock_files_name_no_mirror() {
    for file in tree::files() {
        if file.path.ends_with("Cargo.lock") {
            let sources: Vec<&str> = file
                .text
                .lines()
                .filter(|line| line.starts_with("source = "))
                .collect();
            let known = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
            let others: Vec<&&str> = sources.iter().filter(|line| **line != known).collect();
            assert!(
                !sources.is_empty() && others.is_empty(),
                "{}: {others:?}",
                file.path
            );
        }
        if file.path.ends_with("package-lock.json") {
            assert!(
                !file.text.contains("\"resolved\""),
                "{} names where packages came from",
                file.path
            );
        }
    }
}

#[test]
fn no_element_has_a_style_of_its_own() {
    let of_app: Vec<File> = tree::rust()
        .into_iter()
        .filter(|file| file.path.starts_with("app/src/"))
        .collect();
    assert!(!of_app.is_empty());
    let found = lines_with(
        &of_app,
        &[[" style", "="], ["\"style", "\""], ["style:", "=\""]],
    );
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_readme_names_both_commands() {
    let readme = std::fs::read_to_string(tree::root().join("README.md")).expect("README.md");
    for command in ["cargo xtask run", "cargo xtask test"] {
        assert!(readme.contains(command), "{command}");
    }
}
