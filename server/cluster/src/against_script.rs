//! What is sent, and what is made of every kind of answer, against an API that is told what to say.

mod edge;
mod key;
mod metrics;
mod moto;
mod proving;
mod schema;
mod token_entry;
mod vault;
mod watching;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::cluster::ClusterAccess;
use model::observation::ProbeOutcome;
use model::secret_text::PlainToken;
use model::{Clock, Timestamp};
use serde_json::{Value, json};
use service::ports::{ClusterError, ClusterPort, Gate, KeyWish, Target, TokenPort as _};

use self::schema::fits_its_schemas;
use crate::scripted::{Api, Asked, Say};
use crate::wish::samples::target;
use crate::{Clusters, Config, Directory, Endpoints, wish};

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_790_000_000_000_000)
    }
}

/// Adapters on the addresses of a cluster called `x`.
fn clusters(api_url: &str, secrets_manager_url: &str) -> Clusters {
    crate::install_tls();
    let known = Endpoints {
        api_url: api_url.to_owned(),
        gateway_address: api_url.trim_start_matches("http://").to_owned(),
        secrets_manager_url: secrets_manager_url.to_owned(),
    };
    Clusters::new(Config {
        kubeconfig: Vec::new(),
        in_cluster: false,
        eks: false,
        named: Arc::new(Directory::new(BTreeMap::from([("x".to_owned(), known)]))),
        secrets_manager: BTreeMap::new(),
        clock: Arc::new(Fixed),
    })
}

/// Adapters and a target on an API, which may also be the gateway and Secrets Manager.
fn world(api: &Api) -> (Clusters, Target) {
    let access = ClusterAccess::Sandbox {
        name: "x".to_owned(),
    };
    (clusters(&api.url, &api.url), target(access))
}

fn key() -> PlainToken {
    PlainToken::instance_from(&"k7mq2x9dr4ht".parse().unwrap(), &[9; 64])
}

/// Nothing is there, and whatever is written is taken.
fn empty(asked: &Asked, _: usize) -> Say {
    match asked.method.as_str() {
        "GET" => Say::status(404, "not found"),
        _ => Say::Json(200, asked.body.clone()),
    }
}

const SPACE: &str = "prismk7mq2x9dr4ht";
/// Name of a token's consumer.
const TOKEN: &str = "t018f3f1e000070008000000000000009";

fn wish() -> KeyWish {
    KeyWish {
        consumer: TOKEN.to_owned(),
        version: "018f3f1e-0000-7000-8000-0000000000aa".to_owned(),
    }
}

/// Everything that is written for an instance, as it was sent.
async fn written() -> Vec<Asked> {
    let api = Api::start(empty).await;
    let (clusters, target) = world(&api);
    let open = Gate {
        generation: 3,
        open_to: vec!["watchman".to_owned()],
    };
    clusters.apply_namespace(&target).await.unwrap();
    clusters
        .apply_watchman(&target, "watchman", Some(&key()))
        .await
        .unwrap();
    clusters.apply_gate(&target, &open).await.unwrap();
    clusters.apply_application(&target).await.unwrap();
    clusters.apply_key(&target, &wish()).await.unwrap();
    api.asked_by("PATCH")
}

#[tokio::test]
async fn everything_is_applied_under_one_manager() {
    let patches = written().await;
    let paths: Vec<&str> = patches.iter().map(|asked| asked.path.as_str()).collect();
    let inside = |group: &str, rest: &str| format!("{group}/namespaces/{SPACE}/{rest}");
    assert_eq!(
        paths,
        [
            format!("/api/v1/namespaces/{SPACE}"),
            inside("/api/v1", "resourcequotas/instance"),
            inside("/api/v1", "secrets/watchman"),
            inside("/apis/apisix.apache.org/v2", "apisixconsumers/watchman"),
            inside("/apis/apisix.apache.org/v2", "apisixpluginconfigs/gate"),
            format!("/apis/argoproj.io/v1alpha1/namespaces/hosted-instances/applications/{SPACE}"),
            inside(
                "/apis/external-secrets.io/v1",
                &format!("externalsecrets/{TOKEN}")
            ),
            inside(
                "/apis/apisix.apache.org/v2",
                &format!("apisixconsumers/{TOKEN}")
            ),
        ]
    );
    for asked in &patches {
        assert_eq!(
            asked.content_type, "application/apply-patch+yaml",
            "{}",
            asked.path
        );
        assert_eq!(asked.query["fieldManager"], "hosted-instances");
        assert_eq!(asked.query["force"], "true");
        let labels = &asked.body["metadata"]["labels"];
        assert_eq!(
            labels["hosted-instances.io/instance"], "k7mq2x9dr4ht",
            "{}",
            asked.path
        );
        assert_eq!(labels["app.kubernetes.io/managed-by"], "hosted-instances");
        assert!(asked.body["metadata"]["managedFields"].is_null());
    }
    assert_eq!(
        patches[0].body["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
        "restricted"
    );
}

#[tokio::test]
async fn everything_that_is_written_fits_the_schemas() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/crds");
    if !folder.is_dir() {
        eprintln!(
            "SKIPPED: no custom resource definitions at {}",
            folder.display()
        );
        return;
    }
    let patches = written().await;
    let judged: usize = patches
        .iter()
        .map(|asked| fits_its_schemas(&folder, &asked.body))
        .sum();
    assert_eq!(
        judged, 8,
        "two consumers and a gate in two generations, an Application and an ExternalSecret in one"
    );
}

fn made_by(manager: &str, generation: i64) -> Value {
    let target = target(ClusterAccess::InCluster);
    let gate = Gate {
        generation,
        open_to: Vec::new(),
    };
    let mut object = serde_json::to_value(wish::gate(&target, &gate)).unwrap();
    object["metadata"]["resourceVersion"] = json!("41");
    object["metadata"]["managedFields"] = json!([{
        "manager": manager, "operation": "Apply", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:plugins": {}}},
    }]);
    object
}

fn gate(generation: i64) -> Gate {
    Gate {
        generation,
        open_to: Vec::new(),
    }
}

#[tokio::test]
async fn a_gate_never_goes_back_and_a_generation_means_one_whitelist() {
    let ours = Api::start(|asked, _| match asked.method.as_str() {
        "GET" => Say::Json(200, made_by("hosted-instances", 9)),
        _ => Say::Json(200, asked.body.clone()),
    })
    .await;
    let (clusters, target) = world(&ours);
    let refused = clusters.apply_gate(&target, &gate(8)).await.unwrap_err();
    assert!(
        matches!(&refused, ClusterError::Refused(t) if t.contains("generation 9")),
        "{refused}"
    );
    assert!(ours.asked_by("PATCH").is_empty());
    let other = Gate {
        generation: 9,
        open_to: vec!["somebody".to_owned()],
    };
    let refused = clusters.apply_gate(&target, &other).await.unwrap_err();
    assert!(
        refused.to_string().contains("another whitelist"),
        "{refused}"
    );
    assert!(ours.asked_by("PATCH").is_empty());
    // The same gate is written again, so that what was changed beside it by hand does not stay.
    for generation in [9, 10] {
        clusters
            .apply_gate(&target, &gate(generation))
            .await
            .unwrap();
    }
    let written = ours.asked_by("PATCH");
    assert_eq!(written.len(), 2);
    assert_eq!(written[0].body["metadata"]["resourceVersion"], "41");

    let forged = Api::start(|asked, _| match asked.method.as_str() {
        "GET" => Say::Json(200, made_by("kubectl", 900)),
        _ => Say::Json(200, asked.body.clone()),
    })
    .await;
    let (clusters, target) = world(&forged);
    // Workers may have shown it by now: what is wished for has to go beyond it.
    assert!(clusters.apply_gate(&target, &gate(2)).await.is_err());
    clusters.apply_gate(&target, &gate(901)).await.unwrap();
    assert_eq!(forged.asked_by("PATCH").len(), 1);
}

#[tokio::test]
async fn a_gate_that_changed_between_look_and_write_is_looked_at_again() {
    let api = Api::start(|asked, before| match (asked.method.as_str(), before) {
        ("GET", 0) => Say::Json(200, made_by("hosted-instances", 1)),
        // Meanwhile somebody with a later wish was faster.
        ("GET", _) => Say::Json(200, made_by("hosted-instances", 5)),
        _ => Say::status(409, "the object has been modified"),
    })
    .await;
    let (clusters, target) = world(&api);
    let refused = clusters.apply_gate(&target, &gate(3)).await.unwrap_err();
    assert!(refused.to_string().contains("generation 5"), "{refused}");
    assert_eq!(api.asked_by("PATCH").len(), 1);
}

#[tokio::test]
async fn a_sync_is_asked_for_only_while_none_runs() {
    let application = |phase: &str, asked_for: bool| {
        let target = target(ClusterAccess::InCluster);
        let mut object = serde_json::to_value(wish::application(&target)).unwrap();
        object["metadata"]["resourceVersion"] = json!("7");
        object["status"] = json!({"operationState": {"phase": phase}});
        if asked_for {
            object["operation"] = json!({"sync": {}});
        }
        object
    };
    for (phase, asked_for, patches) in [
        ("Running", false, 0),
        ("Failed", true, 0),
        ("Failed", false, 1),
        ("", false, 1),
    ] {
        let object = application(phase, asked_for);
        let api = Api::start(move |_, _| Say::Json(200, object.clone())).await;
        let (clusters, target) = world(&api);
        clusters.retry_sync(&target).await.unwrap();
        let sent = api.asked_by("PATCH");
        assert_eq!(sent.len(), patches, "{phase}");
        if let Some(sent) = sent.first() {
            assert_eq!(sent.content_type, "application/merge-patch+json");
            assert_eq!(sent.body["metadata"]["resourceVersion"], "7");
            assert_eq!(sent.body["operation"]["sync"]["prune"], true);
            assert!(sent.body["spec"].is_null());
        }
    }
}

/// What is said, what it becomes, and how often it is asked.
type Row = (Say, fn(&ClusterError) -> bool, usize);

#[tokio::test]
async fn answers_become_the_ports_words() {
    let table: [Row; 7] = [
        (
            Say::status(500, "etcd"),
            |e| matches!(e, ClusterError::Unreachable(t) if t.contains("500: etcd")),
            3,
        ),
        (
            Say::Garbage(200),
            |e| matches!(e, ClusterError::Unreachable(t) if t.contains("not what a Kubernetes API")),
            3,
        ),
        (
            Say::Garbage(502),
            |e| matches!(e, ClusterError::Unreachable(t) if t.contains("502")),
            3,
        ),
        (
            Say::status(429, ""),
            |e| matches!(e, ClusterError::Busy(t) if t.contains("30 s")),
            1,
        ),
        (
            Say::status(403, "no"),
            |e| matches!(e, ClusterError::Refused(t) if t.contains("refused: no")),
            1,
        ),
        (
            Say::status(401, ""),
            |e| matches!(e, ClusterError::Refused(t) if t.contains("credentials")),
            1,
        ),
        (
            Say::status(409, "owned"),
            |e| matches!(e, ClusterError::Refused(t) if t.contains("owned")),
            1,
        ),
    ];
    for (say, wished, times) in table {
        let told = say.clone();
        let api = Api::start(move |_, _| told.clone()).await;
        let (clusters, target) = world(&api);
        let error = clusters.remove_namespace(&target).await.unwrap_err();
        assert!(wished(&error), "{say:?}: {error:?}");
        assert_eq!(api.asked().len(), times, "{say:?}");
        assert!(
            clusters.observe(&target).await.is_err(),
            "half a look is none"
        );
    }
}

#[tokio::test]
async fn a_pause_that_is_short_is_kept_and_the_call_succeeds() {
    let api = Api::start(|asked, before| match before {
        0 => Say::Json(
            429,
            json!({"kind": "Status", "code": 429, "details": {"retryAfterSeconds": 1}}),
        ),
        _ => Say::Json(200, json!({"metadata": {"name": asked.path}})),
    })
    .await;
    let (clusters, target) = world(&api);
    let begun = Instant::now();
    clusters.remove_application(&target).await.unwrap();
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(api.asked().len(), 2);
}

#[tokio::test]
async fn an_api_that_says_nothing_is_given_up_in_time() {
    let api = Api::start(|_, _| Say::Nothing).await;
    let (clusters, target) = world(&api);
    let begun = Instant::now();
    let error = clusters.apply_application(&target).await.unwrap_err();
    assert_eq!(
        error,
        ClusterError::Unreachable("no answer within 10 s".to_owned())
    );
    assert!(
        begun.elapsed() < Duration::from_secs(11),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn kinds_that_are_not_installed_are_simply_not_there() {
    let api = Api::start(empty).await;
    let (clusters, target) = world(&api);
    let seen = clusters.observe(&target).await.unwrap();
    assert!(seen.application.is_none() && seen.database.is_none() && seen.pods.is_empty());
    // The service's answers are echoes here, so only its entries are found.
    let left = clusters.leftovers(&target).await.unwrap();
    assert!(
        left.iter().all(|l| l.starts_with("Secrets Manager entry")),
        "{left:?}"
    );
}

#[tokio::test]
async fn the_check_names_what_is_missing() {
    let api = Api::start(|asked, _| {
        if asked.path == "/version" {
            return Say::version();
        }
        if asked.path.ends_with("selfsubjectaccessreviews") {
            let right = &asked.body["spec"]["resourceAttributes"];
            let allowed = right["resource"] != "secrets" || right["verb"] != "delete";
            return Say::Json(201, json!({"spec": {}, "status": {"allowed": allowed}}));
        }
        if asked.path.ends_with("/appprojects/prism-instances") {
            return Say::Json(
                200,
                json!({"metadata": {"name": "prism-instances"}, "spec": {
                    "sourceNamespaces": ["argocd"], "sourceRepos": ["*"],
                    "destinations": [{"namespace": "*", "server": "*"}],
                }}),
            );
        }
        Say::status(404, "not found")
    })
    .await;
    let (clusters, target) = world(&api);
    let lines = clusters.check(&target.cluster).await;
    let line = |name: &str| lines.iter().find(|line| line.name == name).unwrap();
    assert_eq!(line("Kubernetes API").detail, "Answers, v1.35.4.");
    let secrets = line("Rights on secrets");
    assert!(
        !secrets.ok && secrets.detail.contains("Missing: delete"),
        "{}",
        secrets.detail
    );
    assert!(line("Rights on pods").ok);
    assert!(
        line("certificates.cert-manager.io/v1")
            .detail
            .contains("Install cert-manager")
    );
    assert!(!line("Namespace of Applications").ok);
    let project = &line("Argo CD project").detail;
    assert!(
        project.contains("does not admit hosted-instances"),
        "{project}"
    );
    assert!(project.contains("wider than prism*"), "{project}");
    assert!(!line("Secrets Manager").ok);
}

#[tokio::test]
async fn a_probe_tells_the_stage_and_never_the_key() {
    let api = Api::start(|asked, before| match (asked.path.as_str(), before) {
        ("/cloud-agent/_system/health", 0) => Say::Json(200, json!({"version": "2.1.0"})),
        (_, 1) => Say::status(401, ""),
        (_, 2) => Say::Garbage(200),
        _ => Say::Nothing,
    })
    .await;
    let (clusters, mut target) = world(&api);
    let key = key();
    let failed = |stage: &'static str| move |o: &ProbeOutcome| matches!(o, ProbeOutcome::Failed { stage: s, .. } if s == stage);
    let answered = clusters.probe(&target, &key).await;
    assert_eq!(
        answered.outcome,
        ProbeOutcome::Answered {
            version: "2.1.0".to_owned()
        }
    );
    let refused = clusters.probe(&target, &key).await;
    assert_eq!(refused.outcome, ProbeOutcome::Refused { status: 401 });
    let http = clusters.probe(&target, &key).await;
    assert!(failed("http")(&http.outcome), "{http:?}");
    let silent = clusters.probe(&target, &key).await;
    assert!(
        failed("timeout")(&silent.outcome) && silent.millis < 5_900,
        "{silent:?}"
    );
    target.cluster.gateway.scheme = "https".to_owned();
    let tls = clusters.probe(&target, &key).await;
    assert!(failed("tls")(&tls.outcome), "{tls:?}");
    target.cluster.gateway.address = Some("127.0.0.1:1".to_owned());
    let connect = clusters.probe(&target, &key).await;
    assert!(failed("connect")(&connect.outcome), "{connect:?}");
    target.cluster.gateway.address = Some("nobody.invalid:443".to_owned());
    let dns = clusters.probe(&target, &key).await;
    assert!(failed("dns")(&dns.outcome), "{dns:?}");
    for probe in [answered, refused, http, silent, tls, connect, dns] {
        assert!(!format!("{probe:?}").contains(&key.expose()[18..]));
    }
}
