//! Packages from npm that the build or the browser tests use. Each folder has a lock file; what it
//! names is installed once and again only when the lock file changes. Install scripts never run.

use std::path::Path;

use crate::failure::Result;
use crate::{process, report, tools, workspace};

/// Why npm cannot be used here, in words for the person; None when it can.
pub fn missing() -> Option<&'static str> {
    let there = tools::find("node").is_some() && tools::find("npm").is_some();
    (!there).then_some("Node.js with npm is not installed (Debian: apt-get install nodejs npm)")
}

/// Makes `folder/node_modules` equal to the lock file.
pub fn install(folder: &Path) -> Result {
    let lock = workspace::digest(&workspace::read(&folder.join("package-lock.json"))?);
    let stamp = folder.join("node_modules/.installed-lock");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let shown = folder
        .strip_prefix(workspace::root())
        .unwrap_or(folder)
        .display()
        .to_string();
    report::step(&format!("npm packages of {shown}"), || {
        let mut npm = workspace::clean("npm");
        npm.current_dir(folder);
        npm.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        npm.stdout(std::process::Stdio::null());
        process::run("npm ci", &mut npm)?;
        workspace::write(&stamp, lock.as_bytes())
    })
}
