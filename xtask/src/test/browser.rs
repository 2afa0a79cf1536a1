//! The browser suite: the real server with the sandbox cluster at a quick pace on a free port and
//! a temporary data folder, and Chromium driven by the scripts of `tests/browser`.

use std::time::Duration;

use super::build::Built;
use super::suite::Suite;
use super::{Counts, Outcome, Plan, log_path};
use crate::failure::{Result, Told};
use crate::process::{self, Ended};
use crate::server::TestServer;
use crate::{assets, npm, report, tools, workspace};

const ALLOWED: Duration = Duration::from_mins(20);
/// An instance that takes ten seconds at the usual pace takes two, which leaves something to watch
/// and little to wait for.
const PACE: &str = "0.2";

pub fn run(plan: &Plan, built: &Built) -> Result<Outcome> {
    if let Some(reason) = npm::missing() {
        return Ok(Outcome::CannotRun(reason.to_owned()));
    }
    let Some(chromium) = tools::chromium() else {
        return Ok(Outcome::CannotRun(
            "Chromium is not installed (Debian: apt-get install chromium), or CHROMIUM names no \
             program"
                .to_owned(),
        ));
    };
    if let Some(reason) = assets::build(true)?.without_islands {
        return Ok(Outcome::CannotRun(reason));
    }
    let home = workspace::root().join("tests/browser");
    npm::install(&home)?;
    let told = || "a temporary data folder could not be made".to_owned();
    let data = tempfile::Builder::new()
        .prefix("browser-tests-")
        .tempdir()
        .told(told)?;
    let log = log_path("browser-server");
    let mut server = report::step("server for the browser", || {
        TestServer::start(&built.server, data.path(), log.clone(), PACE)
    })?;
    let mut node = workspace::clean("node");
    node.current_dir(&home).arg("run.mjs").args(&plan.filters);
    node.env("BASE_URL", server.url())
        .env("SETUP_LINK", server.setup_link()?);
    node.env("CHROMIUM", chromium)
        .env("SCREENSHOTS", workspace::target().join("screenshots"));
    if plan.update_docs {
        node.arg("--update-docs");
    }
    report::note(format!("{} ...", Suite::Browser.name()));
    let output = log_path("browser");
    let ended = process::run_into("the browser tests", &mut node, &output, ALLOWED)?;
    let text = String::from_utf8_lossy(&workspace::read(&output)?).into_owned();
    let counts = judge(&ended, &text);
    if counts.failed > 0 {
        println!(
            "\n---- browser ----\n{text}\n---- the server's log: {} ----\n",
            log.display()
        );
    }
    Ok(Outcome::Ran(counts))
}

fn judge(ended: &Ended, text: &str) -> Counts {
    let counted = text.lines().rev().find_map(closing);
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

/// Reads `12 passed, 0 failed`, with or without `, 1 skipped`.
fn closing(line: &str) -> Option<Counts> {
    let mut counts = Counts::default();
    let mut parts = line.split(", ");
    counts.passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    counts.failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    if let Some(part) = parts.next() {
        counts.skipped = part.strip_suffix(" skipped")?.parse().ok()?;
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_closing_line_is_read() {
        let counts = Counts {
            passed: 12,
            failed: 3,
            skipped: 0,
        };
        assert_eq!(closing("12 passed, 3 failed"), Some(counts));
        assert_eq!(
            closing("12 passed, 3 failed, 1 skipped").map(|c| c.skipped),
            Some(1)
        );
        assert_eq!(closing("12 passed"), None);
        assert_eq!(closing("all passed, none failed"), None);
    }

    #[test]
    fn a_runner_that_never_came_to_its_end_is_a_failure() {
        assert_eq!(judge(&Ended::OutOfTime, "ok first-run\n").failed, 1);
    }
}
