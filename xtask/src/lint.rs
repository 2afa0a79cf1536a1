//! `cargo xtask lint`: formatting, clippy, rustdoc and the rules of `deny.toml`. All of them run
//! even when one fails, so that a person sees everything there is to mend at once.
//!
//! The islands are linted apart: they are the same crate `app` with other features, and features
//! of one cargo call are joined.

use std::process::{Command, ExitCode};

use crate::failure::{Failure, Result};
use crate::{process, report, tools, workspace};

pub fn run() -> Result<ExitCode> {
    let mut failed = Vec::new();
    for (name, mut command) in checks() {
        let outcome = report::step(name, || process::run(name, &mut command));
        if process::interrupted() {
            return Err(Failure::new("The lints were stopped, as asked."));
        }
        if outcome.is_err() {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\nlint failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

fn checks() -> Vec<(&'static str, Command)> {
    let mut checks = vec![
        ("rustfmt", rustfmt()),
        (
            "clippy",
            clippy(&[
                "--workspace",
                "--exclude",
                "client",
                "--all-targets",
                "--features",
                "app/samples",
            ]),
        ),
        ("clippy of the islands", clippy(&["--package", "client"])),
        ("rustdoc", rustdoc()),
    ];
    if tools::find("cargo-deny").is_some() {
        checks.push(("cargo-deny", deny()));
    } else {
        report::warn(
            "cargo-deny is not installed: bans, licences and sources of dependencies are not \
             checked in this run (cargo install cargo-deny)",
        );
    }
    checks
}

fn rustfmt() -> Command {
    // Formatting reads no lock file, so its cargo call takes no --locked.
    let mut command = workspace::clean("cargo");
    command
        .current_dir(workspace::root())
        .args(["fmt", "--all", "--check"]);
    command
}

fn clippy(packages: &[&str]) -> Command {
    let mut command = workspace::cargo("clippy");
    command
        .arg("--quiet")
        .args(packages)
        .args(["--", "--deny", "warnings"]);
    command
}

fn rustdoc() -> Command {
    let mut command = workspace::cargo("doc");
    command.args(["--quiet", "--no-deps", "--workspace", "--exclude", "client"]);
    command.env("RUSTDOCFLAGS", "--deny warnings");
    command
}

fn deny() -> Command {
    let mut command = workspace::clean("cargo");
    command.current_dir(workspace::root());
    command.args(["deny", "--locked", "check", "bans", "licenses", "sources"]);
    command
}
