//! `audit`: checking that nobody has changed the trail behind the control plane's back.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Subcommand;
use model::Actor;
use service::audit::{Report, Tampering};

use super::print;
use crate::config::Config;
use crate::failure::Failure;
use crate::wiring;

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Recomputes every chain of the audit trail and names the rows that do not fit. Keep the heads
    /// it prints elsewhere: a chain cannot show by itself that its end was cut off.
    Verify,
}

impl Audit {
    pub(super) async fn run(self, config: &Config) -> Result<ExitCode, Failure> {
        let Self::Verify = self;
        let services = wiring::services::for_command(config).await?;
        let reports = services.audit.verify_all(&Actor::Operator).await?;
        services.context.db.close().await;
        print(&reports.iter().map(lines).collect::<String>())?;
        if reports.iter().all(|report| report.tampering.is_empty()) {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Failure::new(
            "The audit trail is not as it was written. Keep the database as it is, compare it with a backup, and find out who could write to it.",
        ))
    }
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
        let (what, sequence) = match found {
            Tampering::Changed { sequence } => ("was changed", sequence),
            Tampering::Missing { sequence } => ("is missing", sequence),
            Tampering::Inserted { sequence } => ("was inserted", sequence),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  row {sequence} {what}");
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
            tampering: Vec::new(),
        };
        assert_eq!(lines(&report), "intact chain staff rows 3 head 3 ab\n");
        report.tampering.push(Tampering::Missing { sequence: 2 });
        assert_eq!(
            lines(&report),
            "BROKEN chain staff rows 3 head 3 ab\n  row 2 is missing\n"
        );
    }
}
