//! The requests, told as a story in one namespace: plain objects, server-side apply, custom resources
//! with and without a status of their own, watches, deletions.

use reqwest::Method;
use serde_json::{Value, json};

use super::recorder::{Kind, Recorder};

const NAMESPACE: &str = "/api/v1/namespaces/conformance";
const MAPS: &str = "/api/v1/namespaces/conformance/configmaps";
const GATES: &str = "/apis/apisix.apache.org/v2/namespaces/conformance/apisixpluginconfigs";
const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/namespaces/conformance/applications";
const CERTIFICATES: &str = "/apis/cert-manager.io/v1/namespaces/conformance/certificates";

fn map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

fn one(name: &str) -> String {
    format!("{MAPS}/{name}")
}

/// What every object is known by.
const FIELDS: &[&str] = &[
    "/kind",
    "/apiVersion",
    "/metadata/name",
    "/metadata/generation",
    "/data",
];

/// Making, reading, replacing and patching, and how each is refused.
pub async fn objects(to: &mut Recorder) {
    let space =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "conformance"}});
    to.quietly(Method::POST, "/api/v1/namespaces", Some(&space))
        .await;
    to.keep(
        "read what is not there",
        (Method::GET, &one("no")),
        None,
        &[],
    )
    .await;
    to.keep(
        "read a kind that is not there",
        (Method::GET, "/apis/example.org/v1/things"),
        None,
        &[],
    )
    .await;
    let body = Some((Kind::Json, map("a", &json!({"k": "1"}))));
    let made = to
        .keep("create", (Method::POST, MAPS), body.clone(), FIELDS)
        .await;
    to.keep("create again", (Method::POST, MAPS), body, &[])
        .await;
    to.keep("read", (Method::GET, &one("a")), None, FIELDS)
        .await;
    let bad = Some((Kind::Json, map("Not_a_name", &json!({}))));
    to.keep("create with a bad name", (Method::POST, MAPS), bad, &[])
        .await;
    let other = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b"}});
    to.keep(
        "create another kind",
        (Method::POST, MAPS),
        Some((Kind::Json, other)),
        &[],
    )
    .await;
    let elsewhere = "/api/v1/namespaces/nowhere/configmaps";
    let lost = Some((Kind::Json, map("a", &json!({}))));
    to.keep(
        "create in no namespace",
        (Method::POST, elsewhere),
        lost,
        &[],
    )
    .await;

    let mut next = made.clone();
    next["data"] = json!({"k": "2"});
    to.keep(
        "replace",
        (Method::PUT, &one("a")),
        Some((Kind::Json, next)),
        FIELDS,
    )
    .await;
    let mut stale = made;
    stale["data"] = json!({"k": "3"});
    to.keep(
        "replace a stale one",
        (Method::PUT, &one("a")),
        Some((Kind::Json, stale)),
        &[],
    )
    .await;
    let merge = json!({"data": {"k": null, "m": "1"}});
    to.keep(
        "merge patch",
        (Method::PATCH, &one("a")),
        Some((Kind::Merge, merge)),
        FIELDS,
    )
    .await;
    let patch = json!([{"op": "add", "path": "/data/j", "value": "1"}]);
    let body = Some((Kind::JsonPatch, patch));
    to.keep("JSON patch", (Method::PATCH, &one("a")), body, FIELDS)
        .await;
    let test = json!([{"op": "test", "path": "/data/j", "value": "2"}]);
    to.keep(
        "JSON patch that fails",
        (Method::PATCH, &one("a")),
        Some((Kind::JsonPatch, test)),
        &[],
    )
    .await;
    let strategic = json!({"data": {"s": "1"}});
    let body = Some((Kind::Strategic, strategic));
    to.keep("strategic patch", (Method::PATCH, &one("a")), body, FIELDS)
        .await;
    let merge = Some((Kind::Merge, json!({"data": {"x": "1"}})));
    to.keep(
        "patch what is not there",
        (Method::PATCH, &one("no")),
        merge,
        &[],
    )
    .await;
    let body = Some((Kind::Json, json!({"data": {"x": "1"}})));
    to.keep("patch of no kind", (Method::PATCH, &one("a")), body, &[])
        .await;
    let stale = json!({"metadata": {"resourceVersion": "1"}, "data": {"x": "1"}});
    to.keep(
        "patch with a stale version",
        (Method::PATCH, &one("a")),
        Some((Kind::Merge, stale)),
        &[],
    )
    .await;
    let dry = format!("{MAPS}?dryRun=All");
    let body = Some((Kind::Json, map("dry", &json!({"k": "1"}))));
    to.keep(
        "create without doing it",
        (Method::POST, &dry),
        body,
        FIELDS,
    )
    .await;
    to.keep("which was not done", (Method::GET, &one("dry")), None, &[])
        .await;
}

/// Server-side apply: who owns what, and who may take it.
pub async fn applied(to: &mut Recorder) {
    let by = |who: &str, more: &str| format!("{}?fieldManager={who}{more}", one("applied"));
    let wish = |data: Value| Some((Kind::Apply, map("applied", &data)));
    let fields = &[
        "/data",
        "/metadata/managedFields/0/manager",
        "/metadata/managedFields/0/operation",
    ];
    to.keep(
        "apply what is not there",
        (Method::PATCH, &by("one", "")),
        wish(json!({"k": "1"})),
        fields,
    )
    .await;
    to.keep(
        "apply the same",
        (Method::PATCH, &by("one", "")),
        wish(json!({"k": "1"})),
        fields,
    )
    .await;
    to.keep(
        "apply as another",
        (Method::PATCH, &by("two", "")),
        wish(json!({"m": "1"})),
        &["/data"],
    )
    .await;
    to.keep(
        "apply over another",
        (Method::PATCH, &by("two", "")),
        wish(json!({"k": "2"})),
        &[],
    )
    .await;
    let forced = by("two", "&force=true");
    to.keep(
        "apply by force",
        (Method::PATCH, &forced),
        wish(json!({"k": "2"})),
        &["/data"],
    )
    .await;
    let path = by("one", "");
    to.keep(
        "apply without a field",
        (Method::PATCH, &path),
        wish(json!({})),
        &["/data"],
    )
    .await;
    to.keep(
        "apply as nobody",
        (Method::PATCH, &one("applied")),
        wish(json!({"k": "3"})),
        &[],
    )
    .await;
    let other = Some((Kind::Apply, map("other", &json!({}))));
    to.keep(
        "apply under another name",
        (Method::PATCH, &path),
        other,
        &[],
    )
    .await;
}

/// Custom resources: schemas, generations, status.
pub async fn custom(to: &mut Recorder) {
    let gate = json!({
        "apiVersion": "apisix.apache.org/v2", "kind": "ApisixPluginConfig",
        "metadata": {"name": "gate"},
        "spec": {"plugins": [{"name": "key-auth", "enable": true, "config": {"a": 1}}]},
    });
    let fields = &["/kind", "/metadata/generation", "/spec"];
    let path = format!("{GATES}/gate?fieldManager=one");
    to.keep(
        "apply a gate",
        (Method::PATCH, &path),
        Some((Kind::Apply, gate.clone())),
        fields,
    )
    .await;
    let mut wrong = gate.clone();
    wrong["spec"]["plugins"] = json!("many");
    to.keep(
        "apply a gate of another shape",
        (Method::PATCH, &path),
        Some((Kind::Apply, wrong)),
        &[],
    )
    .await;
    let mut moved = gate;
    moved["spec"]["plugins"][0]["config"] = json!({"a": 2});
    to.keep(
        "change a gate",
        (Method::PATCH, &path),
        Some((Kind::Apply, moved)),
        fields,
    )
    .await;
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "app"},
        "spec": {"project": "none", "destination": {"namespace": "x", "server": "https://y.example"},
            "source": {"repoURL": "https://git.example.org/x.git", "path": "x"}},
    });
    let body = Some((Kind::Json, application.clone()));
    to.keep(
        "create an Application",
        (Method::POST, APPLICATIONS),
        body,
        fields,
    )
    .await;
    let path = format!("{APPLICATIONS}/app");
    let status = Some((
        Kind::Merge,
        json!({"status": {"reconciledAt": "2026-01-01T00:00:00Z"}}),
    ));
    let seen = &["/metadata/generation", "/status/reconciledAt"];
    to.keep(
        "write a status by the object",
        (Method::PATCH, &path),
        status.clone(),
        seen,
    )
    .await;
    to.keep(
        "write a status that is not apart",
        (Method::PATCH, &format!("{path}/status")),
        status,
        &[],
    )
    .await;
    let mut empty = application;
    empty["metadata"]["name"] = json!("empty");
    empty.as_object_mut().expect("an object").remove("spec");
    let body = Some((Kind::Json, empty));
    to.keep(
        "create an Application without a spec",
        (Method::POST, APPLICATIONS),
        body,
        &[],
    )
    .await;
    let certificate = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "held"},
        "spec": {"secretName": "held", "dnsNames": ["a.example.org"],
            "issuerRef": {"name": "nobody", "kind": "Issuer"}},
        "status": {"revision": 7},
    });
    let body = Some((Kind::Json, certificate));
    let seen = &["/metadata/generation", "/status/revision"];
    to.keep(
        "create with a status",
        (Method::POST, CERTIFICATES),
        body,
        seen,
    )
    .await;
    let path = format!("{CERTIFICATES}/held/status");
    let status = Some((
        Kind::Merge,
        json!({"status": {"revision": 8}, "spec": {"secretName": "x"}}),
    ));
    let seen = &[
        "/metadata/generation",
        "/status/revision",
        "/spec/secretName",
    ];
    to.keep("write a status apart", (Method::PATCH, &path), status, seen)
        .await;
}

/// Lists in pages, and watches from every kind of version.
pub async fn watched(to: &mut Recorder) {
    for number in 0..5 {
        let body = map(&format!("page-{number}"), &json!({}));
        to.quietly(Method::POST, MAPS, Some(&body)).await;
    }
    let pages = "fieldSelector=metadata.name!=kube-root-ca.crt&limit=2";
    let first = to
        .keep(
            "list a page",
            (Method::GET, &format!("{MAPS}?{pages}")),
            None,
            &["/kind", "/items/0/kind"],
        )
        .await;
    let token = first["metadata"]["continue"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let next = format!("{MAPS}?{pages}&continue={token}");
    to.keep(
        "list the next page",
        (Method::GET, &next),
        None,
        &["/items/0/metadata/name"],
    )
    .await;
    let broken = format!("{MAPS}?limit=2&continue=nonsense");
    to.keep(
        "list a page that never was",
        (Method::GET, &broken),
        None,
        &[],
    )
    .await;
    let labelled = json!({"metadata": {"labels": {"colour": "red"}}});
    to.keep(
        "label",
        (Method::PATCH, &one("page-1")),
        Some((Kind::Merge, labelled)),
        &["/metadata/labels"],
    )
    .await;
    let selected = format!("{MAPS}?labelSelector=colour%3Dred");
    to.keep(
        "list by label",
        (Method::GET, &selected),
        None,
        &["/items/0/metadata/name"],
    )
    .await;
    let selected = format!("{MAPS}?labelSelector=colour%20in%20(red");
    to.keep(
        "list by a broken label",
        (Method::GET, &selected),
        None,
        &[],
    )
    .await;
    let selected = format!("{MAPS}?fieldSelector=data.k%3D1");
    to.keep(
        "list by a field that cannot be",
        (Method::GET, &selected),
        None,
        &[],
    )
    .await;

    let (_, list) = to.quietly(Method::GET, MAPS, None).await;
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    to.quietly(Method::POST, MAPS, Some(&map("watched", &json!({}))))
        .await;
    to.quietly(
        Method::PUT,
        &one("watched"),
        Some(&map("watched", &json!({"k": "1"}))),
    )
    .await;
    to.quietly(Method::DELETE, &one("watched"), None).await;
    let watch = |version: &str, more: &str| {
        format!("{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=2{more}")
    };
    to.watch("watch from a version", &watch(&version, "")).await;
    to.watch(
        "watch one name",
        &watch(&version, "&fieldSelector=metadata.name%3Dwatched"),
    )
    .await;
    to.watch(
        "watch a label",
        &watch(&version, "&labelSelector=colour%3Dred"),
    )
    .await;
    let bookmarks = format!(
        "{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=8&allowWatchBookmarks=true"
    );
    to.bookmark("watch with bookmarks", &bookmarks).await;
    to.keep(
        "watch from nonsense",
        (Method::GET, &watch("nonsense", "")),
        None,
        &[],
    )
    .await;
}

/// Finalizers, conditions of a deletion, and a namespace that goes.
pub async fn removed(to: &mut Recorder) {
    let held = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["tests.example.org/wait"]},
    });
    to.quietly(Method::POST, MAPS, Some(&held)).await;
    let fields = &["/kind", "/metadata/finalizers", "/status"];
    to.keep(
        "delete what is held",
        (Method::DELETE, &one("held")),
        None,
        fields,
    )
    .await;
    let still = &["/metadata/finalizers"];
    to.keep(
        "which is still there",
        (Method::GET, &one("held")),
        None,
        still,
    )
    .await;
    let body = Some((Kind::Json, map("held", &json!({}))));
    to.keep("create what is going", (Method::POST, MAPS), body, &[])
        .await;
    let free = Some((Kind::Merge, json!({"metadata": {"finalizers": null}})));
    to.keep("let it go", (Method::PATCH, &one("held")), free, &["/kind"])
        .await;
    to.keep("which is gone", (Method::GET, &one("held")), None, &[])
        .await;
    let guard = json!({"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}});
    to.keep(
        "delete another than meant",
        (Method::DELETE, &one("a")),
        Some((Kind::Json, guard)),
        &[],
    )
    .await;
    to.keep(
        "delete",
        (Method::DELETE, &one("a")),
        None,
        &["/kind", "/status", "/details/name"],
    )
    .await;
    to.keep(
        "delete what is not there",
        (Method::DELETE, &one("a")),
        None,
        &[],
    )
    .await;
    let red = format!("{MAPS}?labelSelector=colour%3Dred");
    to.keep(
        "delete a selection",
        (Method::DELETE, &red),
        None,
        &["/kind"],
    )
    .await;
    // Something in it that has to be waited for, so that it is still going at the next request.
    let held = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "last", "finalizers": ["tests.example.org/wait"]},
    });
    to.quietly(Method::POST, MAPS, Some(&held)).await;
    let fields = &["/kind", "/metadata/name", "/status/phase"];
    to.keep(
        "delete the namespace",
        (Method::DELETE, NAMESPACE),
        None,
        fields,
    )
    .await;
    let body = Some((Kind::Json, map("late", &json!({}))));
    to.keep("create in what is going", (Method::POST, MAPS), body, &[])
        .await;
    let free = json!({"metadata": {"finalizers": null}});
    let free = Some((Kind::Merge, free));
    let last = one("last");
    to.keep("let the last go", (Method::PATCH, &last), free, &["/kind"])
        .await;
}
