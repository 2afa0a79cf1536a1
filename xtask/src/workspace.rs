//! Where things are: the root of the tree, the target folder, and which cargo to call. All paths
//! are absolute, so nothing depends on the folder a person happens to stand in.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::failure::{Result, Told};

/// Our crates whose libraries have unit tests of their own.
pub const LIBRARIES: &[&str] = &[
    "model",
    "store",
    "service",
    "cluster",
    "sandbox",
    "app",
    "hosted-instances",
];

/// The package that holds the integration tests.
pub const TESTS: &str = "tests";

/// The root of the tree.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Where cargo and xtask put what they build.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The cargo that called us, working at the root and held to the lock file.
pub fn cargo(subcommand: &str) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = clean(program);
    command.current_dir(root()).arg(subcommand).arg("--locked");
    command
}

/// A command without the variables that `cargo run` sets for xtask itself: they name xtask's
/// package, and build scripts that read them would be run again for nothing.
pub fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || matches!(text.as_ref(), "CARGO_BIN_NAME" | "CARGO_PRIMARY_PACKAGE")
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The first sixteen hexadecimal digits of the SHA-256 of `bytes`: the content part of the names
/// of built files, and the stamp by which xtask knows that an input has not changed.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).told(|| format!("{} could not be read", path.display()))
}

/// Writes beside the file and renames, so that a reader sees the old text or the new, never half.
pub fn write(path: &Path, bytes: &[u8]) -> Result {
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let told = || format!("{} could not be written", path.display());
    let draft = tempfile::NamedTempFile::new_in(folder).told(told)?;
    std::fs::write(draft.path(), bytes).told(told)?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(draft.path(), readable).told(told)?;
    draft.persist(path).map(drop).told(told)
}

pub fn create_folder(folder: &Path) -> Result {
    std::fs::create_dir_all(folder)
        .told(|| format!("the folder {} could not be made", folder.display()))
}

/// True in a pipeline, where a suite that cannot run is a failure and not a skip.
pub fn in_pipeline() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_beginning_of_the_sha256() {
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea");
    }

    #[test]
    fn writing_replaces_a_file_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/file.txt");
        write(&path, b"one").expect("the first write");
        write(&path, b"two").expect("the second write");
        assert_eq!(read(&path).expect("the file"), b"two");
        let entries = std::fs::read_dir(folder.path().join("deep")).expect("the folder");
        assert_eq!(entries.count(), 1, "no draft is left behind");
    }
}
