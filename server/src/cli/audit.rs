//! `audit`: checking that nobody has changed the trail behind the control plane's back. Exit codes: 0
//! everything is as it was written, 1 it could not be checked, 2 not understood, 3 something is not as
//! it was written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use model::Actor;
use service::audit::{Heads, Report, Tampering};
use service::{AuditService, Services};

use super::print;
use crate::config::Config;
use crate::failure::Failure;
use crate::wiring;
use crate::wiring::folder::DataFolder;

/// Exit code when something is not as it was written.
const BROKEN: u8 = 3;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recomputes every chain of the audit trail, compares it with the heads that were exported, and
    /// names the rows that do not fit. Exit codes: 0 when all is as it was written, 3 when something
    /// is not, 1 when it could not be checked.
    Verify(Verify),
    /// Prints the public key that checks the signatures of exported heads, as PEM.
    Key,
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// Exported heads to compare with, best a copy from where nobody can change it [default:
    /// audit-heads.jsonl in the data folder].
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let services = wiring::services::for_command(config).await?;
        let done = match self {
            Self::Key => print(&services.audit.public_key()),
            Self::Verify(verify) => verify.run(config, &services).await,
        };
        services.context.db.close().await;
        done
    }
}

impl Verify {
    async fn run(self, config: &Config, services: &Services) -> Result<ExitCode, Failure> {
        let (path, must) = match self.heads {
            Some(path) => (path, true),
            None => (
                DataFolder::open(&config.server.data_dir)?.audit_heads(),
                false,
            ),
        };
        // Read before the chains: what is exported while they are walked is left for the next time.
        let heads = read(&services.audit, &path, must)?;
        let reports = services.audit.verify_all(&Actor::Operator, &heads).await?;
        let mut text: String = reports.iter().map(lines).collect();
        text.push_str(&compared(&heads, &path));
        print(&text)?;
        let whole = reports.iter().all(|report| report.tampering.is_empty());
        if whole && heads.refused.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!(
            "hosted-instances: The audit trail is not as it was written. Keep the database as it is, compare it with a backup, and find out who could write to it."
        );
        Ok(ExitCode::from(BROKEN))
    }
}

/// Reads exported heads; a file that nobody named may be missing.
fn read(audit: &AuditService, path: &Path, must: bool) -> Result<Heads, Failure> {
    let told = |error: std::io::Error| {
        Failure::new(format!("{} cannot be read: {error}.", path.display()))
    };
    match File::open(path) {
        Ok(file) => audit.read_heads(BufReader::new(file)).map_err(told),
        Err(error) if error.kind() == ErrorKind::NotFound && !must => Ok(Heads::default()),
        Err(error) => Err(told(error)),
    }
}

fn compared(heads: &Heads, path: &Path) -> String {
    let mut text = match heads.signed {
        0 => String::from(
            "compared with no exported heads: an end that was cut off together with its head does not show\n",
        ),
        signed => format!(
            "compared with {signed} exported heads in {}\n",
            path.display()
        ),
    };
    for line in &heads.refused {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "BROKEN line {line} of {} is not signed by this installation",
            path.display()
        );
    }
    text
}

fn lines(report: &Report) -> String {
    let word = if report.tampering.is_empty() {
        "intact"
    } else {
        "BROKEN"
    };
    let mut text = format!(
        "{word} chain {} rows {} head {} {}\n",
        report.chain, report.rows, report.head, report.head_hash
    );
    for found in &report.tampering {
        let said = match found {
            Tampering::Changed { sequence } => format!("row {sequence} was changed"),
            Tampering::Missing { sequence } => format!("row {sequence} is missing"),
            Tampering::Inserted { sequence } => format!("row {sequence} was inserted"),
            Tampering::Rewritten { first, last } if first == last => {
                format!("row {last} was written anew: its exported hash is another")
            }
            Tampering::Rewritten { first, last } => format!(
                "rows {first} to {last} were written anew: row {last} had another hash when it was exported"
            ),
            Tampering::SetBack { sequence } => {
                format!("the head was set back to row {sequence}")
            }
        };
        let _ = writeln!(text, "  {said}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_chain_is_told_row_by_row() {
        let mut report = Report {
            chain: "staff".into(),
            rows: 3,
            head: 3,
            head_hash: "ab".into(),
            compared: 0,
            tampering: Vec::new(),
        };
        assert_eq!(lines(&report), "intact chain staff rows 3 head 3 ab\n");
        report.tampering.push(Tampering::Missing { sequence: 2 });
        report
            .tampering
            .push(Tampering::Rewritten { first: 1, last: 3 });
        assert_eq!(
            lines(&report),
            "BROKEN chain staff rows 3 head 3 ab\n  row 2 is missing\n  rows 1 to 3 were written anew: row 3 had another hash when it was exported\n"
        );
    }

    #[test]
    fn lines_that_are_not_ours_are_named() {
        let mut heads = Heads::default();
        let path = Path::new("/x/heads");
        assert!(compared(&heads, path).starts_with("compared with no exported heads"));
        (heads.signed, heads.refused) = (2, vec![7]);
        assert_eq!(
            compared(&heads, path),
            "compared with 2 exported heads in /x/heads\nBROKEN line 7 of /x/heads is not signed by this installation\n"
        );
    }
}
