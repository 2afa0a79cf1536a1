//! Commits to the repositories that Argo CD reads, made as people make them: cloned, changed, pushed.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::Site;

/// A clone of one of the repositories.
#[derive(Debug)]
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// Clones `charts` or `overrides`.
    ///
    /// # Panics
    /// When git refuses.
    #[must_use]
    pub fn clone_of(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("{}/{name}.git", Site::get().git());
        git(folder.path(), &["clone", "-q", &url, "."]);
        Self { folder }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file; nothing takes it away.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: Option<&str>) {
        let path = self.folder().join(path);
        match text {
            Some(text) => {
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
                std::fs::write(path, text).expect("the file");
            }
            None => std::fs::remove_file(path).expect("the file"),
        }
    }

    /// Commits everything and pushes it, with that tag when one is given.
    ///
    /// # Panics
    /// When git refuses.
    pub fn push(&self, message: &str, tag: Option<&str>) {
        let folder = self.folder();
        git(folder, &["add", "-A"]);
        git(folder, &["commit", "-q", "--allow-empty", "-m", message]);
        // Another test may have pushed meanwhile.
        git(folder, &["pull", "-q", "--rebase", "origin", "main"]);
        git(folder, &["push", "-q", "origin", "HEAD:main"]);
        if let Some(tag) = tag {
            git(folder, &["tag", "-f", tag]);
            git(folder, &["push", "-q", "-f", "origin", tag]);
        }
    }
}

/// Writes an instance's override file; nothing takes it away. One at a time: git refuses a push that
/// another one overtakes.
///
/// # Panics
/// When git refuses.
pub fn override_file(instance: &str, text: Option<&str>) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let repository = Repository::clone_of("overrides");
    repository.write(&format!("overrides/{instance}.yaml"), text);
    repository.push(&format!("Override {instance}"), None);
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(folder);
    for setting in [
        "user.name=tests",
        "user.email=tests@example.test",
        "commit.gpgsign=false",
    ] {
        command.args(["-c", setting]);
    }
    let output = command.args(arguments).output().expect("git runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
}
