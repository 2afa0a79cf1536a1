//! Every page from samples, as files to look at: `cargo run -p app --features samples --example
//! gallery -- FOLDER` writes one HTML file per page and state, with the stylesheet beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("Name the folder to write the pages to: gallery FOLDER");
        return ExitCode::from(2);
    };
    match write(&folder) {
        Ok(pages) => {
            println!("{pages} pages are in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!(
                "The pages could not be written to {}: {error}",
                folder.display()
            );
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> std::io::Result<usize> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("style.css"), stylesheet()?)?;
    let pages = app::samples::pages();
    for sample in &pages {
        // Addresses of a page begin at the root; the files lie in a folder.
        let html = sample.html.replace("href=\"/pkg/", "href=\"");
        fs::write(folder.join(format!("{}.html", sample.name)), html)?;
    }
    Ok(pages.len())
}

fn stylesheet() -> std::io::Result<String> {
    let style = Path::new(env!("CARGO_MANIFEST_DIR")).join("../style");
    let order = fs::read_to_string(style.join("order.txt"))?;
    let sheets = order
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    sheets
        .map(|name| fs::read_to_string(style.join(name)))
        .collect()
}
