//! One build for all suites. Cargo builds every test binary of the workspace in one call, with the
//! same packages each time whatever was chosen, so that features never change between calls and
//! nothing is built twice.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use super::suite::Suite;
use crate::failure::{Failure, Result, Told};
use crate::server::Profile;
use crate::{process, report, server, workspace};

/// A test binary and where cargo would run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    pub name: String,
    pub path: PathBuf,
    /// The folder of its package.
    pub folder: PathBuf,
}

/// What the chosen suites run.
pub struct Built {
    pub unit: Vec<Binary>,
    pub integration: Vec<Binary>,
    /// The tests that need a real cluster.
    pub cluster: Vec<Binary>,
    /// The server, for suites that start the real program.
    pub server: PathBuf,
}

/// Builds what the suites need and nothing else.
pub fn build(suites: &[Suite]) -> Result<Built> {
    let unit = suites.contains(&Suite::Unit);
    let it = [Suite::ItSqlite, Suite::ItPostgres]
        .iter()
        .any(|suite| suites.contains(suite));
    let gates = suites.contains(&Suite::Gates);
    let cluster = suites.contains(&Suite::Cluster);
    let mut built = Built {
        unit: Vec::new(),
        integration: Vec::new(),
        cluster: Vec::new(),
        server: PathBuf::new(),
    };
    if it || cluster || suites.contains(&Suite::Browser) {
        built.server = server::build(Profile::Dev)?;
    }
    if unit || it || gates || cluster {
        let binaries = report::step("test binaries", || test_binaries(unit, cluster))?;
        let home = workspace::root().join(workspace::TESTS);
        let is_integration = |binary: &Binary| binary.folder == home;
        let (ours, unit) = binaries.into_iter().partition(is_integration);
        built.unit = unit;
        (built.cluster, built.integration) = ours
            .into_iter()
            .partition(|binary: &Binary| binary.name.ends_with("-cluster"));
    }
    if unit {
        built
            .unit
            .extend(report::step("tests of xtask", own_tests)?);
    }
    Ok(built)
}

/// The integration tests, and with `unit` what tests each crate has of its own.
fn test_binaries(unit: bool, cluster: bool) -> Result<Vec<Binary>> {
    let mut cargo = workspace::cargo("test");
    for package in workspace::LIBRARIES.iter().chain([&workspace::TESTS]) {
        cargo.args(["--package", package]);
    }
    if unit {
        cargo.args(["--lib", "--test", "*"]);
    } else {
        cargo.args(["--test", "it"]);
        if cluster {
            cargo.args(["--test", "cluster"]);
        }
    }
    executables(&mut cargo)
}

/// xtask is built apart from the rest, and so are its tests.
fn own_tests() -> Result<Vec<Binary>> {
    executables(workspace::cargo("test").args(["--package", "xtask", "--bins"]))
}

fn executables(cargo: &mut std::process::Command) -> Result<Vec<Binary>> {
    let log = super::log_path("build");
    let told = || format!("{} could not be written", log.display());
    let messages = std::fs::File::create(&log).told(told)?;
    cargo.args(["--no-run", "--message-format", "json-render-diagnostics"]);
    cargo.stdout(messages).stdin(Stdio::null());
    let status = process::status("cargo test --no-run", cargo)?;
    if !status.success() {
        return Err(Failure::new(
            "The tests do not build; cargo says why above.",
        ));
    }
    let text = String::from_utf8_lossy(&workspace::read(&log)?).into_owned();
    Ok(text.lines().filter_map(executable).collect())
}

/// The test binary that a line of cargo's JSON messages announces, if it announces one.
fn executable(line: &str) -> Option<Binary> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
    let path = message["executable"].as_str().filter(|_| is_test)?;
    let manifest = PathBuf::from(message["manifest_path"].as_str()?);
    let folder = manifest.parent()?.to_path_buf();
    let target = message["target"]["name"].as_str()?;
    let name = if message["target"]["kind"][0] == "test" {
        format!("{}-{target}", folder.file_name()?.to_string_lossy())
    } else {
        target.to_owned()
    };
    let path = path.into();
    Some(Binary { name, path, folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_binaries_are_read_from_cargos_messages() {
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/tree/server/model/Cargo.toml",
            "target":{"kind":["lib"],"name":"model"},"profile":{"test":true},
            "executable":"/tree/target/debug/deps/model-1"}"#;
        let binary = executable(line).expect("a test binary");
        assert_eq!(binary.name, "model");
        assert_eq!(binary.folder, PathBuf::from("/tree/server/model"));
        let apart = executable(&line.replace("lib", "test")).expect("a test binary");
        assert_eq!(
            apart.name, "model-model",
            "an integration test is named with its package"
        );
        assert_eq!(
            executable(&line.replace("\"test\":true", "\"test\":false")),
            None
        );
        assert_eq!(
            executable(r#"{"reason":"build-finished","success":true}"#),
            None
        );
        assert_eq!(executable("not json"), None);
    }
}
