//! Log lines on standard error, so that standard output stays free for what a command answers with.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};
use crate::failure::Failure;

/// PostgreSQL remarks at every start that what is there is there, and the Kubernetes client repeats
/// whole answers that it cannot read.
const QUIETER: &str = "sqlx::postgres::notice=warn,kube_client=error";

/// Begins to log.
///
/// # Errors
/// A sentence when the filter is none.
pub fn begin(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIETER},{}", log.filter)).map_err(|error| {
        Failure::usage(format!(
            "log.filter is \"{}\", which is no filter such as info or info,cluster=debug: {error}.",
            log.filter
        ))
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let begun = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    // Tests begin more than one server in a process; the first one's lines are enough.
    begun.or(Ok(()))
}
