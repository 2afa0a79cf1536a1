//! Finding other programs on the machine: by PATH, and in the folders where distributions hide
//! what they do not put there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// The first program of that name in PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| runnable(file))
}

/// The first of several names, for programs that distributions call differently.
pub fn find_any(names: &[&str]) -> Option<PathBuf> {
    names.iter().find_map(|name| find(name))
}

pub fn runnable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

/// True when xtask runs as the machine's administrator, as it does in most containers.
pub fn is_root() -> bool {
    process::ask(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

/// The Chromium that the browser tests drive; `CHROMIUM` names another.
pub fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        return runnable(&named).then_some(named);
    }
    find_any(&[
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ])
    .or_else(|| {
        let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
        runnable(&mac).then_some(mac)
    })
}
