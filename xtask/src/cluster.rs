//! `cargo xtask cluster`: a real Kubernetes with Argo CD on this machine, without Docker, for people
//! who want to look and for the suite that tests the product's claims on it. The programs are built
//! from published Go modules; everything listens on 127.0.0.1 and ends with the command.
//!
//! Invariant: whoever lacks a program that is needed is told its name and where to get it.

mod build;
mod control;
mod product;
mod programs;
mod repositories;
mod start;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result, Told};
use crate::{process, report, workspace};

pub use build::build;
pub use product::OnCluster;
pub use programs::missing;
use start::Description;
pub use start::start;

/// How long a cluster may take to end.
const END: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);

/// Options of `cargo xtask cluster`.
#[derive(clap::Args)]
pub struct Cluster {
    #[command(subcommand)]
    command: Command,
    /// Folder for data, logs and the kubeconfig; by default `target/cluster`.
    #[arg(long, global = true)]
    state: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Builds the programs and nothing else.
    Build,
    /// Builds what is missing, starts the cluster and stays until Ctrl-C or `down`.
    Up {
        /// Two clusters: development in eu-west-1 and production in eu-central-1.
        #[arg(long)]
        two: bool,
    },
    /// Ends the cluster that another terminal started.
    Down,
    /// Says which parts run, and with how much memory.
    Status,
}

impl Cluster {
    pub fn run(&self) -> Result<ExitCode> {
        let state = match &self.state {
            Some(folder) => {
                std::path::absolute(folder).told(|| format!("{} is no folder", folder.display()))?
            }
            None => workspace::target().join("cluster"),
        };
        match self.command {
            Command::Build => {
                refuse_without_programs()?;
                build().map(|_| ExitCode::SUCCESS)
            }
            Command::Up { two } => up(&state, two),
            Command::Down => down(&state),
            Command::Status => status(&state),
        }
    }
}

/// The clusters to start, as the supervisor takes them.
pub fn clusters(two: bool) -> &'static str {
    if two {
        "development=eu-west-1,production=eu-central-1"
    } else {
        "development=eu-west-1"
    }
}

fn refuse_without_programs() -> Result {
    match missing() {
        None => Ok(()),
        Some(reason) => {
            report::warn(format!("SKIPPED: {reason}"));
            Err(Failure::new(reason))
        }
    }
}

fn up(state: &Path, two: bool) -> Result<ExitCode> {
    refuse_without_programs()?;
    let programs = build()?;
    let mut started = start(&programs, state, clusters(two))?;
    tell(&started.description);
    loop {
        if started.ended()? {
            return Ok(ExitCode::SUCCESS);
        }
        if process::interrupted() {
            report::note("ending the cluster");
            started.end();
            return Ok(ExitCode::SUCCESS);
        }
        std::thread::sleep(GLANCE);
    }
}

fn tell(description: &Description) {
    let kubeconfig = description.kubeconfig();
    println!("\nThe cluster is up.\n");
    println!("  export KUBECONFIG={kubeconfig}");
    println!("  kubectl get applications -A                      look into it");
    println!("  cargo xtask run --cluster {kubeconfig}");
    println!("                                                   the product on it");
    println!("  cargo xtask cluster status                       what runs");
    println!(
        "  git clone {}/overrides.git          files that override values",
        description.git()
    );
    println!("\nCtrl-C, or cargo xtask cluster down, ends it and all that is in it.\n");
}

fn down(state: &Path) -> Result<ExitCode> {
    let Some(description) = Description::read(state) else {
        println!("No cluster runs in {}.", state.display());
        return Ok(ExitCode::SUCCESS);
    };
    description.control()?.post("/down")?;
    let deadline = Instant::now() + END;
    while Description::read(state).is_some() {
        if Instant::now() > deadline {
            return Err(Failure::new("The cluster did not end within a minute."));
        }
        std::thread::sleep(GLANCE);
    }
    println!("The cluster is down.");
    Ok(ExitCode::SUCCESS)
}

fn status(state: &Path) -> Result<ExitCode> {
    let Some(description) = Description::read(state) else {
        println!("No cluster runs in {}.", state.display());
        return Ok(ExitCode::FAILURE);
    };
    let text = description.control()?.get("/status")?;
    let parts: Vec<serde_json::Value> = serde_json::from_str(&text)
        .told(|| "the status of the cluster cannot be read".to_owned())?;
    let mut total = 0;
    for part in &parts {
        let memory = part["memory"].as_u64().unwrap_or(0) >> 20;
        total += memory;
        let name = part["name"].as_str().unwrap_or_default();
        let state = if part["running"] == true {
            "runs"
        } else {
            "STOPPED"
        };
        println!("{name:<44} {state:<8} {memory:>6} MiB");
    }
    println!("{:<44} {:<8} {total:>6} MiB", "all", "");
    println!("\nexport KUBECONFIG={}", description.kubeconfig());
    Ok(ExitCode::SUCCESS)
}
