//! Pod Security `restricted`, as its standard lists it, and what we ask of pods beyond it: no service
//! account token, no writable root, last words that say why a container ended.

use serde_json::{Value, json};

/// The volumes that `restricted` allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Why a pod would be refused, or is not as ours are. Only one that speaks to the cluster's API has a token.
pub fn refusals(pod: &Value, speaks_to_the_api: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut claim = |holds: bool, what: &str| {
        if !holds {
            found.push(what.to_owned());
        }
    };
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        claim(pod[host] != true, host);
    }
    let whole = &pod["securityContext"];
    claim(whole["runAsNonRoot"] == true, "runAsNonRoot");
    claim(
        whole["runAsUser"].as_u64().is_some_and(|user| user > 0),
        "runAsUser",
    );
    claim(
        whole["seccompProfile"]["type"] == "RuntimeDefault",
        "seccompProfile",
    );
    claim(
        pod["automountServiceAccountToken"] == speaks_to_the_api,
        "a service account token",
    );
    claim(
        pod["enableServiceLinks"] == false,
        "names of services in the environment",
    );
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let kinds = volume
            .as_object()
            .expect("a volume")
            .keys()
            .filter(|key| *key != "name");
        for kind in kinds {
            claim(
                VOLUMES.contains(&kind.as_str()),
                &format!("a volume of kind {kind}"),
            );
        }
    }
    let containers: Vec<&Value> = ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|key| pod[*key].as_array().into_iter().flatten())
        .collect();
    claim(!containers.is_empty(), "no container");
    for container in containers {
        let name = container["name"].as_str().unwrap_or("");
        let own = &container["securityContext"];
        claim(
            own["allowPrivilegeEscalation"] == false,
            &format!("{name}: privilege escalation"),
        );
        claim(own["privileged"] != true, &format!("{name}: privileged"));
        claim(
            own["capabilities"]["drop"] == json!(["ALL"]),
            &format!("{name}: capabilities"),
        );
        claim(
            own["capabilities"]["add"].is_null(),
            &format!("{name}: more capabilities"),
        );
        claim(
            own["readOnlyRootFilesystem"] == true,
            &format!("{name}: a writable root"),
        );
        claim(
            own["runAsUser"].is_null() && own["runAsNonRoot"].is_null(),
            &format!("{name}: a user of its own"),
        );
        claim(
            container["terminationMessagePolicy"] == "FallbackToLogsOnError",
            &format!("{name}: no last words"),
        );
        let resources = &container["resources"];
        claim(
            !resources["requests"]["memory"].is_null(),
            &format!("{name}: asks for no memory"),
        );
        claim(
            !resources["limits"]["memory"].is_null(),
            &format!("{name}: has no limit of memory"),
        );
        for port in container["ports"].as_array().into_iter().flatten() {
            claim(
                port["hostPort"].is_null(),
                &format!("{name}: a port of the host"),
            );
        }
        let image = container["image"].as_str().unwrap_or("");
        let tag = image
            .rsplit('/')
            .next()
            .and_then(|last| last.split_once(':'));
        claim(
            tag.is_some_and(|(_, tag)| tag != "latest"),
            &format!("{name}: {image} is not pinned"),
        );
    }
    found
}

#[test]
fn a_pod_that_would_be_refused_is_found() {
    let good = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 1001, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [{
            "name": "a", "image": "example.org/a:1", "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]}},
            "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        }],
    });
    assert_eq!(refusals(&good, false), Vec::<String>::new());
    for (pointer, value) in [
        ("/automountServiceAccountToken", json!(true)),
        ("/securityContext/runAsNonRoot", json!(null)),
        ("/securityContext/runAsUser", json!(0)),
        ("/securityContext/seccompProfile", json!(null)),
        (
            "/volumes/0",
            json!({"name": "x", "hostPath": {"path": "/"}}),
        ),
        (
            "/containers/0/securityContext/capabilities",
            json!({"drop": []}),
        ),
        (
            "/containers/0/securityContext/allowPrivilegeEscalation",
            json!(null),
        ),
        ("/containers/0/image", json!("example.org/a:latest")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect("a place in the pod") = value;
        assert_eq!(refusals(&bad, false).len(), 1, "{pointer}");
    }
}
