//! What the charts and the program take for granted of a cluster is what the middleware makes.

use std::collections::BTreeSet;

use model::cluster::Replicas;
use serde_json::Value;

use super::super::tree;
use super::files::{applications, documents, yaml};

fn chart(name: &str) -> Value {
    let path = tree::root().join(format!("deploy/charts/{name}/values.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{name}: {why}"));
    serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"))
}

fn namespace_of(application: &str) -> Value {
    yaml(&format!("applications/templates/{application}.yaml"))["spec"]["destination"]["namespace"]
        .clone()
}

/// Names of the objects of a kind that the middleware brings.
fn names(kind: &str) -> BTreeSet<String> {
    let found: BTreeSet<String> = documents()
        .iter()
        .filter(|it| it.body["kind"] == kind)
        .map(|it| {
            it.body["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned()
        })
        .collect();
    assert!(!found.is_empty(), "there is no {kind}");
    found
}

fn text<'a>(values: &'a Value, pointer: &str) -> &'a str {
    let found = values.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("the chart has no {pointer}"))
}

#[test]
fn an_instance_finds_the_namespaces_that_its_policies_name() {
    let instance = chart("prism-instance");
    assert_eq!(
        text(&instance, "/gateway/namespace"),
        namespace_of("apisix")
    );
    assert_eq!(
        text(&instance, "/monitoring/namespace"),
        namespace_of("prometheus")
    );
    let isolation = tree::root().join("deploy/charts/prism-instance/templates/isolation.yaml");
    let isolation = std::fs::read_to_string(isolation).expect("its policies");
    let operator = namespace_of("postgres-operator");
    let operator = operator.as_str().expect("a namespace");
    assert!(isolation.contains(&format!("kubernetes.io/metadata.name: {operator}")));
}

#[test]
fn an_instance_finds_the_classes_and_issuers_that_its_values_name() {
    let instance = chart("prism-instance");
    let classes = names("StorageClass");
    for pointer in ["/database/storageClass", "/database/keepingStorageClass"] {
        assert!(classes.contains(text(&instance, pointer)), "{pointer}");
    }
    assert!(classes.contains(text(&chart("control-plane"), "/database/storageClass")));
    let keeping = text(&instance, "/database/keepingStorageClass");
    let class = documents()
        .into_iter()
        .find(|it| it.body["metadata"]["name"] == keeping);
    assert_eq!(class.expect("a class").body["reclaimPolicy"], "Retain");
    assert_eq!(text(&instance, "/certificate/issuerKind"), "ClusterIssuer");
    assert!(names("ClusterIssuer").contains(text(&instance, "/certificate/issuer")));
    let controller = yaml("values/base/apisix-ingress-controller.yaml");
    assert_eq!(
        controller["config"]["kubernetes"]["ingressClass"],
        text(&instance, "/gateway/ingressClassName")
    );
}

#[test]
fn a_store_of_the_cluster_that_a_chart_names_is_there() {
    let stores = names("ClusterSecretStore");
    for name in ["prism-instance", "control-plane"] {
        let values = chart(name);
        if text(&values, "/secrets/storeKind") == "ClusterSecretStore" {
            let store = text(&values, "/secrets/store");
            assert!(stores.contains(store), "{name}: {store}");
        }
    }
}

#[test]
fn the_console_is_reached_from_where_it_lets_itself_be_reached() {
    let values = chart("control-plane");
    let here: BTreeSet<String> = applications()
        .iter()
        .filter_map(|(_, it)| {
            it["spec"]["destination"]["namespace"]
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    for from in values["networkPolicy"]["from"]
        .as_array()
        .expect("namespaces")
    {
        assert!(here.contains(from.as_str().expect("a namespace")), "{from}");
    }
}

#[test]
fn the_program_looks_for_replicas_of_the_gateway_where_they_are() {
    let Replicas::Pods {
        namespace,
        selector,
        port,
        ..
    } = Replicas::default()
    else {
        panic!("by default replicas are found as pods");
    };
    assert_eq!(namespace_of("apisix"), namespace.as_str());
    // The chart's own label, as long as nothing renames it.
    assert_eq!(selector, "app.kubernetes.io/name=apisix");
    let values = yaml("values/base/apisix.yaml");
    let listens = &values["apisix"]["fullCustomConfig"]["config"]["apisix"]["node_listen"];
    assert_eq!(listens[0]["port"], port);
}
