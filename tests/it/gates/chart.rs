//! The charts. Here: the instance chart and the catalogue agree, every release has its file, the file names
//! the images of the catalogue, and the schema describes every value with its default. Below: what Helm makes
//! of the charts.

mod cases;
mod control_plane;
mod gateway;
mod helm;
mod image;
mod instance;
mod kinds;
mod overrides;
mod pods;
mod twin;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tree;

fn file(path: &str) -> String {
    let path = tree::root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn read(path: &str) -> String {
    file(&format!("deploy/{path}"))
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

/// Every value in dotted form, with maps that stay open taken as one.
fn leaves(value: &Value, schema: &Value, path: &str, into: &mut BTreeMap<String, (Value, Value)>) {
    for (key, below) in value.as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let described = &schema["properties"][key];
        if below.is_object() && described["properties"].is_object() {
            assert!(
                described["description"].is_string(),
                "{path} is not described"
            );
            leaves(below, described, &path, into);
        } else {
            into.insert(path, (below.clone(), described.clone()));
        }
    }
}

fn described(schema: &Value, path: &str, into: &mut Vec<String>) {
    for (key, below) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        if below["properties"].is_object() {
            described(below, &path, into);
        } else {
            into.push(path);
        }
    }
}

#[test]
fn the_schema_describes_every_value_with_its_default() {
    for chart in ["prism-instance", "control-plane"] {
        let schema: Value =
            serde_json::from_str(&read(&format!("charts/{chart}/values.schema.json")))
                .expect("a schema");
        let mut all = BTreeMap::new();
        leaves(
            &yaml(&format!("charts/{chart}/values.yaml")),
            &schema,
            "",
            &mut all,
        );
        assert!(all.len() > 20, "{chart}: {}", all.len());
        for (path, (value, said)) in &all {
            assert!(
                said["description"].is_string(),
                "{chart}: {path} is not described"
            );
            if *value != json!("") {
                assert_eq!(said["default"], *value, "{chart}: the default of {path}");
            }
        }
        let mut known = Vec::new();
        described(&schema, "", &mut known);
        let without: Vec<&String> = known
            .iter()
            .filter(|path| !all.contains_key(*path) && *path != ".global")
            .collect();
        assert!(
            without.is_empty(),
            "{chart}: without a default: {without:?}"
        );
    }
}

#[test]
fn no_override_can_set_what_the_chart_sets_itself() {
    let schema: Value =
        serde_json::from_str(&read("charts/prism-instance/values.schema.json")).expect("a schema");
    let schema = jsonschema::validator_for(&schema).expect("a schema that can be used");
    for it in cases::rendered() {
        for deployment in helm::of(&it.documents, "Deployment") {
            let component = match deployment["metadata"]["name"].as_str() {
                Some("cloud-agent") => "agent",
                Some("cloud-agent-enterprise") => "enterpriseAgent",
                _ => "registryNode",
            };
            let env = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
            for variable in env.as_array().expect("an environment") {
                let name = variable["name"].as_str().expect("a name");
                // What the case itself has set is meant to be set.
                if it.case == "environment"
                    && matches!(
                        name,
                        "AGENT_LOG_LEVEL"
                            | "DEFAULT_WALLET_WEBHOOK_URL"
                            | "DEFAULT_WALLET_WEBHOOK_API_KEY"
                    )
                {
                    continue;
                }
                let values = json!({"instance": {"id": cases::ID, "host": "h.example.org"},
                    "release": {"version": "2.2.0"}, "images": {}, component: {"env": {name: "x"}}});
                assert!(
                    !schema.is_valid(&values),
                    "{component}.env.{name} can be overridden"
                );
            }
        }
    }
}
