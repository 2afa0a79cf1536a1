//! The chart of this product: what it renders is valid, its servers are as the program needs them, its
//! configuration is one the program knows, and the rights it grants are those the program uses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::super::tree;
use super::cases::switches;
use super::helm::{Call, helm, of, title, values};
use super::{kinds, merge, pods, read};

const NAMESPACE: &str = "hosted-instances";

/// What it needs in any case.
fn needed() -> Value {
    json!({"publicUrl": "https://instances.example.org", "image": {"repository": "registry.example/control-plane"}})
}

fn render(name: &str, given: &Value) -> Result<Vec<Value>, String> {
    let Some(helm) = helm() else {
        return Ok(Vec::new());
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = values(folder.path(), name, given);
    let call = Call {
        chart: "control-plane",
        name: "control-plane",
        namespace: NAMESPACE,
        files: &[file],
        kinds: &[
            "monitoring.coreos.com/v1",
            "monitoring.coreos.com/v1/ServiceMonitor",
        ],
    };
    call.template(helm)
}

fn with(given: &Value) -> Vec<Value> {
    let mut all = needed();
    merge(&mut all, given);
    render("values", &all).unwrap_or_else(|why| panic!("{why}"))
}

/// Every case and what comes of it.
fn rendered() -> &'static [(String, Vec<Value>)] {
    static ALL: OnceLock<Vec<(String, Vec<Value>)>> = OnceLock::new();
    ALL.get_or_init(|| {
        if helm().is_none() {
            return Vec::new();
        }
        let schema: Value = serde_json::from_str(&read("charts/control-plane/values.schema.json"))
            .expect("a schema");
        let mut cases = vec![("defaults".to_owned(), json!({}))];
        switches(&schema, "", &mut cases);
        cases.push((
            "kubeconfigs".to_owned(),
            json!({"clusters": {"kubeconfigSecretName": "files", "kubeconfigFiles": ["eu", "us"]}}),
        ));
        cases.push((
            "a role".to_owned(),
            json!({"serviceAccount": {"role": "arn:aws:iam::123456789012:role/control-plane"}}),
        ));
        cases.push(("settings".to_owned(), settings()));
        cases
            .into_iter()
            .map(|(name, given)| (name, with(&given)))
            .collect()
    })
}

fn settings() -> Value {
    json!({
        "environment": "staging",
        "config": {
            "server": {"listen": "127.0.0.1:1"},
            "mail": {"host": "mail.example.org", "from": "Hosted instances <instances@example.org>", "port": 465},
            "sandbox": {"pace": 0.5},
            "clusters": {"secrets_manager": {"eu-1": {"region": "eu-west-1"}}},
        },
    })
}

#[test]
fn every_document_is_one_that_an_api_server_takes_whole() {
    for (case, documents) in rendered() {
        let mut seen = BTreeSet::new();
        for document in documents {
            let wrong = kinds::wrong_with(document);
            assert!(wrong.is_empty(), "{case}: {}: {wrong:?}", title(document));
            assert!(
                seen.insert(title(document)),
                "{case}: {} is there twice",
                title(document)
            );
            let place = document["metadata"]["namespace"].as_str();
            let elsewhere =
                ["Role", "RoleBinding"].contains(&document["kind"].as_str().unwrap_or(""));
            assert!(
                place.is_none() || elsewhere,
                "{case}: {} is elsewhere",
                title(document)
            );
        }
    }
}

#[test]
fn servers_and_the_migration_pass_pod_security() {
    for (case, documents) in rendered() {
        for document in documents {
            let pod = &document["spec"]["template"]["spec"];
            if pod.is_object() {
                let speaks = document["kind"] == "Deployment" && case != "clusters.inCluster=false";
                let wrong = pods::refusals(pod, speaks);
                assert!(wrong.is_empty(), "{case}: {}: {wrong:?}", title(document));
            }
        }
    }
}

#[test]
fn a_server_is_asked_and_stopped_as_the_program_is() {
    if helm().is_none() {
        return;
    }
    let paths: Value =
        serde_json::from_str(&super::file("docs/openapi.json")).expect("the REST API");
    for (case, documents) in rendered()
        .iter()
        .filter(|(case, _)| case != "enabled=false")
    {
        let deployment = of(documents, "Deployment")[0];
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        for (probe, path) in [
            ("livenessProbe", "/healthz"),
            ("readinessProbe", "/readyz"),
            ("startupProbe", "/healthz"),
        ] {
            assert_eq!(container[probe]["httpGet"]["path"], path, "{case}");
            assert!(
                paths["paths"][path].is_object(),
                "the program has no {path}"
            );
        }
        let config = config(documents);
        let number = |key: &str| config["server"][key].as_integer().expect("seconds");
        let needed = number("stop_delay_seconds") + number("drain_seconds") + 10;
        let grace = pod["terminationGracePeriodSeconds"]
            .as_i64()
            .expect("seconds");
        assert!(grace > needed, "{case}: {grace} s for {needed} s");
        let port = |key: &str, name: &str| {
            let listen = config[key]["listen"].as_str().expect("an address");
            let ports = container["ports"].as_array().expect("ports");
            let port = ports
                .iter()
                .find(|port| port["name"] == name)
                .expect("a port");
            assert_eq!(
                listen,
                format!("0.0.0.0:{}", port["containerPort"]),
                "{case}: {key}"
            );
        };
        port("server", "http");
        port("metrics", "metrics");
        let mounted: Vec<&str> = container["volumeMounts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|it| it["mountPath"].as_str())
            .collect();
        for path in [
            &config["server"]["data_dir"],
            &config["keys"]["server_key_file"],
        ] {
            let path = path.as_str().expect("a path");
            assert!(
                mounted
                    .iter()
                    .any(|mount| path.starts_with(&format!("{mount}/"))),
                "{case}: {path} is not mounted"
            );
        }
        for path in config["clusters"]["kubeconfig_files"]
            .as_array()
            .expect("a list")
        {
            assert!(
                path.as_str()
                    .is_some_and(|path| path.starts_with("/run/kubeconfigs/"))
                    && mounted.contains(&"/run/kubeconfigs")
            );
        }
    }
}

fn config(documents: &[Value]) -> toml::Table {
    let maps = of(documents, "ConfigMap");
    let text = maps[0]["data"]["config.toml"]
        .as_str()
        .expect("a configuration");
    text.parse()
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn every_setting_of_the_configuration_is_one_the_program_knows() {
    let known = super::file("docs/configuration.md");
    for (case, documents) in rendered()
        .iter()
        .filter(|(case, _)| case != "enabled=false")
    {
        for (section, keys) in config(documents) {
            for (key, _) in keys.as_table().expect("a section") {
                let heading = format!("### `{section}.{key}`");
                assert!(
                    known.contains(&heading),
                    "{case}: nobody knows {section}.{key}"
                );
            }
        }
    }
    let Some((_, documents)) = rendered().iter().find(|(case, _)| case == "settings") else {
        return;
    };
    let config = config(documents);
    assert_eq!(
        config["server"]["listen"].as_str(),
        Some("0.0.0.0:8080"),
        "the chart's own wins"
    );
    assert_eq!(config["server"]["environment"].as_str(), Some("staging"));
    assert_eq!(config["mail"]["port"].as_integer(), Some(465));
    assert_eq!(
        config["clusters"]["secrets_manager"]["eu-1"]["region"].as_str(),
        Some("eu-west-1")
    );
}

#[test]
fn no_secret_stands_in_any_document() {
    for (case, documents) in rendered() {
        assert!(of(documents, "Secret").is_empty(), "{case}");
        for document in documents {
            let env = document
                .pointer("/spec/template/spec/containers/0/env")
                .and_then(Value::as_array);
            for variable in env.into_iter().flatten() {
                let name = variable["name"].as_str().unwrap_or("");
                let value = variable["value"].as_str().unwrap_or("");
                let secret = name.contains("PASSWORD") || name.contains("URL");
                assert!(
                    !secret || value.is_empty() || value.contains("$(DATABASE_PASSWORD)"),
                    "{case}: {name}"
                );
            }
        }
    }
}

/// Rules as they can be compared: group, resource and verbs.
fn plain(rules: &Value) -> BTreeSet<(String, String, Vec<String>)> {
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    rules
        .as_array()
        .into_iter()
        .flatten()
        .map(|rule| {
            assert!(rule["resourceNames"].is_null());
            let (groups, resources) = (texts(&rule["apiGroups"]), texts(&rule["resources"]));
            assert_eq!((groups.len(), resources.len()), (1, 1));
            (
                groups[0].clone(),
                resources[0].clone(),
                texts(&rule["verbs"]),
            )
        })
        .collect()
}

/// Every rendering that grants rights.
fn granting() -> impl Iterator<Item = &'static (String, Vec<Value>)> {
    rendered()
        .iter()
        .filter(|(case, _)| case != "rights.create=false")
}

#[test]
fn the_rights_are_those_that_the_program_uses() {
    let printed = hosted_instances::docs::rights();
    let kept = read("charts/control-plane/files/rights.yaml");
    assert!(
        kept.trim_end() == printed.trim_end(),
        "files/rights.yaml is not what the program prints; run `cargo xtask docs`"
    );
    let places = [
        (
            "ClusterRole",
            "hosted-instances",
            "",
            cluster::Scope::Everywhere,
        ),
        (
            "Role",
            "hosted-instances-applications",
            "hosted-instances",
            cluster::Scope::Applications,
        ),
        (
            "Role",
            "hosted-instances-project",
            "argocd",
            cluster::Scope::ArgoCd,
        ),
        (
            "Role",
            "hosted-instances-gateway",
            "ingress-apisix",
            cluster::Scope::Gateway,
        ),
    ];
    for (case, documents) in granting() {
        let mut granted = 0;
        for (kind, name, namespace, scope) in places {
            let role = named(documents, kind, name);
            assert_eq!(
                role["metadata"]["namespace"].as_str().unwrap_or(""),
                namespace,
                "{case}: {name}"
            );
            let texts = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
            let wished: BTreeSet<_> = cluster::rules()
                .into_iter()
                .filter(|rule| rule.scope == scope)
                .map(|rule| {
                    (
                        rule.group.to_owned(),
                        rule.resource.to_owned(),
                        texts(rule.verbs),
                    )
                })
                .collect();
            assert_eq!(plain(&role["rules"]), wished, "{case}: {name}");
            granted += wished.len();
        }
        assert_eq!(granted, cluster::rules().len(), "{case}: every right once");
    }
}

fn named<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let mut found = of(documents, kind).into_iter();
    found
        .find(|it| it["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

#[test]
fn rights_are_bound_to_the_program_and_to_nobody_else() {
    for (case, documents) in granting() {
        let mut all = BTreeMap::from([("Group", "hosted-instances")]);
        if case != "enabled=false" {
            all.insert("ServiceAccount", "hosted-instances");
        }
        for kind in ["ClusterRole", "Role"] {
            for role in of(documents, kind) {
                let name = role["metadata"]["name"].as_str().expect("a name");
                let binding = named(documents, &format!("{kind}Binding"), name);
                let refers =
                    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
                assert_eq!(binding["roleRef"], refers);
                let text = |it: &'static str| {
                    move |subject: &'static Value| subject[it].as_str().unwrap_or("")
                };
                let subjects = binding["subjects"].as_array().into_iter().flatten();
                let subjects: BTreeMap<&str, &str> = subjects
                    .map(|it| (text("kind")(it), text("name")(it)))
                    .collect();
                assert_eq!(subjects, all, "{case}: {name}");
            }
        }
    }
}

#[test]
fn no_right_is_one_that_gives_more_rights_or_reads_secrets() {
    for (case, documents) in granting() {
        let roles = of(documents, "ClusterRole")
            .into_iter()
            .chain(of(documents, "Role"));
        for (_, resource, verbs) in roles.flat_map(|role| plain(&role["rules"])) {
            let has = |any: &[&str]| verbs.iter().any(|verb| any.contains(&verb.as_str()));
            assert!(
                !has(&["*", "escalate", "bind", "impersonate"]),
                "{case}: {resource}: {verbs:?}"
            );
            let reads = resource == "secrets" && has(&["get", "list", "watch"]);
            assert!(resource != "*" && !reads, "{case}: {resource}: {verbs:?}");
        }
    }
}

#[test]
fn a_cluster_that_is_only_managed_gets_rights_and_nothing_else() {
    let Some((_, documents)) = rendered().iter().find(|(case, _)| case == "enabled=false") else {
        return;
    };
    let kinds: BTreeSet<&str> = documents
        .iter()
        .filter_map(|it| it["kind"].as_str())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"])
    );
}

#[test]
fn what_is_missing_is_said_in_words() {
    if helm().is_none() {
        return;
    }
    for (given, says) in [
        (
            json!({"image": {"repository": "a.example/b"}}),
            "publicUrl is what people type",
        ),
        (
            json!({"publicUrl": "https://a.example"}),
            "image.repository names where",
        ),
        (json!({"publicUrl": "https://a.example/path"}), "publicUrl"),
        (json!({"replica": 3}), "replica"),
    ] {
        let why = render("refused", &given).expect_err("a refusal");
        assert!(why.contains(says), "{says}: {why}");
    }
}

#[test]
fn helm_has_nothing_against_it() {
    let Some(helm) = helm() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = values(folder.path(), "needed", &needed());
    let call = Call {
        chart: "control-plane",
        name: "control-plane",
        namespace: NAMESPACE,
        files: &[file],
        kinds: &[],
    };
    let said = call.lint(helm).unwrap_or_else(|why| panic!("{why}"));
    assert!(
        said.contains("0 chart(s) failed") && !said.contains("[WARNING]"),
        "{said}"
    );
    assert!(
        tree::root()
            .join("deploy/charts/control-plane/Chart.yaml")
            .is_file()
    );
}
