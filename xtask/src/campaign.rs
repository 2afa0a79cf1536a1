//! `cargo xtask campaign`: tests that have a long version, run long. They are the same tests as in
//! the suites, told by `CAMPAIGN=1` to take their time, on both engines.

use std::process::ExitCode;

use crate::failure::{Failure, Result};
use crate::test::{self, Plan, Suite};

/// Names, the tests that each runs (by a part of their names), and what for.
const CAMPAIGNS: &[(&str, &str, &str)] = &[
    (
        "kill",
        "kill",
        "ends the real server by SIGKILL at random points of many operations and starts it again",
    ),
    (
        "enforcement",
        "enforcement",
        "issues, rotates, revokes, crashes and breaks gateways in random order, and tries every key",
    ),
];

/// Options of `cargo xtask campaign`.
#[derive(clap::Args)]
pub struct Campaign {
    /// Which one; without it, all are listed.
    name: Option<String>,
}

impl Campaign {
    pub fn run(&self) -> Result<ExitCode> {
        let Some(name) = &self.name else {
            for (name, _, purpose) in CAMPAIGNS {
                println!("cargo xtask campaign {name:<12} {purpose}");
            }
            return Ok(ExitCode::SUCCESS);
        };
        let Some((_, tests, _)) = CAMPAIGNS.iter().find(|(known, _, _)| known == name) else {
            return Err(Failure::new(format!(
                "There is no campaign '{name}'; cargo xtask campaign lists them."
            )));
        };
        test::run(&Plan {
            suites: vec![Suite::ItSqlite, Suite::ItPostgres],
            filters: vec![(*tests).to_owned()],
            update_docs: false,
            campaign: true,
        })
    }
}
