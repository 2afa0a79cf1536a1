//! `cargo xtask bench`: measurements on servers of their own, on this machine's loopback only and
//! bounded in what they send. They print figures and judge nothing.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::failure::{Failure, Result, Told};
use crate::server::{Profile, TestServer};
use crate::{assets, npm, process, report, server, test, workspace};

const EMAIL: &str = "bench@example.test";
const PASSWORD: &str = "a password for the bench alone";

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Bench {
    /// Which one; without it, all are listed.
    name: Option<String>,
    /// How many instances the server holds while it is measured: 1,000 for pages, 50 for revocations
    /// unless said.
    #[arg(long)]
    instances: Option<u32>,
    /// How many tokens are live while some of them are revoked.
    #[arg(long, default_value_t = 1000)]
    tokens: u32,
    /// How many requests of each kind are timed.
    #[arg(long, default_value_t = 200)]
    requests: u32,
    /// Measures the quickly built program that tests use, instead of the optimised one.
    #[arg(long)]
    dev: bool,
}

impl Bench {
    pub fn run(&self) -> Result<ExitCode> {
        match self.name.as_deref() {
            None => {
                println!(
                    "cargo xtask bench pages         time to the first byte of pages and REST beside \
                     many instances\n\
                     cargo xtask bench revocations   time from revoking a token to the proof at every \
                     worker of the gateway\n\
                     cargo xtask bench cluster       Applications made, seen and told of on a real \
                     Kubernetes"
                );
                Ok(ExitCode::SUCCESS)
            }
            Some("pages") => self.script("pages.mjs", self.instances.unwrap_or(1_000), "0"),
            Some("revocations") => {
                self.script("revocations.mjs", self.instances.unwrap_or(50), "1")
            }
            Some("cluster") => test::figures(),
            Some(other) => Err(Failure::new(format!(
                "There is no bench '{other}'; cargo xtask bench lists them."
            ))),
        }
    }

    /// Runs a script of tests/bench beside a server whose simulated clusters have that pace.
    fn script(&self, script: &str, instances: u32, pace: &str) -> Result<ExitCode> {
        if let Some(reason) = npm::missing() {
            return Err(Failure::new(format!(
                "The bench is a Node.js script: {reason}."
            )));
        }
        let profile = if self.dev {
            Profile::Dev
        } else {
            Profile::Release
        };
        assets::build(true)?;
        let binary = server::build(profile)?;
        let told = || "a temporary data folder could not be made".to_owned();
        let data = tempfile::Builder::new()
            .prefix("bench-")
            .tempdir()
            .told(told)?;
        let log = workspace::target().join("bench-server.log");
        let running = report::step("server for the bench", || {
            TestServer::start(&binary, data.path(), log, pace)
        })?;
        create_owner(&binary, data.path())?;
        let mut node = workspace::clean("node");
        node.arg(workspace::root().join("tests/bench").join(script));
        node.env("BASE_URL", running.url())
            .env("ACCESS_TOKEN", token(&binary, data.path())?);
        node.env("EMAIL", EMAIL).env("PASSWORD", PASSWORD);
        node.env("SERVER_PID", running.id().to_string());
        node.env("INSTANCES", instances.to_string());
        node.env("TOKENS", self.tokens.to_string());
        node.env("REQUESTS", self.requests.to_string());
        process::run("the bench", &mut node)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Makes the person as whom pages are asked for, beside the running server.
fn create_owner(binary: &Path, data: &Path) -> Result {
    let told = || "the owner for the bench could not be made".to_owned();
    let mut command = Command::new(binary);
    command.args([
        "admin",
        "create-owner",
        "--email",
        EMAIL,
        "--password-stdin",
        "--data-dir",
    ]);
    command
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let mut child = command.spawn().told(told)?;
    if let Some(mut input) = child.stdin.take() {
        writeln!(input, "{PASSWORD}").told(told)?;
    }
    let status = child.wait().told(told)?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(process::said("create-owner", status)))
    }
}

fn token(binary: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(binary);
    command.args([
        "access-token",
        "create",
        "--name",
        "bench",
        "--scope",
        "all:write",
    ]);
    command.arg("--data-dir").arg(data);
    process::ask(&mut command)
        .ok_or_else(|| Failure::new("The access token for the bench could not be made."))
}
