//! A file is read from its top to its end, and so is a function: both stay short enough for that.

use super::source::functions;
use super::tree::{self, File};

/// A file has fewer lines than this.
const FILE: usize = 600;
/// A function has fewer lines than this.
const FUNCTION: usize = 60;
const HEADER: &str = "//!";

/// Tests read as stories and may be longer.
fn is_test(file: &File) -> bool {
    file.path.starts_with("tests/")
        || file.path.contains("/tests/")
        || file.path.ends_with("tests.rs")
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
    for file in tree::rust().iter().filter(|file| !is_test(file)) {
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
