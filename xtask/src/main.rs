//! `cargo xtask`: the one entry to everything a person or a pipeline does with this tree: run it,
//! test it, lint it, regenerate its documents. It is a small program on purpose, so that its own
//! build never stands between a person and the thing they asked for.
//!
//! Invariant: every subcommand works from a clean clone with nothing but Rust installed, or says
//! in one sentence what is missing and how to get it.

mod assets;
mod bench;
mod campaign;
mod cluster;
mod docs;
mod failure;
mod lint;
mod npm;
mod postgres;
mod process;
mod report;
mod run;
mod server;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Result;

/// Runs, tests and checks the hosted-instances control plane.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds everything and starts the control plane with its embedded sandbox cluster.
    Run(run::Run),
    /// Runs the test suites on both engines and in the browser, and prints a table of them.
    Test(test::Test),
    /// Formatting, clippy, rustdoc and the supply-chain rules, all with warnings denied.
    Lint,
    /// What the pipeline runs: lint, then test.
    Ci,
    /// Builds the stylesheet and the islands bundle into public/pkg, and nothing else.
    Assets(assets::Assets),
    /// Regenerates what docs/ holds from the program: configuration, command line, API.
    Docs,
    /// A real Kubernetes with Argo CD on this machine, without Docker.
    Cluster(cluster::Cluster),
    /// Long tests that are not part of `test`; without a name, lists them.
    Campaign(campaign::Campaign),
    /// Measurements; without a name, lists them.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    report::since_start();
    let arguments = Arguments::parse();
    process::take_signals();
    match dispatch(arguments.command) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(run) => run.run(),
        Command::Test(test) => test.run(),
        Command::Lint => lint::run(),
        Command::Ci => {
            let linted = lint::run()?;
            let tested = test::Test::everything().run()?;
            Ok(if linted == ExitCode::SUCCESS {
                tested
            } else {
                linted
            })
        }
        Command::Assets(assets) => assets.run(),
        Command::Docs => docs::run(),
        Command::Cluster(cluster) => cluster.run(),
        Command::Campaign(campaign) => campaign.run(),
        Command::Bench(bench) => bench.run(),
    }
}
