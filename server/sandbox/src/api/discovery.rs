//! What the API says about itself: versions, groups, resources and schemas.
//!
//! Both forms of discovery are printed from the table of kinds, the aggregated one when the client
//! prefers it.

use super::{json as answer, openapi, plain};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::resource::{Definition, groups, served};
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Kinds that are only asked, never stored: group, kind, plural.
const REVIEWS: &[(&str, &str, &str)] = &[
    (
        "authorization.k8s.io",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
    ),
    (
        "authorization.k8s.io",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
    ),
    (
        "authentication.k8s.io",
        "SelfSubjectReview",
        "selfsubjectreviews",
    ),
];

/// The document at a path, if it is one of the API about itself.
pub fn document(
    cluster: &Cluster,
    path: &[&str],
    accept: &str,
) -> Result<Option<Response<Body>>, Failure> {
    let value = match path {
        ["healthz" | "livez" | "readyz", ..] => {
            return Ok(Some(plain(StatusCode::OK, "text/plain", "ok".to_owned())));
        }
        ["version"] => version(),
        [] => json!({"paths": ["/api", "/apis", "/healthz", "/openapi/v3", "/version"]}),
        ["api"] if wants_all(accept) => return Ok(Some(aggregated(true))),
        ["apis"] if wants_all(accept) => return Ok(Some(aggregated(false))),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [
                {"clientCIDR": "0.0.0.0/0", "serverAddress": cluster.api_url.trim_start_matches("http://")},
            ],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": all_groups().into_iter().map(group).collect::<Vec<_>>(),
        }),
        ["apis", name] => {
            let found = all_groups().into_iter().find(|(group, _)| group == name);
            group(found.ok_or_else(Failure::no_such_path)?)
        }
        ["api", "v1"] => resources("", "v1"),
        ["apis", name, version] if all_groups().contains(&(*name, *version)) => {
            resources(name, version)
        }
        ["openapi", "v3"] => openapi::index(),
        ["openapi", "v3", rest @ ..] => openapi::group(rest)?,
        _ => return Ok(None),
    };
    Ok(Some(answer(StatusCode::OK, value.to_string())))
}

fn wants_all(accept: &str) -> bool {
    accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2;")
        || accept.contains("v=v2,") && accept.contains("as=APIGroupDiscoveryList")
}

/// Kubernetes 1.34, as EKS names its builds.
fn version() -> Value {
    json!({
        "major": "1",
        "minor": "34",
        "gitVersion": "v1.34.2-eks-sandbox",
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "go1.24.0",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// The named groups: of the stored kinds and of the reviews.
fn all_groups() -> Vec<(&'static str, &'static str)> {
    let mut all = groups();
    all.retain(|(group, _)| !group.is_empty());
    all.extend([
        ("authorization.k8s.io", "v1"),
        ("authentication.k8s.io", "v1"),
    ]);
    all
}

fn group((name, version): (&str, &str)) -> Value {
    let served = json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": [served],
        "preferredVersion": served,
    })
}

fn resources(group: &str, version: &str) -> Value {
    let mut list = Vec::new();
    for row in served().filter(|row| row.group == group && row.version == version) {
        let mut whole = json!({
            "name": row.plural,
            "singularName": row.singular,
            "namespaced": row.namespaced,
            "kind": row.name,
            "verbs": VERBS,
        });
        if !row.short.is_empty() {
            whole["shortNames"] = json!(row.short);
        }
        if !row.categories.is_empty() {
            whole["categories"] = json!(row.categories);
        }
        list.push(whole);
        for (sub, verbs) in subresources(row) {
            list.push(json!({
                "name": format!("{}/{sub}", row.plural),
                "singularName": "",
                "namespaced": row.namespaced,
                "kind": row.name,
                "verbs": verbs,
            }));
        }
    }
    for (_, kind, plural) in REVIEWS.iter().filter(|(of, _, _)| *of == group) {
        list.push(json!({
            "name": plural, "singularName": "", "namespaced": false, "kind": kind, "verbs": ["create"],
        }));
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": list,
    })
}

fn subresources(row: &Definition) -> Vec<(&'static str, &'static [&'static str])> {
    let mut list: Vec<(&str, &[&str])> = Vec::new();
    if row.status {
        list.push(("status", &["get", "patch", "update"]));
    }
    match row.plural {
        "namespaces" => list.push(("finalize", &["update"])),
        "pods" => {
            list.push(("log", &["get"]));
            list.push(("proxy", &["create", "delete", "get", "patch", "update"]));
        }
        _ => {}
    }
    list
}

fn aggregated(core: bool) -> Response<Body> {
    let wanted: Vec<(&str, &str)> = if core {
        vec![("", "v1")]
    } else {
        all_groups().into_iter().collect()
    };
    let items: Vec<Value> = wanted
        .into_iter()
        .map(|(name, version)| listing(name, version))
        .collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    plain(StatusCode::OK, AGGREGATED, list.to_string())
}

fn listing(name: &str, version: &str) -> Value {
    let kind = |kind: &str| json!({"group": name, "version": version, "kind": kind});
    let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
    let mut resources: Vec<Value> = served()
        .filter(|row| row.group == name)
        .map(|row| {
            let below: Vec<Value> = subresources(row)
                .into_iter()
                .map(|(sub, verbs)| {
                    json!({"subresource": sub, "responseKind": kind(row.name), "verbs": verbs})
                })
                .collect();
            json!({
                "resource": row.plural,
                "responseKind": kind(row.name),
                "scope": scope(row.namespaced),
                "singularResource": row.singular,
                "verbs": VERBS,
                "shortNames": row.short,
                "categories": row.categories,
                "subresources": below,
            })
        })
        .collect();
    for (_, review, plural) in REVIEWS.iter().filter(|(of, _, _)| *of == name) {
        resources.push(json!({
            "resource": plural,
            "responseKind": kind(review),
            "scope": "Cluster",
            "singularResource": "",
            "verbs": ["create"],
        }));
    }
    let mut metadata = json!({});
    if !name.is_empty() {
        metadata["name"] = json!(name);
    }
    json!({
        "metadata": metadata,
        "versions": [{"version": version, "resources": resources, "freshness": "Current"}],
    })
}
