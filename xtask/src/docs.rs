//! `cargo xtask docs`: writes what the program says about itself into `docs/` and into the chart that
//! grants its rights. A test compares the files with the program, so they cannot go stale unnoticed.

use std::process::{Command, ExitCode};

use crate::failure::{Failure, Result};
use crate::server::Profile;
use crate::{process, report, server, workspace};

/// Files of the tree and the arguments that make the program print them.
const DOCUMENTS: &[(&str, &[&str])] = &[
    ("docs/configuration.md", &["docs", "configuration"]),
    ("docs/cli.md", &["docs", "cli"]),
    ("docs/openapi.json", &["openapi"]),
    (
        "deploy/charts/control-plane/files/rights.yaml",
        &["docs", "rights"],
    ),
];

pub fn run() -> Result<ExitCode> {
    let binary = server::build(Profile::Dev)?;
    for (file, arguments) in DOCUMENTS {
        let printed = process::ask(Command::new(&binary).args(*arguments)).ok_or_else(|| {
            Failure::new(format!(
                "{file} could not be made: '{} {}' failed.",
                binary.display(),
                arguments.join(" ")
            ))
        })?;
        let path = workspace::root().join(file);
        workspace::write(&path, format!("{printed}\n").as_bytes())?;
        report::note(file);
    }
    Ok(ExitCode::SUCCESS)
}
