//! The files of the tree, without what is built or downloaded.

use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours, by their path from the root or by name.
const NOT_OURS: [&str; 5] = [".git", "target", "data", "node_modules", "public/pkg"];

/// A text file of the tree.
pub struct File {
    /// Path from the root, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|end| end == "rs")
    }
}

/// The root of the tree.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Every text file, in the order of the paths.
pub fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(files.len() > 100, "only {} files were found", files.len());
    files
}

/// Every Rust file.
pub fn rust() -> Vec<File> {
    files().into_iter().filter(File::is_rust).collect()
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the tree can be read") {
        let entry = entry.expect("its entries too");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if NOT_OURS.contains(&path.as_str()) || NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type().expect("the kind of an entry").is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
            files.push(File { path, text });
        }
    }
}
