//! The command line. Each command reads the same configuration, opens the same database and calls the
//! same services as the pages do, as the actor `Operator`. Exit codes: 0 done, 1 not done, 2 not
//! understood. Standard output carries what was asked for and nothing else.

mod access_token;
mod admin;
mod audit;
mod serve;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::{Config, Flags, Sources};
use crate::doctor::Doctor;
use crate::failure::Failure;
use crate::{docs, wiring};

/// Self-service control plane for hosted single-tenant PRISM instances.
///
/// Every setting can stand in a TOML file (--config), in the environment
/// (`HOSTED_INSTANCES_SECTION__KEY`) or in a flag; the later wins. `docs configuration` lists them.
#[derive(Debug, Parser)]
#[command(name = "hosted-instances", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Args, Debug)]
struct Common {
    /// Configuration file (TOML).
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "HOSTED_INSTANCES_CONFIG"
    )]
    config: Option<PathBuf>,
    /// Folder for the key, the SQLite database, the outbox and the sandbox [default: ./data].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// PostgreSQL instead of SQLite: `postgres://user:password@host/database`. Others on this
    /// machine can read it in the list of processes; the environment variable
    /// `HOSTED_INSTANCES_DATABASE__URL` keeps it to this process.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// File of the server key [default: server.key in the data folder].
    #[arg(long, global = true, value_name = "FILE")]
    server_key_file: Option<PathBuf>,
    /// Prints the configuration as it would be used, without its secrets, and does nothing else.
    #[arg(long, global = true)]
    print_config: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server: console, REST API, workers and watchers.
    Serve(serve::Serve),
    /// Brings the database to the schema of this program.
    Migrate,
    /// Says what is in order, what is missing and what to do.
    Doctor(Doctor),
    /// Things only an operator on this machine may do.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Access tokens for the REST API.
    #[command(subcommand)]
    AccessToken(access_token::AccessToken),
    /// The audit trail.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Prints the machine-readable description of the REST API.
    Openapi,
    /// Prints what the program says about itself.
    #[command(subcommand)]
    Docs(docs::Docs),
}

impl Cli {
    /// The definition of the command line, for `docs cli`.
    #[must_use]
    pub fn definition() -> clap::Command {
        Self::command()
    }

    fn config(&self) -> Result<Config, Failure> {
        let mut flags = Flags::default();
        flags.set(
            "server",
            "data_dir",
            self.common.data_dir.as_deref().map(text),
        );
        flags.set("database", "url", self.common.database_url.clone());
        flags.set(
            "keys",
            "server_key_file",
            self.common.server_key_file.as_deref().map(text),
        );
        if let Some(Command::Serve(serve)) = &self.command {
            serve.flags(&mut flags);
        }
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            // Both name a file for a program of ours and are no settings.
            .filter(|(name, _)| name != "HOSTED_INSTANCES_CONFIG" && name != "HOSTED_INSTANCES_BIN")
            .collect();
        Ok(Sources {
            file: self.common.config.clone(),
            environment,
            flags,
        }
        .load()?)
    }
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Runs the command line of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap, and successes to a shell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match carry_out(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("hosted-instances: {failure}");
            failure.exit_code()
        }
    }
}

fn carry_out(cli: Cli) -> Result<ExitCode, Failure> {
    let config = cli.config()?;
    if cli.common.print_config {
        return print(&config.redacted());
    }
    let Some(command) = cli.command else {
        let _ = Cli::command().print_help();
        return Ok(ExitCode::from(2));
    };
    match command {
        Command::Openapi => {
            let document = crate::http::openapi();
            return print(
                &document
                    .to_pretty_json()
                    .map_err(|error| Failure::new(error.to_string()))?,
            );
        }
        Command::Docs(docs) => return print(&docs.print()),
        _ => {}
    }
    wiring::logging::begin(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(format!(
                "The threads of the server cannot be made: {error}."
            ))
        })?;
    runtime.block_on(async {
        match command {
            Command::Serve(_) => serve::run(config).await,
            Command::Migrate => {
                wiring::database::open(&config).await?;
                print(&format!("The database has schema {}.", store::head()))
            }
            Command::Doctor(doctor) => doctor.run(&config).await,
            Command::Admin(admin) => admin.run(&config).await,
            Command::AccessToken(token) => token.run(&config).await,
            Command::Audit(audit) => audit.run(&config).await,
            Command::Openapi | Command::Docs(_) => Ok(ExitCode::SUCCESS),
        }
    })
}

/// Prints to standard output; a reader that has gone away is no failure of the command.
fn print(text: &str) -> Result<ExitCode, Failure> {
    use std::io::Write as _;
    match writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n')) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(format!(
            "Standard output cannot be written: {error}."
        ))),
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_become_settings() {
        let cli = Cli::try_parse_from([
            "hosted-instances",
            "serve",
            "--listen",
            "127.0.0.1:9",
            "--data-dir",
            "/x",
            "--sandbox",
            "--sandbox-pace",
            "0",
        ])
        .unwrap();
        let config = cli.config().unwrap();
        assert_eq!(config.server.listen.port(), 9);
        assert_eq!(config.server.data_dir, PathBuf::from("/x"));
        assert!(config.sandbox.enabled && config.sandbox.pace.abs() < f64::EPSILON);
    }
}
