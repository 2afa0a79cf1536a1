//! Running Rust test binaries and counting what they say. A binary that ends without its closing
//! line (a crash, a time-out) counts as one failure, whatever it had passed before.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::build::Binary;
use super::suite::{GATES, Suite};
use super::{Counts, Outcome, Plan, log_path};
use crate::failure::Result;
use crate::process::{self, Ended};
use crate::server::{self, Profile};
use crate::{report, workspace};

/// No suite takes this long unless something in it hangs.
const ALLOWED: Duration = Duration::from_mins(20);
const ALLOWED_IN_A_CAMPAIGN: Duration = Duration::from_hours(12);

/// Variables that a suite sets for its tests.
pub type Variables<'a> = [(&'a str, OsString)];

/// Runs the binaries one after the other.
pub fn run(suite: Suite, binaries: &[Binary], plan: &Plan, set: &Variables<'_>) -> Result<Outcome> {
    report::note(format!("{} ...", suite.name()));
    let mut total = Counts::default();
    for binary in binaries {
        let Some(arguments) = arguments(suite, binary, &plan.filters) else {
            continue;
        };
        let log = log_path(&format!("{}-{}", suite.name(), binary.name));
        let mut command = command(binary);
        if plan.campaign {
            command.env("CAMPAIGN", "1");
        }
        command
            .args(&arguments)
            .envs(set.iter().map(|(name, value)| (name, value)));
        let allowed = if plan.campaign {
            ALLOWED_IN_A_CAMPAIGN
        } else {
            ALLOWED
        };
        let ended = process::run_into(&binary.name, &mut command, &log, allowed)?;
        let text = String::from_utf8_lossy(&workspace::read(&log)?).into_owned();
        let counts = judge(&ended, &text);
        if counts.failed > 0 {
            show(suite, binary, &ended, &text, &log);
        }
        total.passed += counts.passed;
        total.failed += counts.failed;
        total.skipped += counts.skipped;
    }
    Ok(Outcome::Ran(total))
}

/// The binary in the surroundings that cargo would give it, and with the server's whereabouts.
/// The binary as cargo would run it.
pub fn command(binary: &Binary) -> Command {
    let mut command = workspace::clean(&binary.path);
    command
        .current_dir(&binary.folder)
        .env("CARGO_MANIFEST_DIR", &binary.folder);
    command.env("INSTA_WORKSPACE_ROOT", workspace::root());
    command.env("HOSTED_INSTANCES_BIN", server::path(Profile::Dev));
    command
}

/// What to call the binary with, or None when it has no test that was asked for.
fn arguments(suite: Suite, binary: &Binary, filters: &[String]) -> Option<Vec<String>> {
    if filters.is_empty() {
        return Some(match suite {
            Suite::Gates => vec![GATES.to_owned()],
            Suite::ItSqlite | Suite::ItPostgres => vec!["--skip".to_owned(), GATES.to_owned()],
            // Measurements have a command of their own.
            Suite::Cluster => vec!["--skip".to_owned(), "figures::".to_owned()],
            Suite::Unit | Suite::Browser => Vec::new(),
        });
    }
    let listed = process::ask(command(binary).args(["--list", "--format", "terse"]))?;
    let mut chosen: Vec<String> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|test| suite.holds(test) && filters.iter().any(|part| test.contains(part)))
        .map(str::to_owned)
        .collect();
    if chosen.is_empty() {
        return None;
    }
    chosen.push("--exact".to_owned());
    Some(chosen)
}

fn judge(ended: &Ended, text: &str) -> Counts {
    let counted = counts(text);
    let succeeded = matches!(ended, Ended::By(status) if status.success());
    match counted {
        Some(counts) if succeeded || counts.failed > 0 => counts,
        other => {
            let before = other.unwrap_or_default();
            Counts {
                failed: before.failed + 1,
                ..before
            }
        }
    }
}

/// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; …`.
fn counts(text: &str) -> Option<Counts> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.starts_with("test result: "))?;
    let number = |word: &str| {
        let before = line
            .split(word)
            .next()
            .filter(|before| before.len() < line.len())?;
        before.trim_end().rsplit([' ', '.']).next()?.parse().ok()
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed;")?,
        skipped: number("ignored")?,
    })
}

/// Puts a failed binary's output on the terminal, from where libtest lists the failures.
fn show(suite: Suite, binary: &Binary, ended: &Ended, text: &str, log: &Path) {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| *line == "failures:");
    let first = first.unwrap_or(lines.len().saturating_sub(200));
    println!("\n---- {} / {} ----", suite.name(), binary.name);
    println!("{}", lines[first..].join("\n"));
    match ended {
        Ended::By(status) => println!("{}", process::said(&binary.name, *status)),
        Ended::OutOfTime => println!("{} was ended because it ran for too long.", binary.name),
    }
    println!("---- all of it: {} ----\n", log.display());
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    const GOOD: &str = "running 3 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 \
                        measured; 3 filtered out; finished in 0.01s\n";
    const BAD: &str = "test result: FAILED. 9 passed; 2 failed; 0 ignored; 0 measured; 0 filtered \
                       out; finished in 0.01s";

    #[test]
    fn the_closing_line_is_counted() {
        let good = Counts {
            passed: 12,
            failed: 0,
            skipped: 1,
        };
        assert_eq!(counts(GOOD), Some(good));
        assert_eq!(
            counts(BAD),
            Some(Counts {
                passed: 9,
                failed: 2,
                skipped: 0
            })
        );
        assert_eq!(counts("running 3 tests\n"), None);
    }

    #[test]
    fn a_crash_and_a_time_out_are_failures() {
        let well = Ended::By(ExitStatus::from_raw(0));
        let killed = Ended::By(ExitStatus::from_raw(9));
        assert_eq!(judge(&well, GOOD).failed, 0);
        assert_eq!(judge(&killed, GOOD).failed, 1);
        assert_eq!(judge(&killed, "running 3 tests\n").failed, 1);
        assert_eq!(judge(&Ended::OutOfTime, "running 3 tests\n").failed, 1);
        assert_eq!(judge(&killed, BAD).failed, 2);
    }
}
