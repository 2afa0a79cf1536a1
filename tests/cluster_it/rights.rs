//! The product runs under the service account that `hosted-instances doctor --print-rbac` grants, and
//! nothing more. What the API server's audit log says it asked for is laid beside what is granted.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::real_cluster::product::Product;
use tests::real_cluster::{Site, rights};

/// Granted rights that a life without faults does not use, each with when it is used.
const RARELY: &[(&str, &str)] = &[
    ("/pods/proxy create", PODS),
    ("/pods/proxy get", PODS),
    ("external-secrets.io/externalsecrets create", TOKENS),
    ("external-secrets.io/externalsecrets patch", TOKENS),
    ("external-secrets.io/externalsecrets delete", TOKENS),
];
const PODS: &str = "where the replicas of the gateway are pods; here they are addresses";
const TOKENS: &str = "for the tokens of an instance";

/// One right: `group/resource verb`.
fn right(group: &str, resource: &str, verb: &str) -> String {
    format!("{group}/{resource} {verb}")
}

/// Every right of the printed roles.
fn granted(objects: &[Value]) -> BTreeSet<String> {
    let texts = |value: &Value| -> Vec<String> {
        let all = value.as_array().cloned().unwrap_or_default();
        all.iter()
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect()
    };
    let mut all = BTreeSet::new();
    for rule in objects
        .iter()
        .filter_map(|it| it["rules"].as_array())
        .flatten()
    {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    all.insert(right(&group, &resource, &verb));
                }
            }
        }
    }
    all
}

/// What the log says of the product: what it was allowed, and what it was refused.
fn asked(log: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut allowed, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        let of = &event["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (group, resource) = (text(&of["apiGroup"]), text(&of["resource"]));
        // Everybody may ask what they may do and which kinds there are.
        if resource.is_empty() || group == "authorization.k8s.io" {
            continue;
        }
        let resource = match of["subresource"].as_str() {
            Some(below) => format!("{resource}/{below}"),
            None => resource,
        };
        let it = right(
            &group,
            &resource,
            event["verb"].as_str().unwrap_or_default(),
        );
        if event["responseStatus"]["code"] == 403 {
            refused.insert(it);
            continue;
        }
        // An apply that made something was asked for the right to create as well.
        if event["verb"] == "patch" && event["responseStatus"]["code"] == 201 {
            allowed.insert(right(&group, &resource, "create"));
        }
        allowed.insert(it);
    }
    (allowed, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_right_is_granted_and_every_grant_is_used() {
    let site = Site::get();
    let _shared = site.shared().await;
    let cluster = site.development();
    // What was asked before is not this test's: an API server that has just started refuses everybody
    // until it knows the roles.
    let before = cluster.audit().len();
    let mut product = Product::on(std::slice::from_ref(&cluster)).await;
    let created = product.created("Wallets", &cluster, "2.0.0").await;
    let operation = product
        .change(&created.instance, &json!({"release": "2.1.0"}))
        .await;
    product.succeeds(&operation).await;
    product.healthy(&created.instance).await;
    product.deleted(&created.instance, &cluster).await;
    product.stop().await;

    let granted = granted(&rights::printed(product.place()));
    let (allowed, refused) = asked(&cluster.audit()[before..]);
    assert!(refused.is_empty(), "refused: {refused:?}");
    let beyond: Vec<&String> = allowed.difference(&granted).collect();
    assert!(beyond.is_empty(), "granted by something else: {beyond:?}");
    for (it, why) in RARELY {
        eprintln!("not used here: {it}, {why}");
    }
    let rarely: BTreeSet<String> = RARELY.iter().map(|(it, _)| (*it).to_owned()).collect();
    let unused: Vec<&String> = granted
        .difference(&allowed)
        .filter(|it| !rarely.contains(*it))
        .collect();
    assert!(unused.is_empty(), "granted and never used: {unused:?}");
}
