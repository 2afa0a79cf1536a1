//! What the browser receives beside pages: the stylesheet and the islands bundle, as files named
//! by their content in `public/pkg`, and `manifest.json` there, which the server reads at start.
//!
//! Invariant: the manifest never names a file that is not complete; it is replaced in one step
//! after the files it names. A part that could not be built is absent from it, and the server
//! then serves pages without that part.

mod islands;
mod style;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use crate::failure::Result;
use crate::{report, workspace};

/// Files that no manifest names any more are kept this long, for servers still running with an
/// older manifest and for pages still open in a browser.
const KEPT: Duration = Duration::from_hours(24);

/// Options of `cargo xtask assets`.
#[derive(clap::Args)]
pub struct Assets {
    /// Builds the stylesheet only: every page works, without live updates.
    #[arg(long)]
    no_islands: bool,
}

impl Assets {
    pub fn run(&self) -> Result<ExitCode> {
        let built = build(!self.no_islands)?;
        if let Some(reason) = built.without_islands {
            report::warn(reason);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What came of building the assets.
pub struct Built {
    /// Why there is no islands bundle, where one was asked for.
    pub without_islands: Option<String>,
}

/// Builds what has changed and writes the manifest.
pub fn build(with_islands: bool) -> Result<Built> {
    let mut manifest = Map::new();
    if let Some(name) = style::build()? {
        manifest.insert("style".into(), json!(name));
    }
    let mut without_islands = None;
    if with_islands {
        match islands::build()? {
            islands::Outcome::Bundled { js, wasm } => {
                manifest.insert("client_js".into(), json!(js));
                manifest.insert("client_wasm".into(), json!(wasm));
            }
            islands::Outcome::NoToolchain(reason) => without_islands = Some(reason),
        }
    }
    let text = format!("{:#}\n", Value::Object(manifest.clone()));
    workspace::write(&folder().join("manifest.json"), text.as_bytes())?;
    sweep(&manifest);
    Ok(Built { without_islands })
}

/// Where built assets go.
fn folder() -> PathBuf {
    workspace::root().join("public/pkg")
}

/// Removes files of former builds. What cannot be removed now is removed by a later build.
fn sweep(manifest: &Map<String, Value>) {
    let Ok(entries) = std::fs::read_dir(folder()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let named = name == "manifest.json" || manifest.values().any(|value| *value == name);
        if !named && is_old(&entry) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn is_old(entry: &std::fs::DirEntry) -> bool {
    let age = entry
        .metadata()
        .and_then(|facts| facts.modified())
        .map(|at| at.elapsed());
    matches!(age, Ok(Ok(age)) if age > KEPT)
}

/// Keeps a file that is in use young, so that [`sweep`] counts from its last use.
fn touch(path: &std::path::Path) {
    if let Ok(file) = std::fs::File::options().append(true).open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}
