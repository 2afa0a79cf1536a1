//! Building the programs from their locked modules, each once: what is built lies under the digest of
//! all it is made from, and is found there the next time. One program after the other, since a build
//! takes both cores and most of what it compiles is shared with the next.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Result, Told};
use crate::{process, report, workspace};

use super::programs::{DEFINITIONS, PROGRAMS, Program};

/// The folders with everything that was built.
pub struct Programs {
    /// One file per program, by name.
    pub folder: PathBuf,
    /// Definitions of custom resources.
    pub definitions: PathBuf,
}

/// The folder of the modules.
pub fn modules() -> PathBuf {
    workspace::root().join("tests/cluster")
}

fn store() -> PathBuf {
    workspace::target().join("cluster-bin")
}

/// Builds what is not there yet.
pub fn build() -> Result<Programs> {
    let version = process::ask(Command::new("go").arg("version"))
        .ok_or_else(|| Failure::new("Go does not answer to `go version`."))?;
    let mut keys = String::new();
    let mut built = Vec::new();
    for program in PROGRAMS {
        let key = key(program, &version)?;
        let file = store().join(format!("{}-{key}", program.name));
        if !file.is_file() {
            report::step(&format!("cluster: {}", program.name), || {
                compile(program, &file)
            })?;
        }
        keys.push_str(&key);
        built.push((program.name, file));
    }
    for name in ["go.mod", "go.sum"] {
        let lock = workspace::read(&modules().join("definitions").join(name))?;
        keys.push_str(&workspace::digest(&lock));
    }
    let folder = store().join(workspace::digest(keys.as_bytes()));
    let definitions = folder.join("definitions");
    if !folder.is_dir() {
        gather(&folder, &built)?;
    }
    Ok(Programs {
        folder,
        definitions,
    })
}

/// What a program is made from, as one digest.
fn key(program: &Program, version: &str) -> Result<String> {
    let module = modules().join(program.module);
    let mut made_from = format!("{version}\n{}\n{:?}\n", program.package, program.set).into_bytes();
    let sources = match program.package.strip_prefix('.') {
        Some(folder) => sources(&module.join(folder.trim_start_matches('/')))?,
        // A published package: the lock file says all.
        None => Vec::new(),
    };
    let locks = ["go.mod", "go.sum"].map(|name| module.join(name));
    for path in locks.iter().chain(&sources) {
        made_from.extend(path.to_string_lossy().as_bytes());
        made_from.extend(workspace::read(path)?);
    }
    Ok(workspace::digest(&made_from))
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let told = || format!("{} could not be read", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).told(told)? {
        let path = entry.told(told)?.path();
        if path.extension().is_some_and(|end| end == "go") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn go(module: &Path) -> Command {
    let mut go = workspace::clean("go");
    go.current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly");
    go
}

fn compile(program: &Program, file: &Path) -> Result {
    workspace::create_folder(&store())?;
    let mut flags = "-s -w".to_owned();
    for set in program.set {
        flags.push_str(" -X ");
        flags.push_str(set);
    }
    let draft = file.with_extension("draft");
    let mut go = go(&modules().join(program.module));
    go.args(["build", "-p", "2", "-trimpath", "-buildvcs=false"]);
    go.args(["-ldflags", &flags, "-o"])
        .arg(&draft)
        .arg(program.package);
    process::run(&format!("go build of {}", program.name), &mut go)?;
    std::fs::rename(&draft, file).told(|| format!("{} could not be written", file.display()))
}

/// Puts everything that one cluster is made of into a folder of its own.
fn gather(folder: &Path, built: &[(&str, PathBuf)]) -> Result {
    let told = || format!("{} could not be made", folder.display());
    let draft = folder.with_extension("draft");
    // What an interrupted run left behind.
    let _ = std::fs::remove_dir_all(&draft);
    workspace::create_folder(&draft.join("definitions"))?;
    for (name, file) in built {
        std::os::unix::fs::symlink(file, draft.join(name)).told(told)?;
    }
    for (module, files) in DEFINITIONS {
        let source = published(module)?;
        for file in *files {
            let name = format!("{module}/{file}").replace('/', "_");
            let text = workspace::read(&source.join(file))?;
            workspace::write(&draft.join("definitions").join(name), &text)?;
        }
    }
    std::fs::rename(&draft, folder).told(told)
}

/// The folder in which Go keeps a module, downloaded when it is not there and held to the lock file.
fn published(module: &str) -> Result<PathBuf> {
    let mut command = go(&modules().join("definitions"));
    command.args(["mod", "download", "-json", module]);
    let answer = process::ask(&mut command)
        .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
        .ok_or_else(|| Failure::new(format!("The module {module} could not be downloaded.")))?;
    let folder = answer["Dir"].as_str().unwrap_or_default();
    Ok(PathBuf::from(folder))
}
