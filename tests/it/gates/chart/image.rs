//! The image, checked without an engine that builds one: what it copies is there, what the program reads at
//! build time is copied, its bases are pinned, it ends as somebody who is not root, and its ports are the
//! chart's.

use std::path::{Component, Path, PathBuf};

use super::super::tree;
use super::read;

/// An instruction: its word and what follows, with continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let text = read("Dockerfile").replace("\\\n", " ");
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (word, rest) = line.split_once(' ').expect("an instruction has arguments");
            (
                word.to_uppercase(),
                rest.split_whitespace().collect::<Vec<_>>().join(" "),
            )
        })
        .collect()
}

fn of(word: &str) -> Vec<String> {
    let all = instructions().into_iter();
    all.filter(|(it, _)| it == word)
        .map(|(_, rest)| rest)
        .collect()
}

/// What is copied from the tree.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    for copy in of("COPY")
        .iter()
        .filter(|copy| !copy.starts_with("--from="))
    {
        let mut words: Vec<&str> = copy.split(' ').collect();
        words.pop();
        found.extend(words.into_iter().map(str::to_owned));
    }
    found
}

#[test]
fn what_is_copied_is_there_and_is_not_left_out() {
    let sources = sources();
    assert!(sources.len() > 8, "{sources:?}");
    let ignored = read("Dockerfile.dockerignore");
    for source in &sources {
        assert!(
            tree::root().join(source).exists(),
            "{source} is not in the tree"
        );
        assert!(
            !ignored.lines().any(|line| line == source),
            "{source} is copied and left out"
        );
    }
    let stages: Vec<String> = of("FROM")
        .iter()
        .filter_map(|from| Some(from.split_once(" AS ")?.1.to_owned()))
        .collect();
    for copy in of("COPY")
        .iter()
        .filter_map(|copy| copy.strip_prefix("--from="))
    {
        let stage = copy.split(' ').next().unwrap_or("");
        assert!(
            stages.iter().any(|it| it == stage),
            "there is no stage {stage}"
        );
    }
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
        plain
    })
}

#[test]
fn what_the_program_reads_while_it_is_built_is_copied() {
    let sources = sources();
    let copied = |path: &Path| sources.iter().any(|source| path.starts_with(source));
    let mut found = 0;
    for file in tree::rust()
        .iter()
        .filter(|file| file.path.starts_with("server/") || file.path.starts_with("app/"))
    {
        for (_, rest) in file
            .text
            .split("include_str!")
            .skip(1)
            .filter_map(|rest| rest.split_once('"'))
        {
            let named = rest.split('"').next().unwrap_or("");
            let path = plain(
                &Path::new(&file.path)
                    .parent()
                    .expect("a folder")
                    .join(named),
            );
            if tree::root().join(&path).is_file() {
                found += 1;
                assert!(
                    copied(&path),
                    "{}: {} is not copied",
                    file.path,
                    path.display()
                );
            }
        }
    }
    assert!(found >= 2, "only {found} files are read");
    let manifest: toml::Table = std::fs::read_to_string(tree::root().join("Cargo.toml"))
        .expect("a manifest")
        .parse()
        .expect("TOML");
    for member in manifest["workspace"]["members"]
        .as_array()
        .expect("members")
    {
        let member = member.as_str().expect("a path");
        assert!(copied(Path::new(member)), "the room {member} is not copied");
    }
}

#[test]
fn bases_are_pinned_and_the_last_one_is_not_roots() {
    let bases = of("FROM");
    assert_eq!(bases.len(), 2, "one stage builds, one is shipped");
    for base in &bases {
        let image = base.split(' ').next().unwrap_or("");
        let tag = image.split_once(':').expect("a tag").1;
        let numbers = tag
            .split('-')
            .next()
            .unwrap_or("")
            .split('.')
            .filter(|part| part.parse::<u32>().is_ok())
            .count();
        assert!(numbers >= 2, "{image} is not pinned");
    }
    let all = instructions();
    let last = all
        .iter()
        .rposition(|(word, _)| word == "FROM")
        .expect("a stage");
    let shipped = &all[last..];
    let user = shipped
        .iter()
        .rfind(|(word, _)| word == "USER")
        .map(|(_, user)| user.as_str());
    let user = user.expect("a user").split(':').next().unwrap_or("");
    assert!(
        user.parse::<u32>().is_ok_and(|user| user > 0),
        "the user is {user}"
    );
    assert!(
        !shipped
            .iter()
            .any(|(word, _)| word == "RUN" || word == "ADD"),
        "nothing is made in the image that is shipped"
    );
    let rust = &super::file("Cargo.toml");
    let version = rust
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .expect("a version")
        .trim_matches('"');
    assert!(
        bases[0].starts_with(&format!("rust:{version}.")),
        "the compiler is not the workspace's"
    );
}

#[test]
fn ports_user_and_paths_are_the_charts() {
    let chart = read("charts/control-plane/templates/deployment.yaml");
    let ports: Vec<&str> = chart
        .split("containerPort: ")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap_or(""))
        .collect();
    assert_eq!(of("EXPOSE"), [ports.join(" ")]);
    let helpers = read("charts/control-plane/templates/_helpers.tpl");
    let user = of("USER")[0].split(':').next().unwrap_or("").to_owned();
    assert!(helpers.contains(&format!("runAsUser: {user}\n")));
    let folder = of("ENV")[0].split_once('=').expect("a value").1.to_owned();
    assert!(
        read("charts/control-plane/templates/config.yaml")
            .contains(&format!("\"public_dir\" \"{folder}\""))
    );
    assert_eq!(of("ENTRYPOINT"), [r#"["/usr/local/bin/hosted-instances"]"#]);
}
