//! The islands bundle: the crate `client` compiled to WebAssembly, made loadable by wasm-bindgen,
//! made small by wasm-opt where npm is at hand. Cargo decides whether the module has to be
//! compiled again; the later steps run only when the module's bytes have changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{folder, wasm};
use crate::failure::{Failure, Result, Told};
use crate::{npm, process, report, workspace};

/// What wasm-opt may use: exactly what the compiler emits by default, so that the bundle runs
/// wherever the compiler's own output would.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-call-indirect-overlong",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

pub enum Outcome {
    /// Names of the two files in `public/pkg`.
    Bundled {
        js: String,
        wasm: String,
    },
    NoToolchain(String),
}

/// Builds the bundle, or says why there is no compiler for it.
pub fn build() -> Result<Outcome> {
    let toolchain = match wasm::find()? {
        Ok(toolchain) => toolchain,
        Err(reason) => return Ok(Outcome::NoToolchain(reason)),
    };
    let module = report::step("islands, compiled to WebAssembly", || {
        let mut cargo = toolchain.cargo_build();
        cargo.args(["--package", "client", "--profile", "islands"]);
        process::run("cargo build of the islands", &mut cargo)?;
        Ok(workspace::target()
            .join(wasm::TARGET)
            .join("islands/client.wasm"))
    })?;
    let optimiser = optimiser()?;
    let stamp = json!({
        "module": workspace::digest(&workspace::read(&module)?),
        "bundler": workspace::digest(&workspace::read(&workspace::root().join("Cargo.lock"))?),
        "optimised": optimiser.is_some(),
    });
    if let Some(outcome) = remembered(&stamp) {
        return Ok(outcome);
    }
    report::step("islands, bundled for the browser", || {
        bundle(&module, optimiser, &stamp)
    })
}

/// Where the last bundle and what it was made from are written down.
fn record() -> PathBuf {
    workspace::target().join("islands-bundle.json")
}

/// The files of the last bundle, if it was made from the same module in the same way.
fn remembered(stamp: &Value) -> Option<Outcome> {
    let record: Value = serde_json::from_slice(&std::fs::read(record()).ok()?).ok()?;
    let name = |key: &str| record[key].as_str().map(str::to_owned);
    let (js, wasm) = (name("js")?, name("wasm")?);
    let files = [folder().join(&js), folder().join(&wasm)];
    if record["stamp"] != *stamp || !files.iter().all(|file| file.exists()) {
        return None;
    }
    for file in &files {
        super::touch(file);
    }
    Some(Outcome::Bundled { js, wasm })
}

fn bundle(module: &Path, optimiser: Option<PathBuf>, stamp: &Value) -> Result<Outcome> {
    // A folder of this build's own: another build may be under way beside it.
    let told = || "a folder for the bundle could not be made".to_owned();
    let folder = tempfile::tempdir_in(workspace::target()).told(told)?;
    let draft = folder.path();
    let mut cargo = workspace::cargo("run");
    cargo
        .args(["--quiet", "--package", "bundle", "--"])
        .arg(module)
        .arg(draft);
    process::run("wasm-bindgen", &mut cargo)?;
    let plain = draft.join("islands_bg.wasm");
    let small = match optimiser {
        Some(program) => optimise(&program, &plain)?,
        None => plain,
    };
    if draft.join("snippets").exists() {
        return Err(Failure::new(
            "A crate of the islands brings JavaScript files of its own, which the bundle does not \
             carry: call the browser through web-sys instead.",
        ));
    }
    let js = place(
        "islands",
        "js",
        &workspace::read(&draft.join("islands.js"))?,
    )?;
    let wasm = place("islands", "wasm", &workspace::read(&small)?)?;
    let record_text = json!({ "stamp": stamp, "js": js, "wasm": wasm }).to_string();
    workspace::write(&record(), record_text.as_bytes())?;
    Ok(Outcome::Bundled { js, wasm })
}

fn place(stem: &str, end: &str, bytes: &[u8]) -> Result<String> {
    let name = format!("{stem}-{}.{end}", workspace::digest(bytes));
    workspace::write(&folder().join(&name), bytes)?;
    report::note(format!(
        "public/pkg/{name}: {} KiB",
        bytes.len().div_ceil(1024)
    ));
    Ok(name)
}

/// The wasm-opt of the npm package `binaryen`, or None (and a line saying so) without npm.
fn optimiser() -> Result<Option<PathBuf>> {
    if let Some(reason) = npm::missing() {
        report::note(format!(
            "the islands stay larger than need be, without wasm-opt: {reason}"
        ));
        return Ok(None);
    }
    let home = workspace::root().join("xtask/bundle");
    npm::install(&home)?;
    Ok(Some(home.join("node_modules/.bin/wasm-opt")))
}

fn optimise(program: &Path, plain: &Path) -> Result<PathBuf> {
    let small = plain.with_file_name("islands_small.wasm");
    let mut command = workspace::clean(program);
    command
        .args(["-Oz"])
        .args(FEATURES)
        .arg(plain)
        .arg("-o")
        .arg(&small);
    match process::start("wasm-opt", &mut command)?.wait(Duration::from_mins(10))? {
        process::Ended::By(status) if status.success() => Ok(small),
        process::Ended::By(status) => Err(Failure::new(process::said("wasm-opt", status))),
        process::Ended::OutOfTime => Err(Failure::new("wasm-opt did not end within ten minutes.")),
    }
}
