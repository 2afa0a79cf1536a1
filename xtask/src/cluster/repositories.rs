//! The Git repositories that the cluster's Argo CD reads: the instance's chart as it stands in this
//! tree, tagged as the catalogue of releases names it, and an empty one for override files.

use std::path::Path;
use std::process::Command;

use crate::failure::Result;
use crate::{process, workspace};

/// Makes `charts.git` and `overrides.git` in a folder.
pub fn make(folder: &Path) -> Result {
    let draft = folder.join("draft");
    let charts = draft.join("charts/charts");
    workspace::create_folder(&charts)?;
    let mut copy = Command::new("cp");
    copy.arg("-R")
        .arg(workspace::root().join("deploy/charts/prism-instance"))
        .arg(&charts);
    process::run("the copy of the chart", &mut copy)?;
    publish(folder, "charts", &revisions()?)?;
    let overrides = draft.join("overrides/overrides");
    let note = "One file per instance: <id>.yaml, values that win over the release's.\n";
    workspace::write(&overrides.join("README"), note.as_bytes())?;
    publish(folder, "overrides", &[])?;
    // A failure to take the drafts away leaves folders that nobody reads.
    let _ = std::fs::remove_dir_all(&draft);
    Ok(())
}

/// Revisions of the chart that the catalogue names.
fn revisions() -> Result<Vec<String>> {
    let text = workspace::read(&workspace::root().join("deploy/releases.toml"))?;
    let mut names: Vec<String> = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| line.strip_prefix("chart_revision = \""))
        .map(|rest| rest.trim_end_matches('"').to_owned())
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn publish(folder: &Path, name: &str, tags: &[String]) -> Result {
    let work = folder.join("draft").join(name);
    git(&work, &["init", "-q", "-b", "main"])?;
    git(&work, &["add", "-A"])?;
    git(&work, &["commit", "-q", "-m", "As it stands in the tree"])?;
    for tag in tags {
        git(&work, &["tag", tag])?;
    }
    let bare = folder.join(format!("{name}.git"));
    let bare = bare.to_string_lossy();
    git(&work, &["clone", "-q", "--bare", ".", &bare])
}

fn git(folder: &Path, arguments: &[&str]) -> Result {
    let mut command = Command::new("git");
    command.current_dir(folder);
    for setting in [
        "user.name=test cluster",
        "user.email=cluster@example.test",
        "commit.gpgsign=false",
    ] {
        command.args(["-c", setting]);
    }
    process::run("git", command.args(arguments))
}
