//! The clusters as code, read by a parser: providers are not to be had on every machine, so what `terraform
//! validate` would find is found here: names that are not declared or not used, outputs that are not there,
//! arguments that a module does not take; and what it would not find: stars in policies, secrets in text,
//! stacks that share a state.

mod binary;
mod folder;
mod shape;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use folder::{Folder, all, argument, label};
use hcl::Expression;
use serde_json::Value;

use super::tree;

/// The text of a file of the code.
pub fn file(path: &str) -> String {
    std::fs::read_to_string(folder::root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// What a block gives to those inside it.
const GIVEN: [&str; 5] = ["each", "count", "self", "path", "terraform"];

/// What is wrong with the references of a folder.
fn faults(folder: &Folder, outputs: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let (variables, locals) = (folder.names("variable"), folder.locals());
    let sources = folder.sources();
    let declared: BTreeMap<&str, BTreeSet<String>> = ["resource", "data", "ephemeral"]
        .map(|kind| (kind, folder.addresses(kind)))
        .into();
    let mut wrong = Vec::new();
    for reference in folder.references() {
        let part = |at: usize| reference.get(at).map_or("", String::as_str);
        let address = |at: usize| format!("{}.{}", part(at), part(at + 1));
        let fine = match part(0) {
            "var" => variables.contains(part(1)),
            "local" => locals.contains(part(1)),
            "data" => declared["data"].contains(&address(1)),
            "ephemeral" => declared["ephemeral"].contains(&address(1)),
            "module" => sources.get(part(1)).is_some_and(|from| {
                reference.len() == 2 || outputs.get(from).is_some_and(|all| all.contains(part(2)))
            }),
            first if GIVEN.contains(&first) => true,
            _ => declared["resource"].contains(&address(0)),
        };
        if !fine {
            wrong.push(format!("{}: {}", folder.path, reference.join(".")));
        }
    }
    wrong
}

#[test]
fn everything_that_is_referred_to_is_there() {
    let folders = all();
    let outputs: BTreeMap<String, BTreeSet<String>> = folders
        .iter()
        .map(|folder| (folder.path.clone(), folder.names("output")))
        .collect();
    let wrong: Vec<String> = folders
        .iter()
        .flat_map(|folder| faults(folder, &outputs))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everything_that_is_declared_is_used() {
    let mut unused = Vec::new();
    for folder in all() {
        let references = folder.references();
        let used = |kind: &str, name: &String| {
            references
                .iter()
                .any(|it| it[0] == kind && it.get(1) == Some(name))
        };
        let variables = folder.names("variable");
        let of = |kind: &'static str, names: BTreeSet<String>| {
            names
                .into_iter()
                .filter(|name| !used(kind, name))
                .map(|name| format!("{}: {kind}.{name}", folder.path))
                .collect::<Vec<_>>()
        };
        unused.extend(of("var", variables));
        unused.extend(of("local", folder.locals()));
        let data = folder
            .blocks("data")
            .map(|block| (label(block, 0), label(block, 1)));
        for (kind, name) in data {
            if !references
                .iter()
                .any(|it| it[0] == "data" && it[1] == kind && it[2] == name)
            {
                unused.push(format!("{}: data.{kind}.{name}", folder.path));
            }
        }
    }
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

#[test]
fn modules_are_called_with_what_they_take() {
    let folders: BTreeMap<String, Folder> =
        all().into_iter().map(|it| (it.path.clone(), it)).collect();
    let meta = [
        "source",
        "version",
        "for_each",
        "count",
        "depends_on",
        "providers",
    ];
    let mut wrong = Vec::new();
    for folder in folders.values() {
        let sources = folder.sources();
        for block in folder.blocks("module") {
            let (name, from) = (label(block, 0), &sources[&label(block, 0)]);
            // A path of this tree is as pinned as the tree itself; anything else would need a version.
            let Some(module) = folders.get(from) else {
                wrong.push(format!(
                    "{}: module.{name} comes from outside: {from}",
                    folder.path
                ));
                continue;
            };
            let given: BTreeSet<String> = block
                .body()
                .attributes()
                .map(|one| one.key().to_owned())
                .filter(|key| !meta.contains(&key.as_str()))
                .collect();
            let unknown = given
                .difference(&module.names("variable"))
                .cloned()
                .collect::<Vec<_>>();
            let missing = module
                .required()
                .difference(&given)
                .cloned()
                .collect::<Vec<_>>();
            if !unknown.is_empty() || !missing.is_empty() {
                wrong.push(format!(
                    "{}: module.{name}: unknown {unknown:?}, missing {missing:?}",
                    folder.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_provider_is_named_with_its_source_and_stacks_pin_it() {
    let folders: BTreeMap<String, Folder> =
        all().into_iter().map(|it| (it.path.clone(), it)).collect();
    for folder in folders.values() {
        let (named, used) = (folder.providers(), folder.used_providers());
        for provider in &used {
            assert!(
                named.contains_key(provider),
                "{}: {provider} is not required",
                folder.path
            );
        }
        let stack = folder.path.starts_with("stacks/");
        for (name, (source, version)) in &named {
            assert_eq!(source, &format!("hashicorp/{name}"), "{}", folder.path);
            let exact = version.split('.').count() == 3
                && version.chars().all(|c| c.is_ascii_digit() || c == '.');
            let bounded = version.contains(">=") && version.contains('<');
            assert!(
                if stack { exact } else { bounded },
                "{}: {name} {version}",
                folder.path
            );
        }
        if stack {
            let needed = below(folder, &folders);
            let missing: Vec<&String> = needed
                .iter()
                .filter(|it| !named.contains_key(*it))
                .collect();
            assert!(
                missing.is_empty(),
                "{}: does not pin {missing:?}",
                folder.path
            );
        }
    }
}

/// Providers of a folder and of every module below it.
fn below(folder: &Folder, folders: &BTreeMap<String, Folder>) -> BTreeSet<String> {
    let mut found = folder.used_providers();
    for from in folder.sources().values() {
        found.extend(below(&folders[from], folders));
    }
    found
}

#[test]
fn every_stack_has_a_state_of_its_own() {
    let mut keys = BTreeSet::new();
    for folder in all()
        .into_iter()
        .filter(|it| it.path.starts_with("stacks/"))
    {
        let terraform = folder.blocks("terraform").next().expect("settings");
        let backend = terraform
            .body()
            .blocks()
            .find(|it| it.identifier() == "backend")
            .expect("a backend");
        let text = |key: &str| {
            argument(backend.body(), key)
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        let name = folder.path.trim_start_matches("stacks/");
        assert_eq!(text("key"), format!("\"{name}/terraform.tfstate\""));
        assert_eq!(
            (text("encrypt").as_str(), text("use_lockfile").as_str()),
            ("true", "true"),
            "{name}"
        );
        assert!(keys.insert(text("key")), "{name} shares its state");
    }
    assert!(keys.len() >= 4, "{keys:?}");
}

/// Texts of a list, templates as they stand.
fn texts(expression: Option<&Expression>) -> Vec<String> {
    match expression {
        Some(Expression::Array(items)) => items
            .iter()
            .map(|it| it.to_string().trim_matches('"').to_owned())
            .collect(),
        Some(one) => vec![one.to_string().trim_matches('"').to_owned()],
        None => Vec::new(),
    }
}

#[test]
fn no_policy_allows_a_star() {
    let (mut wrong, mut statements) = (Vec::new(), 0);
    for folder in all() {
        walk::visit(&folder.body, &mut |expression| {
            walk::objects(expression, &mut |pairs| {
                let value = |key: &str| {
                    pairs
                        .iter()
                        .find(|(name, _)| name == key)
                        .map(|(_, it)| *it)
                };
                if value("Effect").is_none() {
                    return;
                }
                statements += 1;
                if texts(value("Effect")) == ["Deny"] {
                    return;
                }
                for action in texts(value("Action")) {
                    if action.contains('*') {
                        wrong.push(format!("{}: {action}", folder.path));
                    }
                    let reads = [":List", ":Describe", ":GetInstanceTypes"]
                        .iter()
                        .any(|it| action.contains(it));
                    if texts(value("Resource")).iter().any(|it| it == "*") && !reads {
                        wrong.push(format!("{}: {action} on everything", folder.path));
                    }
                }
            });
        });
    }
    assert!(statements > 30, "only {statements} statements were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_secret_stands_in_the_code() {
    let named = [
        "password",
        "secret_string",
        "token",
        "access_key",
        "secret_key",
        "private_key",
        "master_password",
    ];
    let mut wrong = Vec::new();
    for folder in all() {
        for structure in folder.body.blocks() {
            for one in structure
                .body()
                .attributes()
                .filter(|one| named.contains(&one.key()))
            {
                wrong.push(format!(
                    "{}: {} {}",
                    folder.path,
                    label(structure, 1),
                    one.key()
                ));
            }
        }
    }
    for file in tree::files()
        .iter()
        .filter(|file| file.path.starts_with("deploy/"))
    {
        for needle in [
            ["AK", "IA"],
            ["-----BE", "GIN"],
            ["edd1c9", "f034335f136f87ad84b625c8f1"],
            ["qeddd145", "sfvddff3"],
        ] {
            if file.text.contains(&needle.concat()) {
                wrong.push(format!("{}: {}…", file.path, needle[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names in an object, at every depth.
fn shape(value: &Value) -> Value {
    match value.as_object() {
        Some(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        None => Value::Null,
    }
}

#[test]
fn terraform_hands_over_exactly_the_facts_that_the_middleware_asks_for() {
    let region = Folder::read("modules/region");
    let bootstrap = region
        .blocks("module")
        .find(|it| label(it, 0) == "bootstrap")
        .expect("bootstrap");
    let facts = argument(bootstrap.body(), "facts").expect("facts");
    let mut facts = serde_json::to_value(hcl::Value::from(facts.clone())).expect("JSON");
    // Handed through whole; their type says what is in them.
    facts["repository"] = serde_json::json!({"url": null, "revision": null});
    facts["overrides"] = serde_json::json!({"url": null});
    facts["oidc"] = serde_json::json!({"issuer": null, "clientId": null});
    let asked =
        std::fs::read_to_string(tree::root().join("deploy/middleware/applications/values.yaml"))
            .expect("values");
    let asked: Value = serde_saphyr::from_str(&asked).expect("YAML");
    assert_eq!(shape(&facts), shape(&asked));
}
