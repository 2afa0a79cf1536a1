//! A file is read from its top to its end, and so is a function: both stay short enough for that.

use std::collections::BTreeSet;

use super::source::functions;
use super::tree::{self, File};

/// A file has fewer lines than this.
const FILE: usize = 600;
/// A function has fewer lines than this.
const FUNCTION: usize = 60;
const HEADER: &str = "//!";

/// Names of the modules that are declared for tests only: `#[cfg(test)]` above `mod name;`.
fn test_modules(files: &[File]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in files {
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        for (at, _) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| **line == "#[cfg(test)]")
        {
            // A path may stand in between.
            let declared = lines[at + 1..].iter().find(|line| !line.starts_with("#["));
            let name = declared.and_then(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
            names.extend(name.map(str::to_owned));
        }
    }
    names
}

/// Tests read as stories, and their functions may be longer.
fn is_test(file: &File, modules: &BTreeSet<String>) -> bool {
    file.path
        .trim_end_matches(".rs")
        .split('/')
        .any(|part| part == "tests" || part.ends_with("_tests") || modules.contains(part))
}

#[test]
fn files_are_short_enough_to_be_read() {
    let long: Vec<String> = tree::rust()
        .iter()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, lines)| *lines >= FILE)
        .map(|(file, lines)| format!("{}: {lines} lines", file.path))
        .collect();
    assert!(
        long.is_empty(),
        "files of {FILE} lines or more:\n{}",
        long.join("\n")
    );
}

#[test]
fn functions_are_short_enough_to_be_read() {
    let mut long = Vec::new();
    let files = tree::rust();
    let modules = test_modules(&files);
    for file in files.iter().filter(|file| !is_test(file, &modules)) {
        for function in functions(&file.text) {
            let lines = function.last - function.first + 1;
            if lines >= FUNCTION {
                long.push(format!(
                    "{}:{} {}: {lines} lines",
                    file.path, function.first, function.name
                ));
            }
        }
    }
    assert!(
        long.is_empty(),
        "functions of {FUNCTION} lines or more:\n{}",
        long.join("\n")
    );
}

#[test]
fn every_file_says_why_it_exists() {
    let silent: Vec<String> = tree::rust()
        .into_iter()
        .filter(|file| !file.text.starts_with(HEADER))
        .map(|file| file.path)
        .collect();
    assert!(
        silent.is_empty(),
        "files without a {HEADER} header:\n{}",
        silent.join("\n")
    );
}
