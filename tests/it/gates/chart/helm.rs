//! Helm, as it is found: named by `HELM`, on the PATH, or where Go puts what it builds. Where there is none
//! the tests of the charts have nothing to say: in CI that is a failure, elsewhere it is said aloud.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::super::tree;

/// The Kubernetes that charts are rendered for; a Helm built as a Go module knows none of its own.
const KUBERNETES: &str = "1.33.0";

/// The program; none when there is none and this is not CI.
pub fn helm() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let found = places().into_iter().find(|place| place.is_file());
            if found.is_none() {
                let told = "There is no helm: set HELM, or put it on the PATH.";
                assert!(std::env::var_os("CI").is_none(), "{told}");
                // The harness holds back what is printed, but not what is written.
                let _ = writeln!(
                    std::io::stderr(),
                    "SKIPPED: the charts were not rendered. {told}"
                );
            }
            found
        })
        .as_deref()
}

fn places() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let mut places: Vec<PathBuf> = variable("HELM").into_iter().collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path).map(|folder| folder.join("helm")));
    let go = variable("GOPATH").or_else(|| Some(variable("HOME")?.join("go")));
    places.extend(go.map(|go| go.join("bin/helm")));
    places.push(tree::root().join("target/cluster-bin/helm"));
    places
}

/// One rendering: chart, release name, namespace, files of values, kinds that the cluster has.
pub struct Call<'a> {
    pub chart: &'a str,
    pub name: &'a str,
    pub namespace: &'a str,
    pub files: &'a [PathBuf],
    pub kinds: &'a [&'a str],
}

impl Call<'_> {
    fn command(&self, helm: &Path, verb: &str) -> Command {
        let mut command = Command::new(helm);
        command.arg(verb);
        if verb == "template" {
            command.arg(self.name);
        }
        command
            .arg(tree::root().join("deploy/charts").join(self.chart))
            .args(["--namespace", self.namespace, "--kube-version", KUBERNETES]);
        for file in self.files {
            command.arg("--values").arg(file);
        }
        if verb == "template" {
            for kind in self.kinds {
                command.args(["--api-versions", kind]);
            }
        }
        command
    }

    fn run(&self, helm: &Path, verb: &str) -> Result<String, String> {
        let output = self
            .command(helm, verb)
            .output()
            .map_err(|error| error.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stdout) + &text(&output.stderr))
        }
    }

    /// What `helm lint` has against it.
    pub fn lint(&self, helm: &Path) -> Result<String, String> {
        self.run(helm, "lint")
    }

    /// The documents, in the order in which Helm gives them.
    pub fn template(&self, helm: &Path) -> Result<Vec<Value>, String> {
        let text = self.run(helm, "template")?;
        let all: Vec<Value> =
            serde_saphyr::from_multiple(&text).map_err(|error| format!("{error}\n{text}"))?;
        Ok(all
            .into_iter()
            .filter(|document| !document.is_null())
            .collect())
    }
}

/// Writes values into a file of a folder.
pub fn values(folder: &Path, name: &str, values: &Value) -> PathBuf {
    let path = folder.join(format!("{name}.yaml"));
    std::fs::write(&path, values.to_string()).expect("a file of values");
    path
}

/// Kind and name of a document.
pub fn title(document: &Value) -> String {
    let text = |pointer: &str| {
        document
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
    };
    format!("{} {}", text("/kind"), text("/metadata/name"))
}

/// The documents of a kind.
pub fn of<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents
        .iter()
        .filter(|document| document["kind"] == kind)
        .collect()
}
