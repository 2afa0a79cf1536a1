//! A folder of Terraform: its blocks, read by a parser, and what is asked of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl::{Block, Body, Expression};

use super::super::tree;
use super::walk::{Reference, references};

/// A folder with `*.tf` files.
pub struct Folder {
    /// From `deploy/terraform`: `modules/network`.
    pub path: String,
    /// All its files as one.
    pub body: Body,
}

/// The root of the code.
pub fn root() -> PathBuf {
    tree::root().join("deploy/terraform")
}

/// Every folder below `modules` and `stacks`.
pub fn all() -> Vec<Folder> {
    let mut folders = Vec::new();
    for kind in ["modules", "stacks"] {
        let mut names: Vec<String> = std::fs::read_dir(root().join(kind))
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        folders.extend(
            names
                .iter()
                .map(|name| Folder::read(&format!("{kind}/{name}"))),
        );
    }
    assert!(folders.len() > 12, "only {} folders", folders.len());
    folders
}

impl Folder {
    /// Reads one.
    pub fn read(path: &str) -> Self {
        let mut body = Vec::new();
        for entry in
            std::fs::read_dir(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
        {
            let file = entry.expect("an entry").path();
            if file.extension().is_some_and(|end| end == "tf") {
                let text = std::fs::read_to_string(&file).expect("a file");
                let parsed =
                    hcl::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
                body.extend(parsed.into_inner());
            }
        }
        Self {
            path: path.to_owned(),
            body: Body(body),
        }
    }

    /// Blocks of a kind.
    pub fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.body
            .blocks()
            .filter(move |block| block.identifier() == kind)
    }

    /// First labels of the blocks of a kind: variables, outputs, modules, providers.
    pub fn names(&self, kind: &str) -> BTreeSet<String> {
        self.blocks(kind).map(|block| label(block, 0)).collect()
    }

    /// Names of its locals.
    pub fn locals(&self) -> BTreeSet<String> {
        let bodies = self.blocks("locals").map(Block::body);
        bodies
            .flat_map(Body::attributes)
            .map(|one| one.key().to_owned())
            .collect()
    }

    /// `type.name` of the blocks of a kind.
    pub fn addresses(&self, kind: &str) -> BTreeSet<String> {
        self.blocks(kind)
            .map(|block| format!("{}.{}", label(block, 0), label(block, 1)))
            .collect()
    }

    /// Variables without a default.
    pub fn required(&self) -> BTreeSet<String> {
        let without = self
            .blocks("variable")
            .filter(|block| argument(block.body(), "default").is_none());
        without.map(|block| label(block, 0)).collect()
    }

    /// Where each module that it calls comes from, by the name it has here: a path from the root.
    pub fn sources(&self) -> BTreeMap<String, String> {
        self.blocks("module")
            .map(|block| {
                let Some(Expression::String(source)) = argument(block.body(), "source") else {
                    panic!("{}: module {} has no source", self.path, label(block, 0));
                };
                let at = Path::new(&self.path).join(source);
                (label(block, 0), tidy(&at))
            })
            .collect()
    }

    /// Everything that is referred to.
    pub fn references(&self) -> Vec<Reference> {
        references(&self.body)
    }

    /// What `required_providers` says: name, source and version.
    pub fn providers(&self) -> BTreeMap<String, (String, String)> {
        let mut found = BTreeMap::new();
        for block in self.blocks("terraform") {
            for inner in block
                .body()
                .blocks()
                .filter(|inner| inner.identifier() == "required_providers")
            {
                for provider in inner.body().attributes() {
                    let value: serde_json::Value =
                        serde_json::to_value(hcl::Value::from(provider.expr().clone()))
                            .expect("a value");
                    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                    found.insert(provider.key().to_owned(), (text("source"), text("version")));
                }
            }
        }
        found
    }

    /// Names of the providers that its own resources need.
    pub fn used_providers(&self) -> BTreeSet<String> {
        ["resource", "data", "ephemeral"]
            .into_iter()
            .flat_map(|kind| self.blocks(kind))
            .map(|block| label(block, 0))
            .filter(|kind| !kind.starts_with("terraform_"))
            .map(|kind| kind.split('_').next().unwrap_or_default().to_owned())
            .collect()
    }
}

/// A label of a block, counted from 0.
pub fn label(block: &Block, at: usize) -> String {
    block
        .labels()
        .get(at)
        .map(|label| label.as_str().to_owned())
        .unwrap_or_default()
}

/// An argument of a body.
pub fn argument<'a>(body: &'a Body, key: &str) -> Option<&'a Expression> {
    body.attributes()
        .find(|one| one.key() == key)
        .map(hcl::Attribute::expr)
}

/// A path without `..`.
fn tidy(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.iter().map(|part| part.to_string_lossy().into_owned()) {
        match part.as_str() {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}
