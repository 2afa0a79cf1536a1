//! Whatever arrives, the API answers with a Status and stays up.

use crate::world::World;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn is_status(answer: &Value) -> bool {
    answer["kind"] == "Status" && answer["status"] == "Failure"
}

#[tokio::test]
async fn bodies_that_are_no_objects_are_refused() {
    let world = World::new().await;
    let bodies: [&[u8]; 8] = [
        b"",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"metadata\": []}",
        b"{\"metadata\": {\"name\": 7}}",
        b"{\"metadata\": {\"name\": \"a\", \"labels\": {\"x\": 1}}}",
        b"\xff\xfe{",
    ];
    for body in bodies {
        let (status, answer) = world.raw("POST", MAPS, JSON, body).await;
        assert!(
            (400..500).contains(&status) && is_status(&answer),
            "{status} {answer}"
        );
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(world.raw("POST", MAPS, JSON, deep).await.0, 400);
    let huge = format!("{{\"data\":\"{}\"}}", "x".repeat(4 << 20));
    assert_eq!(world.raw("POST", MAPS, JSON, huge).await.0, 413);
    assert_eq!(world.get(MAPS).await.0, 200);
}

#[tokio::test]
async fn wrong_places_and_names_are_refused() {
    let world = World::new().await;
    let cases = [
        ("GET", "/apis/argoproj.io/v1beta1/applications", 404),
        ("GET", "/api/v1/widgets", 404),
        (
            "GET",
            "/apis/external-secrets.io/v1beta1/externalsecrets",
            404,
        ),
        ("GET", "/api/v1/namespaces/default/configmaps/none", 404),
        (
            "GET",
            "/api/v1/namespaces/default/configmaps?limit=many",
            400,
        ),
        (
            "GET",
            "/api/v1/namespaces/default/configmaps?continue=made-up",
            400,
        ),
        (
            "GET",
            "/api/v1/namespaces/default/configmaps?labelSelector=a%20b",
            400,
        ),
        ("GET", "/api/v1/configmaps/%ff", 400),
        ("GET", "/api/v1/configmaps?resourceVersion=99999999", 504),
        ("PATCH", "/api/v1/namespaces/default/configmaps", 405),
        ("DELETE", "/api/v1/configmaps", 405),
    ];
    for (method, path, wished) in cases {
        let (status, answer) = world.raw(method, path, JSON, "").await;
        assert_eq!(status, wished, "{method} {path}: {answer}");
        assert!(is_status(&answer), "{answer}");
    }
    for name in ["UPPER", "-a", "a_b", "", &"x".repeat(300), "a/b"] {
        let object = json!({"metadata": {"name": name}});
        let (status, answer) = world.raw("POST", MAPS, JSON, object.to_string()).await;
        assert_eq!(
            (status, &answer["reason"]),
            (422, &json!("Invalid")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn objects_that_do_not_fit_their_path_are_refused() {
    let world = World::new().await;
    let cases = [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}),
        json!({"apiVersion": "v9", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        json!({"metadata": {"name": "a", "namespace": "kube-system"}}),
    ];
    for object in cases {
        let (status, answer) = world.raw("POST", MAPS, JSON, object.to_string()).await;
        assert_eq!(
            (status, &answer["reason"]),
            (400, &json!("BadRequest")),
            "{answer}"
        );
    }
    let path = "/apis/argoproj.io/v1alpha1/namespaces/hosted-instances/applications";
    for spec in [
        json!(null),
        json!("text"),
        json!({}),
        json!({"project": 1, "destination": {}}),
    ] {
        let object = json!({"metadata": {"name": "a"}, "spec": spec});
        let (status, answer) = world.raw("POST", path, JSON, object.to_string()).await;
        assert_eq!(
            (status, &answer["reason"]),
            (422, &json!("Invalid")),
            "{answer}"
        );
    }
    let secret = json!({"metadata": {"name": "s"}, "data": {"k": "not base64!"}});
    let (status, _) = world
        .raw(
            "POST",
            "/api/v1/namespaces/default/secrets",
            JSON,
            secret.to_string(),
        )
        .await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn patches_of_unknown_kinds_and_shapes_are_refused() {
    let world = World::new().await;
    world
        .raw("POST", MAPS, JSON, "{\"metadata\":{\"name\":\"a\"}}")
        .await;
    let path = format!("{MAPS}/a");
    assert_eq!(world.raw("PATCH", &path, "text/plain", "{}").await.0, 415);
    assert_eq!(
        world
            .raw("PATCH", &path, "application/merge-patch+json", "[]")
            .await
            .0,
        400
    );
    assert_eq!(
        world
            .raw("PATCH", &path, "application/json-patch+json", "{}")
            .await
            .0,
        400
    );
    assert_eq!(
        world
            .raw("PATCH", &path, "application/apply-patch+yaml", "{}")
            .await
            .0,
        422
    );
    let protobuf = "application/vnd.kubernetes.protobuf";
    assert_eq!(world.raw("POST", MAPS, protobuf, "k8s\0").await.0, 415);
    let apply = format!("{path}?fieldManager=m");
    let yaml = "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n";
    let (status, object) = world
        .raw("PATCH", &apply, "application/apply-patch+yaml", yaml)
        .await;
    assert_eq!((status, &object["data"]["a"]), (200, &json!("b")));
}

#[tokio::test]
async fn strange_values_in_applications_harm_nobody() {
    let world = World::new().await;
    let mut strange = crate::world::application("g00000000001", "2.1.0");
    strange["spec"]["sources"] =
        json!([7, null, {"helm": "x", "repoURL": 1}, {"helm": {"valueFiles": [1, "$"]}}]);
    world.apply(strange).await;
    world
        .until_application("g00000000001", |found| {
            found["status"]["conditions"][0]["type"] == "InvalidSpecError"
        })
        .await;
    let mut escape = crate::world::application("g00000000002", "2.1.0");
    escape["spec"]["sources"][0]["helm"]["valueFiles"] = json!([
        "releases/2.1.0.yaml",
        "$overrides/../../../../../../etc/passwd"
    ]);
    world.prepare_instance("g00000000002").await;
    for entry in ["wallet-seed", "admin-token", "api-key-salt"] {
        world.secret("g00000000002", entry).await;
    }
    world.apply(escape).await;
    world.until_healthy("g00000000002").await;
}
