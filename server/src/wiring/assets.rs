//! Where the stylesheet and the scripts lie. A program that finds none still serves every page, only
//! plainer; it says so once.

use std::path::{Path, PathBuf};

use app::context::Assets;
use serde_json::Value;

use crate::config::Server;

/// The folder of static files: the configured one, else the first of the usual places that is there.
#[must_use]
pub fn folder(server: &Server) -> PathBuf {
    if let Some(folder) = &server.public_dir {
        return folder.clone();
    }
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    // A build in a working tree lies two folders below it.
    let above = beside.and_then(Path::parent).and_then(Path::parent);
    [Some(Path::new(".")), beside, above]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("public"))
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| PathBuf::from("public"))
}

/// The names of the built files, as the build wrote them to `pkg/manifest.json`.
#[must_use]
pub fn read(folder: &Path) -> Assets {
    let path = folder.join("pkg/manifest.json");
    let names = std::fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let Some(names) = names else {
        tracing::warn!(
            "There is no {}: pages are served without a stylesheet. `cargo xtask assets` makes it.",
            path.display()
        );
        return Assets::default();
    };
    let name = |key: &str| names[key].as_str().map(str::to_owned);
    Assets {
        style: name("style"),
        client_js: name("client_js"),
        client_wasm: name("client_wasm"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_built_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), Assets::default());
        std::fs::create_dir(folder.path().join("pkg")).unwrap();
        std::fs::write(
            folder.path().join("pkg/manifest.json"),
            r#"{"style": "style-1.css"}"#,
        )
        .unwrap();
        let assets = read(folder.path());
        assert_eq!(assets.style.as_deref(), Some("style-1.css"));
        assert_eq!(assets.client_js, None);
    }
}
