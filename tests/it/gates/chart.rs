//! The chart and the catalogue agree: every release has its file, the file names the images of the
//! catalogue, and what results is allowed by the chart's own schema.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tree;

fn read(path: &str) -> String {
    let path = tree::root().join("deploy").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn catalogue() -> Vec<model::release::Release> {
    #[derive(serde::Deserialize)]
    struct Catalogue {
        release: Vec<model::release::Release>,
    }
    let catalogue: Catalogue = toml::from_str(&read("releases.toml")).expect("the catalogue");
    assert!(!catalogue.release.is_empty());
    catalogue.release
}

/// Puts `over` on top of `under`, as Helm does with value files.
fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[test]
fn every_release_names_the_images_of_the_catalogue() {
    for release in catalogue() {
        let file = yaml(&format!(
            "charts/prism-instance/releases/{}.yaml",
            release.version
        ));
        assert_eq!(
            file["release"]["version"],
            json!(release.version.to_string())
        );
        let images: BTreeMap<&str, &str> = [
            ("agent", "agent"),
            ("enterprise-agent", "enterpriseAgent"),
            ("registry-node", "registryNode"),
        ]
        .map(|(component, key)| (component, file["images"][key].as_str().unwrap_or("")))
        .into();
        for (component, image) in images {
            let wished = release.images.get(component).map(String::as_str);
            assert_eq!(wished, Some(image), "{} {component}", release.version);
        }
    }
}

#[test]
fn id_host_and_release_are_all_that_an_instance_needs() {
    let schema: Value =
        serde_json::from_str(&read("charts/prism-instance/values.schema.json")).expect("a schema");
    let schema = jsonschema::validator_for(&schema).expect("a schema that can be used");
    for release in catalogue() {
        let mut values = yaml("charts/prism-instance/values.yaml");
        merge(
            &mut values,
            &yaml(&format!(
                "charts/prism-instance/releases/{}.yaml",
                release.version
            )),
        );
        merge(
            &mut values,
            &json!({"instance": {"id": "k7mq2x9dr4ht", "host": "k7mq2x9dr4ht.eu.example.org"}}),
        );
        let wrong: Vec<String> = schema.iter_errors(&values).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", release.version);
        values["agent"]["replica"] = json!(2);
        assert!(!schema.is_valid(&values), "a misspelt value is refused");
    }
}
