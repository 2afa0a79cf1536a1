//! The stylesheet: plain CSS files of `style/`, joined in the order of `style/order.txt`. Browsers
//! understand nesting and custom properties, so nothing is compiled; the server compresses it.
//!
//! Invariant: every file of the folder is named in the order, and the other way round, so that a
//! forgotten file is noticed at once.

use std::path::Path;

use super::folder;
use crate::failure::{Failure, Result, Told};
use crate::workspace;

/// Gives the name of the built stylesheet, or None while there is none to build.
pub fn build() -> Result<Option<String>> {
    let source = workspace::root().join("style");
    if !source.join("order.txt").exists() {
        return Ok(None);
    }
    let text = join(&source)?;
    let name = format!("style-{}.css", workspace::digest(text.as_bytes()));
    let path = folder().join(&name);
    if path.exists() {
        super::touch(&path);
    } else {
        workspace::write(&path, text.as_bytes())?;
    }
    Ok(Some(name))
}

fn join(source: &Path) -> Result<String> {
    let order = source.join("order.txt");
    let order = String::from_utf8_lossy(&workspace::read(&order)?).into_owned();
    let named: Vec<&str> = order
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    for name in sheets(source)? {
        if !named.contains(&name.as_str()) {
            return Err(Failure::new(format!(
                "style/{name} is not named in style/order.txt: add it where it belongs."
            )));
        }
    }
    let mut text = String::new();
    for name in named {
        text.push_str(String::from_utf8_lossy(&workspace::read(&source.join(name))?).trim_end());
        text.push('\n');
    }
    Ok(text)
}

fn sheets(source: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(source).told(|| "style/ could not be read".to_owned())?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_sheet = |name: &String| Path::new(name).extension().is_some_and(|end| end == "css");
    Ok(names.filter(is_sheet).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        folder
    }

    #[test]
    fn sheets_are_joined_in_the_written_order() {
        let folder = folder_with(&[
            ("order.txt", "# first the tokens\nb.css\n\na.css\n"),
            ("a.css", "a {}\n\n"),
            ("b.css", "b {}"),
        ]);
        assert_eq!(join(folder.path()).expect("the sheet"), "b {}\na {}\n");
    }

    #[test]
    fn a_sheet_outside_the_order_is_named() {
        let folder = folder_with(&[("order.txt", "a.css\n"), ("a.css", ""), ("lost.css", "")]);
        let failure = join(folder.path()).expect_err("lost.css is not in the order");
        assert!(failure.to_string().contains("style/lost.css"), "{failure}");
    }

    #[test]
    fn a_named_sheet_that_is_missing_is_named() {
        let folder = folder_with(&[("order.txt", "gone.css\n")]);
        let failure = join(folder.path()).expect_err("gone.css is missing");
        assert!(failure.to_string().contains("gone.css"), "{failure}");
    }
}
