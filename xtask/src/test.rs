//! `cargo xtask test`: every suite, one build, one table, one closing line. What a suite prints
//! goes to a file of its own and to the terminal only when the suite fails, so that a failure is
//! what is seen and not searched for.
//!
//! Invariant: nothing is skipped silently. A suite that cannot run here is a loud line on a
//! person's machine and a failure in a pipeline (`CI=true`).

mod browser;
mod build;
mod libtest;
mod suite;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::postgres::{Postgres, Programs};
use crate::{cluster, process, report, workspace};
pub use suite::Suite;
use table::{Row, Table};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Test {
    /// Runs only tests whose name contains one of these; the name of a suite chooses that suite.
    filters: Vec<String>,
    /// Runs only these suites.
    #[arg(long = "suite", value_enum)]
    suites: Vec<Suite>,
    /// Has the browser suite write the pictures of README.md to docs/images.
    #[arg(long)]
    update_docs: bool,
}

/// What a run was asked to do, after suites and filters were told apart.
pub struct Plan {
    pub suites: Vec<Suite>,
    pub filters: Vec<String>,
    pub update_docs: bool,
    /// Tests that have a long version run it.
    pub campaign: bool,
}

/// Tests counted by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

/// How a suite ended.
pub enum Outcome {
    Ran(Counts),
    /// Why it cannot run here, and what to install.
    CannotRun(String),
}

impl Test {
    /// Every suite, as the pipeline runs them.
    pub fn everything() -> Self {
        Self {
            filters: Vec::new(),
            suites: Vec::new(),
            update_docs: false,
        }
    }

    pub fn run(self) -> Result<ExitCode> {
        run(&self.plan())
    }

    fn plan(self) -> Plan {
        let mut suites = self.suites;
        let mut filters = Vec::new();
        for word in self.filters {
            match Suite::named(&word) {
                Some(suite) => suites.push(suite),
                None => filters.push(word),
            }
        }
        if suites.is_empty() {
            suites = Suite::ALL.to_vec();
        }
        Plan {
            suites,
            filters,
            update_docs: self.update_docs,
            campaign: false,
        }
    }
}

/// Builds what the plan needs, runs its suites and prints the table.
pub fn run(plan: &Plan) -> Result<ExitCode> {
    workspace::create_folder(&logs())?;
    let built = build::build(&plan.suites)?;
    let mut table = Table::default();
    for &suite in &plan.suites {
        let started = Instant::now();
        let outcome = run_suite(suite, plan, &built);
        table.add(judge(suite, outcome, started.elapsed()));
        if process::interrupted() {
            return Err(Failure::new("The tests were stopped, as asked."));
        }
    }
    let total = table.print();
    if total == Counts::default() {
        return Err(Failure::new("No test has such a name: nothing was run."));
    }
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run_suite(suite: Suite, plan: &Plan, built: &build::Built) -> Result<Outcome> {
    match suite {
        Suite::Gates => libtest::run(suite, &built.integration, plan, &[]),
        Suite::Unit => libtest::run(suite, &built.unit, plan, &[]),
        Suite::ItSqlite => libtest::run(
            suite,
            &built.integration,
            plan,
            &[("TEST_ENGINE", "sqlite".into())],
        ),
        Suite::ItPostgres => on_postgres(plan, built),
        Suite::Cluster => on_cluster(plan, built),
        Suite::Browser => browser::run(plan, built),
    }
}

fn on_postgres(plan: &Plan, built: &build::Built) -> Result<Outcome> {
    let own;
    let url = match std::env::var("TEST_DATABASE_URL") {
        Ok(url) => url,
        Err(_) => match Programs::find() {
            Err(reason) => return Ok(Outcome::CannotRun(reason)),
            Ok(programs) => {
                let log = log_path("postgres");
                own = report::step("PostgreSQL", || Postgres::start(&programs, &log))?;
                own.url()
            }
        },
    };
    let engine = [
        ("TEST_ENGINE", "postgres".into()),
        ("TEST_DATABASE_URL", url.into()),
    ];
    libtest::run(Suite::ItPostgres, &built.integration, plan, &engine)
}

/// On clusters of the suite's own, or on those that `TEST_CLUSTER` describes.
fn on_cluster(plan: &Plan, built: &build::Built) -> Result<Outcome> {
    with_clusters(|variables| libtest::run(Suite::Cluster, &built.cluster, plan, variables))
        .unwrap_or_else(|reason| Ok(Outcome::CannotRun(reason)))
}

/// Does something while clusters run, with the variables that name them; the reason when this machine
/// cannot have any.
fn with_clusters<T>(
    work: impl FnOnce(&libtest::Variables<'_>) -> Result<T>,
) -> std::result::Result<Result<T>, String> {
    let own;
    let description = if let Some(path) = std::env::var_os("TEST_CLUSTER") {
        path
    } else if let Some(reason) = cluster::missing() {
        return Err(reason);
    } else {
        let state = workspace::target().join("test-cluster");
        let begun = cluster::build()
            .and_then(|programs| cluster::start(&programs, &state, cluster::clusters(true)));
        match begun {
            Ok(started) => own = started,
            Err(failure) => return Ok(Err(failure)),
        }
        own.description.path().as_os_str().to_owned()
    };
    Ok(work(&[
        ("TEST_CLUSTER", description),
        // moto takes any credentials, but the SDK sends nothing without some.
        ("AWS_ACCESS_KEY_ID", "test-cluster".into()),
        ("AWS_SECRET_ACCESS_KEY", "test-cluster".into()),
        // These tests wait for others more than they work.
        ("RUST_TEST_THREADS", "6".into()),
    ]))
}

/// `cargo xtask bench cluster`: the ignored test that prints figures, on clusters of its own.
pub fn figures() -> Result<ExitCode> {
    workspace::create_folder(&logs())?;
    let built = build::build(&[Suite::Cluster])?;
    let run = |variables: &libtest::Variables<'_>| {
        for binary in &built.cluster {
            let mut command = libtest::command(binary);
            command.args(["--ignored", "--nocapture", "figures::"]);
            command.envs(variables.iter().map(|(name, value)| (name, value)));
            process::run("the bench", &mut command)?;
        }
        Ok(ExitCode::SUCCESS)
    };
    with_clusters(run).unwrap_or_else(|reason| Err(Failure::new(reason)))
}

/// Turns how a suite ended into its row of the table; errors in the suite's own set-up count as
/// one failed test, and so does a suite that cannot run in a pipeline.
fn judge(suite: Suite, outcome: Result<Outcome>, took: Duration) -> Row {
    let name = suite.name();
    let (counts, remark) = match outcome {
        Ok(Outcome::Ran(counts)) => (counts, None),
        Ok(Outcome::CannotRun(reason)) => {
            println!("\nSKIPPED {name}: {reason}\n");
            if workspace::in_pipeline() {
                (
                    Counts {
                        failed: 1,
                        ..Counts::default()
                    },
                    Some("cannot run".to_owned()),
                )
            } else {
                (
                    Counts {
                        skipped: 1,
                        ..Counts::default()
                    },
                    Some(format!("SKIPPED: {reason}")),
                )
            }
        }
        Err(failure) => {
            println!("\nFAILED {name}: {failure}\n");
            (
                Counts {
                    failed: 1,
                    ..Counts::default()
                },
                Some("could not be run".to_owned()),
            )
        }
    };
    Row {
        name,
        counts,
        took,
        remark,
    }
}

/// The folder of what suites print.
fn logs() -> std::path::PathBuf {
    workspace::target().join("test-logs")
}

/// Where the output of a suite is kept.
fn log_path(name: &str) -> std::path::PathBuf {
    logs().join(format!("{name}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(words: &[&str]) -> Plan {
        let filters = words.iter().map(|word| (*word).to_owned()).collect();
        Test {
            filters,
            suites: Vec::new(),
            update_docs: false,
        }
        .plan()
    }

    #[test]
    fn words_are_suites_or_filters() {
        assert_eq!(planned(&[]).suites, Suite::ALL);
        let plan = planned(&["gates", "token"]);
        assert_eq!(plan.suites, [Suite::Gates]);
        assert_eq!(plan.filters, ["token"]);
        assert_eq!(planned(&["token"]).suites, Suite::ALL);
    }

    #[test]
    fn a_suite_whose_set_up_breaks_is_a_failure() {
        let row = judge(Suite::Browser, Err(Failure::new("no port")), Duration::ZERO);
        assert_eq!(
            row.counts,
            Counts {
                failed: 1,
                ..Counts::default()
            }
        );
    }
}
