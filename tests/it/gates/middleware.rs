//! What a cluster runs before its first instance: every file can be read, every chart is pinned and comes
//! from where the project admits, every value that something else relies on is as it relies on it.

mod agreement;
mod files;
mod schema;
mod values;

use std::collections::BTreeSet;

use files::{applications, declared, documents, exists, filled_in, paths, text, yaml};
use serde_json::{Value, json};

use super::tree;

fn texts(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn project(name: &str) -> Value {
    let found = documents()
        .into_iter()
        .find(|it| it.body["kind"] == "AppProject" && it.body["metadata"]["name"] == name);
    found
        .unwrap_or_else(|| panic!("there is no project {name}"))
        .body["spec"]
        .clone()
}

#[test]
fn every_file_is_yaml_and_no_key_stands_in_it_twice() {
    for path in paths() {
        let read: Result<Vec<Value>, _> = serde_saphyr::from_multiple(&text(&path));
        assert!(read.is_ok(), "{path}: {read:?}");
    }
}

#[test]
fn every_chart_is_pinned_and_admitted() {
    let admitted = project("middleware");
    let (repositories, mut used) = (texts(&admitted["sourceRepos"]), BTreeSet::new());
    let namespaces: Vec<&str> = admitted["destinations"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["namespace"].as_str())
        .collect();
    for (name, application) in applications() {
        let spec = &application["spec"];
        assert_eq!(spec["project"], "middleware", "{name}");
        assert!(
            application["metadata"]["finalizers"].is_null(),
            "{name} would take its kinds along"
        );
        let namespace = spec["destination"]["namespace"]
            .as_str()
            .expect("a namespace");
        assert!(namespaces.contains(&namespace), "{name}: {namespace}");
        for source in spec["sources"].as_array().expect("sources") {
            let from = source["repoURL"].as_str().expect("a repository");
            assert!(
                repositories.contains(&from),
                "{name}: {from} is not admitted"
            );
            used.insert(from.to_owned());
            let revision = source["targetRevision"].as_str().expect("a revision");
            if source["chart"].is_string() {
                let number = revision.strip_prefix('v').unwrap_or(revision);
                let exact = number.split('.').count() == 3
                    && number.split('.').all(|it| it.parse::<u32>().is_ok());
                assert!(exact, "{name}: {revision} is no version");
            } else {
                assert_eq!(revision, "{{ .Values.repository.revision }}", "{name}");
            }
        }
    }
    let idle: Vec<&&str> = repositories
        .iter()
        .filter(|it| !used.contains(**it))
        .collect();
    assert!(idle.is_empty(), "admitted for nothing: {idle:?}");
}

#[test]
fn values_lie_in_three_layers_and_every_layer_belongs_to_a_component() {
    let mut layered = BTreeSet::from(["coredns".to_owned()]);
    for (name, application) in applications() {
        for source in application["spec"]["sources"].as_array().expect("sources") {
            if !source["chart"].is_string() {
                continue;
            }
            let at = |layer: &str| format!("$values/deploy/middleware/values/{layer}/{name}.yaml");
            let wished = [
                at("base"),
                at("purpose-{{ .Values.cluster.purpose }}"),
                at("region-{{ .Values.cluster.region }}"),
            ];
            assert_eq!(texts(&source["helm"]["valueFiles"]), wished, "{name}");
            assert_eq!(source["helm"]["ignoreMissingValueFiles"], true, "{name}");
            assert!(
                exists(&format!("values/base/{name}.yaml")),
                "{name} has no base"
            );
            layered.insert(name.clone());
        }
    }
    for path in paths().iter().filter(|path| path.starts_with("values/")) {
        let name = path
            .rsplit('/')
            .next()
            .and_then(|file| file.strip_suffix(".yaml"))
            .expect("a file");
        assert!(layered.contains(name), "{path} belongs to no component");
    }
    for purpose in model::cluster::Purpose::ALL {
        assert!(exists(&format!("values/purpose-{purpose}")), "{purpose}");
    }
}

#[test]
fn a_layer_says_only_what_the_layer_below_has_a_place_for() {
    for path in paths()
        .iter()
        .filter(|path| path.starts_with("values/") && !path.starts_with("values/base/"))
    {
        let name = path.rsplit('/').next().expect("a file");
        let (mut base, mut layer) = (BTreeSet::new(), BTreeSet::new());
        declared(&yaml(&format!("values/base/{name}")), "", &mut base);
        declared(&yaml(path), "", &mut layer);
        let sections: BTreeSet<&str> = base
            .iter()
            .map(|key| key.split('.').next().expect("a key"))
            .collect();
        for key in layer {
            assert!(
                sections.contains(key.split('.').next().expect("a key")),
                "{path}: {key}"
            );
        }
    }
}

#[test]
fn what_templates_fill_in_is_declared_and_handed_over() {
    let mut facts = BTreeSet::new();
    declared(&yaml("applications/values.yaml"), "", &mut facts);
    assert_eq!(filled_in("applications"), facts, "applications/values.yaml");
    for (name, application) in applications() {
        for source in application["spec"]["sources"].as_array().expect("sources") {
            let Some(path) = source["path"].as_str() else {
                continue;
            };
            let Some(folder) = path.strip_prefix("deploy/middleware/") else {
                continue;
            };
            assert!(exists(&format!("{folder}/Chart.yaml")), "{name}: {folder}");
            let (mut asked, mut given) = (BTreeSet::new(), BTreeSet::new());
            if exists(&format!("{folder}/values.yaml")) {
                declared(&yaml(&format!("{folder}/values.yaml")), "", &mut asked);
            }
            declared(&source["helm"]["valuesObject"], "", &mut given);
            assert_eq!(asked, given, "{name} hands over what {folder} asks for");
            assert_eq!(filled_in(folder), asked, "{folder} uses what it asks for");
        }
    }
}

#[test]
fn the_project_of_instances_is_what_the_check_of_a_cluster_demands() {
    let spec = project("prism-instances");
    assert_eq!(spec["sourceNamespaces"], json!(["hosted-instances"]));
    assert_eq!(
        spec["destinations"],
        json!([{"server": "https://kubernetes.default.svc", "namespace": "prism*"}])
    );
    assert_eq!(spec["clusterResourceWhitelist"], json!([]));
    assert_eq!(
        spec["sourceRepos"],
        json!([
            "{{ .Values.repository.url }}",
            "{{ .Values.overrides.url }}"
        ])
    );
    // What it refuses is nothing that the chart of an instance renders.
    let refused = spec["namespaceResourceBlacklist"]
        .as_array()
        .expect("a list");
    let of_chart: Vec<String> = tree::files()
        .into_iter()
        .filter(|file| {
            file.path
                .starts_with("deploy/charts/prism-instance/templates/")
        })
        .flat_map(|file| file.text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            line.strip_prefix("kind: ")
                .map(|kind| kind.trim().to_owned())
        })
        .collect();
    assert!(of_chart.len() > 5, "{of_chart:?}");
    for one in refused {
        assert!(
            !of_chart.iter().any(|kind| one["kind"] == **kind),
            "{one} is in the chart"
        );
    }
}

#[test]
fn the_control_plane_gets_its_rights_by_the_group_of_its_access_entry() {
    let access = yaml("applications/templates/control-plane-access.yaml");
    let source = &access["spec"]["sources"][0];
    assert_eq!(source["path"], "deploy/charts/control-plane");
    assert_eq!(source["helm"]["valuesObject"], json!({"enabled": false}));
    let chart = tree::root().join("deploy/charts/control-plane/values.yaml");
    let chart = std::fs::read_to_string(chart).expect("the chart of the control plane");
    let chart: Value = serde_saphyr::from_str(&chart).expect("YAML");
    assert_eq!(chart["rights"]["groups"], json!(["hosted-instances"]));
    let cluster = super::terraform::file("modules/cluster/main.tf");
    assert!(cluster.contains("kubernetes_groups = [\"hosted-instances\"]"));
}

#[test]
fn waves_put_kinds_before_what_is_of_them() {
    let wave = |name: &str| -> i32 {
        let application = yaml(&format!("applications/templates/{name}.yaml"));
        let wave = application["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"]
            .as_str()
            .expect("a wave");
        wave.parse().expect("a number")
    };
    for (before, after) in [
        ("cert-manager", "cert-manager-issuers"),
        ("cert-manager", "apisix-etcd"),
        ("prometheus", "apisix-etcd"),
        ("external-secrets", "external-secrets-stores"),
        ("external-secrets-stores", "repositories"),
        ("external-secrets-stores", "apisix"),
        ("external-secrets-stores", "grafana"),
        ("apisix-etcd", "apisix"),
        ("apisix", "apisix-ingress-controller"),
        ("apisix-ingress-controller", "gateway"),
        ("cert-manager-issuers", "gateway"),
        ("teleport", "teleport-apps"),
        ("loki", "alloy"),
    ] {
        assert!(wave(before) < wave(after), "{before} is not before {after}");
    }
}

#[test]
fn every_secret_that_is_read_is_one_that_terraform_makes() {
    let made = super::terraform::file("modules/secrets/main.tf");
    let mut read = BTreeSet::new();
    for document in documents() {
        let body = document.body.to_string();
        for rest in body.split("/shared/").skip(1) {
            read.insert(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '-')
                    .collect::<String>(),
            );
        }
    }
    assert!(read.len() >= 4, "{read:?}");
    for name in read {
        let generated = made.contains(&format!("/shared/{name}\""));
        let by_hand = made.lines().any(|line| {
            line.trim_start().starts_with(&format!("{name} ")) && line.contains(" = \"")
        });
        assert!(generated || by_hand, "nobody makes the entry {name}");
    }
}

#[test]
fn every_role_that_is_named_is_one_that_terraform_makes() {
    let policies = super::terraform::file("modules/policies/main.tf");
    let mut named = BTreeSet::new();
    for path in paths() {
        for rest in text(&path)
            .split(":role/{{ .Values.cluster.name }}-")
            .skip(1)
        {
            named.insert(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '-')
                    .collect::<String>(),
            );
        }
    }
    assert!(named.len() >= 7, "{named:?}");
    for name in named {
        assert!(
            policies
                .lines()
                .any(|line| line.trim_start().starts_with(&format!("{name} = "))),
            "no policy for {name}"
        );
    }
}

#[test]
fn load_balancers_reach_the_ports_that_the_middleware_opens() {
    let ingress = super::terraform::file("modules/ingress/main.tf");
    let gateway = &yaml("values/base/apisix.yaml")["service"]["tls"]["nodePort"];
    assert!(
        ingress.contains(&format!("gateway_port  = {gateway}")),
        "{gateway}"
    );
    let door = documents()
        .into_iter()
        .find(|it| it.body["metadata"]["name"] == "teleport-door")
        .expect("a door");
    let port = &door.body["spec"]["ports"][0]["nodePort"];
    assert!(
        ingress.contains(&format!("teleport_port = {port}")),
        "{port}"
    );
}
