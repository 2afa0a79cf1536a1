//! Starting the supervisor, which starts the rest, and finding what it says of itself. The supervisor
//! and with it every part ends when [`Started`] is dropped, and when this program is killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::build::{Programs, modules};
use super::control::Client;
use super::repositories;
use crate::failure::{Failure, Result, Told};
use crate::process::{self, Running};
use crate::{report, workspace};

const START: Duration = Duration::from_mins(3);
const GLANCE: Duration = Duration::from_millis(50);

/// A cluster that runs until this is dropped.
pub struct Started {
    running: Running,
    pub description: Description,
}

/// What the supervisor says of itself in `cluster.json`.
pub struct Description {
    path: PathBuf,
    said: Value,
}

impl Description {
    /// What stands in a state folder; None when no cluster is ready there.
    pub fn read(state: &Path) -> Option<Self> {
        let path = state.join("cluster.json");
        let text = std::fs::read(&path).ok()?;
        let said = serde_json::from_slice(&text).ok()?;
        Some(Self { path, said })
    }

    /// The description beside a kubeconfig that the supervisor wrote.
    pub fn beside(kubeconfig: &Path) -> Option<Self> {
        Self::read(kubeconfig.parent()?)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn text(&self, name: &str) -> &str {
        self.said[name].as_str().unwrap_or_default()
    }

    pub fn kubeconfig(&self) -> &str {
        self.text("kubeconfig")
    }

    pub fn git(&self) -> &str {
        self.text("git")
    }

    pub fn secrets_manager(&self) -> &str {
        self.text("secrets_manager")
    }

    /// The clusters, as the supervisor describes each.
    pub fn clusters(&self) -> &[Value] {
        self.said["clusters"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The supervisor's control port.
    pub fn control(&self) -> Result<Client> {
        match self.text("control") {
            "" => Err(Failure::new("The cluster names no control port.")),
            url => Ok(Client::new(url)),
        }
    }
}

impl Started {
    /// Whether it has ended by itself, or because somebody asked it to.
    pub fn ended(&mut self) -> Result<bool> {
        Ok(self.running.look()?.is_some())
    }

    pub fn end(&mut self) {
        self.running.end();
    }
}

/// Starts the clusters in a state folder, which is emptied first, and waits until they can be used.
pub fn start(programs: &Programs, state: &Path, clusters: &str) -> Result<Started> {
    refuse_a_second(state)?;
    // What an earlier cluster left; a failure shows when the folder is made.
    let _ = std::fs::remove_dir_all(state);
    workspace::create_folder(&state.join("git"))?;
    repositories::make(&state.join("git"))?;
    report::step("real cluster", || wait(programs, state, clusters))
}

fn refuse_a_second(state: &Path) -> Result {
    let Some(description) = Description::read(state) else {
        return Ok(());
    };
    if description
        .control()
        .is_ok_and(|it| it.get("/status").is_ok())
    {
        return Err(Failure::new(format!(
            "A cluster runs in {} already; cargo xtask cluster down ends it.",
            state.display()
        )));
    }
    Ok(())
}

fn wait(programs: &Programs, state: &Path, clusters: &str) -> Result<Started> {
    let log = state.join("supervisor.log");
    let told = || format!("{} could not be written", log.display());
    let output = File::create(&log).told(told)?;
    let errors = output.try_clone().told(told)?;
    let mut command = workspace::clean(programs.folder.join("supervisor"));
    command.arg("-programs").arg(&programs.folder);
    command.arg("-definitions").arg(&programs.definitions);
    command.arg("-objects").arg(modules().join("objects"));
    command
        .arg("-state")
        .arg(state)
        .args(["-clusters", clusters]);
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let mut running = process::start("the cluster's supervisor", &mut command)?;
    let deadline = Instant::now() + START;
    loop {
        if let Some(description) = Description::read(state) {
            return Ok(Started {
                running,
                description,
            });
        }
        if running.look()?.is_some() || Instant::now() > deadline || process::interrupted() {
            let said = String::from_utf8_lossy(&workspace::read(&log)?).into_owned();
            return Err(Failure::new(format!(
                "The cluster did not start: {}",
                said.trim()
            )));
        }
        std::thread::sleep(GLANCE);
    }
}
