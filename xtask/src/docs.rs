//! `cargo xtask docs`: writes what the program says about itself into `docs/`. A test compares the
//! files with the program, so they cannot go stale unnoticed.

use std::process::{Command, ExitCode};

use crate::failure::{Failure, Result};
use crate::server::Profile;
use crate::{process, report, server, workspace};

/// Files of `docs/` and the arguments that make the program print them.
const DOCUMENTS: &[(&str, &[&str])] = &[
    ("configuration.md", &["docs", "configuration"]),
    ("cli.md", &["docs", "cli"]),
    ("openapi.json", &["openapi"]),
];

pub fn run() -> Result<ExitCode> {
    let binary = server::build(Profile::Dev)?;
    for (file, arguments) in DOCUMENTS {
        let printed = process::ask(Command::new(&binary).args(*arguments)).ok_or_else(|| {
            Failure::new(format!(
                "docs/{file} could not be made: '{} {}' failed.",
                binary.display(),
                arguments.join(" ")
            ))
        })?;
        let path = workspace::root().join("docs").join(file);
        workspace::write(&path, format!("{printed}\n").as_bytes())?;
        report::note(format!("docs/{file}"));
    }
    Ok(ExitCode::SUCCESS)
}
