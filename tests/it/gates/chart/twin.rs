//! The sandbox renders the instance chart without Helm. Here both are rendered, for every release and every
//! case, and compared: which objects there are, their names, labels and annotations, and every field of
//! them. Of a workload the sandbox says less than the chart, and nothing else than the chart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::cases::{self, ID};
use super::helm;

/// The kinds of the chart that the sandbox has.
const KINDS: &[&str] = &[
    "NetworkPolicy",
    "PodDisruptionBudget",
    "SecretStore",
    "ExternalSecret",
    "Service",
    "Certificate",
    "postgresql",
    "Deployment",
    "ApisixTls",
    "ApisixRoute",
];
/// Rendered only where the Prometheus operator is, and the sandbox has none.
const OF_THE_MONITORING: &str = "NetworkPolicy metrics";
const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// The documents of the sandbox's kinds, by kind and name.
fn by_title(documents: &[Value]) -> BTreeMap<String, &Value> {
    documents
        .iter()
        .filter(|it| KINDS.contains(&it["kind"].as_str().unwrap_or("")))
        .map(|it| (helm::title(it), it))
        .filter(|(title, _)| title != OF_THE_MONITORING)
        .collect()
}

/// Labels and annotations of an object, without what Argo CD adds.
fn marks(document: &Value) -> Value {
    let mut annotations = document["metadata"]["annotations"].clone();
    if let Some(map) = annotations.as_object_mut() {
        map.remove(TRACKING);
    } else {
        annotations = json!({});
    }
    json!({"labels": document["metadata"]["labels"], "annotations": annotations})
}

fn named<'a>(list: &'a [Value], name: &Value) -> Option<&'a Value> {
    list.iter().find(|item| item["name"] == *name)
}

/// What is said and is not so in the chart, by its path; parts of lists that have names are found by them.
fn wrong(said: &Value, chart: &Value, path: &str, into: &mut Vec<String>) {
    match (said, chart) {
        (Value::Object(said), Value::Object(chart)) => {
            for (key, value) in said {
                let there = chart.get(key).unwrap_or(&Value::Null);
                wrong(value, there, &format!("{path}.{key}"), into);
            }
        }
        (Value::Array(said), Value::Array(chart))
            if !said.is_empty() && said.iter().all(|item| item["name"].is_string()) =>
        {
            for item in said {
                let path = format!("{path}[{}]", item["name"]);
                let there = named(chart, &item["name"]).unwrap_or(&Value::Null);
                wrong(item, there, &path, into);
            }
        }
        (said, chart) if said == chart => {}
        (said, chart) => into.push(format!("{path}: {said} is {chart} in the chart")),
    }
}

#[test]
fn the_sandbox_deploys_what_the_chart_renders() {
    let mut compared = 0;
    for it in cases::rendered() {
        let twin = sandbox::rendered(&it.release, &it.values);
        let (twin, chart) = (by_title(&twin), by_title(&it.documents));
        let titles = |of: &BTreeMap<String, &Value>| of.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(titles(&twin), titles(&chart), "{}", it.name());
        for (title, said) in twin {
            let wished = chart[&title];
            let place = format!("{}: {title}", it.name());
            assert_eq!(said["apiVersion"], wished["apiVersion"], "{place}");
            assert_eq!(marks(said), marks(wished), "{place}");
            if title.starts_with("Deployment ") {
                let mut found = Vec::new();
                wrong(&said["spec"], &wished["spec"], "spec", &mut found);
                assert!(found.is_empty(), "{place}: {found:#?}");
            } else {
                assert_eq!(said["spec"], wished["spec"], "{place}");
            }
            compared += 1;
        }
    }
    assert!(helm::helm().is_none() || compared > 1_000, "{compared}");
}

/// Every variable that comes from a Secret is in the sandbox's workloads as well: a Secret that does not
/// come keeps a container from starting there as it does on a cluster.
#[test]
fn the_sandbox_waits_for_every_secret_that_the_chart_waits_for() {
    let secrets = |document: &Value| -> BTreeSet<String> {
        let env = &document["spec"]["template"]["spec"]["containers"][0]["env"];
        let all = env.as_array().into_iter().flatten();
        all.filter(|it| it["valueFrom"].is_object())
            .map(Value::to_string)
            .collect()
    };
    for it in cases::rendered() {
        let twin = sandbox::rendered(&it.release, &it.values);
        let twin = by_title(&twin);
        for wished in helm::of(&it.documents, "Deployment") {
            let title = helm::title(wished);
            assert_eq!(
                secrets(twin[&title]),
                secrets(wished),
                "{}: {title}",
                it.name()
            );
        }
    }
}

#[test]
fn every_object_is_tracked_and_one_that_is_wrong_is_told() {
    let values = cases::identity(ID);
    for document in sandbox::rendered("2.2.0", &values) {
        let id = document["metadata"]["annotations"][TRACKING].as_str();
        let id = id.expect("a tracking id");
        assert!(
            id.starts_with(&format!("hosted-instances_prism{ID}:")),
            "{id}"
        );
    }
    let mut found = Vec::new();
    let said = json!({"env": [{"name": "A", "value": "1"}], "replicas": 2});
    let chart = json!({"env": [{"name": "B"}, {"name": "A", "value": "2"}], "other": 1});
    wrong(&said, &chart, "spec", &mut found);
    assert_eq!(found.len(), 2, "{found:?}");
}
