//! Facts from objects as real clusters write them, one sample for each trouble.

use model::cluster::ClusterAccess;
use model::observation::{NamespaceFact, Observation, PodTrouble};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::resource::{ApisixPluginConfig, Application, Certificate, ExternalSecret, Postgresql};
use crate::wish::samples::target;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Event, Namespace, PersistentVolumeClaim, Pod};
use service::ports::Gate;

const SPACE: &str = "prismk7mq2x9dr4ht";

/// Puts an object into the facts the way a look does.
fn add<K: Reduce + DeserializeOwned>(facts: &mut Facts, mut object: Value) {
    if object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = json!(SPACE);
    }
    let object: K = serde_json::from_value(object).unwrap();
    assert_eq!(object.instance().unwrap().as_str(), "k7mq2x9dr4ht");
    let name = object.meta().name.clone().unwrap();
    facts.put(K::SORT, &name, object.reduce());
}

fn seen(facts: &Facts) -> Observation {
    assemble(
        facts,
        &target(ClusterAccess::InCluster),
        Timestamp::from_micros(1),
    )
}

fn pod(status: Value) -> Value {
    let labels = json!({"app.kubernetes.io/component": "agent"});
    let mut object = json!({
        "metadata": {"name": "cloud-agent-1-x", "labels": labels},
        "spec": {"containers": [{"name": "cloud-agent"}]},
    });
    object["status"] = status;
    object
}

fn container(state: &Value, more: &Value) -> Value {
    let mut container = json!({
        "name": "cloud-agent", "image": "ghcr.io/x/agent:1", "imageID": "", "ready": false,
        "restartCount": 0, "state": state,
    });
    for (key, value) in more.as_object().unwrap() {
        container[key] = value.clone();
    }
    json!({"phase": "Pending", "containerStatuses": [container]})
}

fn trouble_of(status: Value) -> Option<PodTrouble> {
    let mut facts = Facts::default();
    add::<Pod>(&mut facts, pod(status));
    let seen = seen(&facts);
    assert_eq!(seen.pods[0].component, "agent");
    assert!(!seen.pods[0].ready);
    seen.pods[0].trouble.clone()
}

fn crash(message: &str) -> PodTrouble {
    PodTrouble::Crash {
        container: "cloud-agent".to_owned(),
        message: message.to_owned(),
    }
}

#[test]
fn images_that_cannot_be_pulled() {
    for reason in ["ImagePullBackOff", "ErrImagePull", "InvalidImageName"] {
        let state = json!({"waiting": {"reason": reason, "message": "manifest\n unknown"}});
        assert_eq!(
            trouble_of(container(&state, &json!({}))),
            Some(PodTrouble::ImagePull {
                image: "ghcr.io/x/agent:1".to_owned(),
                message: "manifest unknown".to_owned(),
            }),
            "{reason}"
        );
    }
}

#[test]
fn containers_that_crash_in_every_moment_of_it() {
    let end = json!({"exitCode": 1, "reason": "Error", "message": "at start\nno database\n"});
    let waits = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}});
    let before = json!({"lastState": {"terminated": end}, "restartCount": 4});
    assert_eq!(
        trouble_of(container(&waits, &before)),
        Some(crash("CrashLoopBackOff: exit code 1 (Error): no database"))
    );
    let ended = json!({"terminated": end});
    assert_eq!(
        trouble_of(container(&ended, &json!({}))),
        Some(crash("exit code 1 (Error): no database"))
    );
    let up = json!({"running": {"startedAt": "2026-11-24T12:00:00Z"}});
    assert_eq!(
        trouble_of(container(&up, &before)),
        Some(crash("restarted 4 times: exit code 1 (Error): no database"))
    );
    // Starting for the first time, or ended as it should: no trouble.
    assert_eq!(trouble_of(container(&up, &json!({}))), None);
    let done = json!({"terminated": {"exitCode": 0, "reason": "Completed"}});
    assert_eq!(trouble_of(container(&done, &json!({}))), None);
    let killed = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    assert_eq!(
        trouble_of(container(&killed, &json!({}))),
        Some(crash("exit code 137 (OOMKilled)"))
    );
}

#[test]
fn an_init_container_counts_and_a_pull_comes_before_a_crash() {
    let mut status = container(
        &json!({"waiting": {"reason": "PodInitializing"}}),
        &json!({}),
    );
    status["initContainerStatuses"] = json!([{
        "name": "wait-for-database", "image": "x", "imageID": "", "ready": false, "restartCount": 3,
        "state": {"terminated": {"exitCode": 2, "reason": "Error"}},
    }]);
    assert_eq!(
        trouble_of(status),
        Some(PodTrouble::Crash {
            container: "wait-for-database".to_owned(),
            message: "exit code 2 (Error)".to_owned(),
        })
    );
}

#[test]
fn pods_that_no_node_takes() {
    let unschedulable = |message: &str| {
        json!({"phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        }]})
    };
    assert_eq!(
        trouble_of(unschedulable(
            "0/3 nodes are available: 3 Insufficient cpu."
        )),
        Some(PodTrouble::Unschedulable {
            message: "0/3 nodes are available: 3 Insufficient cpu.".to_owned(),
        })
    );
    // A volume that is not bound is the cause then, and the pod only its consequence.
    let mut facts = Facts::default();
    add::<Pod>(
        &mut facts,
        pod(unschedulable(
            "pod has unbound immediate PersistentVolumeClaims",
        )),
    );
    add::<PersistentVolumeClaim>(
        &mut facts,
        json!({"metadata": {"name": "pgdata-prism-postgres-0"}, "status": {"phase": "Pending"}}),
    );
    add::<Event>(
        &mut facts,
        event(
            "PersistentVolumeClaim/pgdata-prism-postgres-0",
            "Warning",
            "ProvisioningFailed",
            "no quota",
            3,
        ),
    );
    add::<Event>(
        &mut facts,
        event(
            "PersistentVolumeClaim/pgdata-prism-postgres-0",
            "Normal",
            "ExternalProvisioning",
            "waiting",
            5,
        ),
    );
    let seen = seen(&facts);
    assert_eq!(seen.pods[0].trouble, None);
    assert_eq!(
        seen.unbound,
        [("pgdata-prism-postgres-0".to_owned(), "no quota".to_owned())]
    );
}

#[test]
fn a_container_that_waits_for_its_secret_blames_the_secret() {
    let state = json!({"waiting": {
        "reason": "CreateContainerConfigError", "message": "secret \"instance-secrets\" not found",
    }});
    let mut facts = Facts::default();
    add::<Pod>(&mut facts, pod(container(&state, &json!({}))));
    assert!(
        seen(&facts).pods[0].trouble.is_some(),
        "no secret is known that could be the cause"
    );
    let secret = |ready: &str, reason: &str| {
        json!({"metadata": {"name": "instance-secrets"}, "spec": {}, "status": {"conditions": [
            {"type": "Ready", "status": ready, "reason": reason, "message": "could not get secret"},
        ]}})
    };
    add::<ExternalSecret>(&mut facts, secret("False", "SecretSyncedError"));
    let found = seen(&facts);
    assert_eq!(found.pods[0].trouble, None);
    assert_eq!(found.secrets[0].object, "ExternalSecret/instance-secrets");
    assert_eq!(found.secrets[0].reason, "SecretSyncedError");
    add::<ExternalSecret>(&mut facts, secret("True", "SecretSynced"));
    assert!(seen(&facts).pods[0].trouble.is_some());
}

#[test]
fn pods_that_are_going_or_done_are_left_out() {
    let mut going = pod(json!({"phase": "Running"}));
    going["metadata"]["deletionTimestamp"] = json!("2026-11-24T12:00:00Z");
    let evicted = pod(json!({"phase": "Failed", "reason": "Evicted"}));
    for object in [going, pod(json!({"phase": "Succeeded"})), evicted] {
        let mut facts = Facts::default();
        add::<Pod>(&mut facts, object);
        assert!(seen(&facts).pods.is_empty());
    }
    let mut facts = Facts::default();
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    add::<Pod>(&mut facts, pod(ready));
    assert!(seen(&facts).pods[0].ready);
}

fn event(object: &str, kind: &str, reason: &str, message: &str, second: u32) -> Value {
    let (about, name) = object.split_once('/').unwrap();
    json!({
        "metadata": {"name": format!("{name}.{second}")},
        "involvedObject": {"kind": about, "name": name, "namespace": SPACE},
        "type": kind, "reason": reason, "message": message, "count": 2,
        "lastTimestamp": format!("2026-11-24T12:00:{second:02}Z"),
    })
}

fn deployment(name: &str, ready: i32, conditions: Value) -> Value {
    let labels = json!({"app.kubernetes.io/component": "agent"});
    let containers = json!([{"name": name, "image": "agent:1"}]);
    let mut object = json!({
        "metadata": {"name": name, "generation": 2, "labels": labels},
        "spec": {"replicas": 2, "selector": {}, "template": {"spec": {"containers": containers}}},
        "status": {"observedGeneration": 2, "readyReplicas": ready, "updatedReplicas": ready},
    });
    object["status"]["conditions"] = conditions;
    object
}

const REFUSAL: &str = "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"";

/// Two workloads whose pods are refused: one says so itself, of the other only an event does.
fn refused_pods() -> Facts {
    let mut facts = Facts::default();
    add::<Deployment>(
        &mut facts,
        deployment(
            "cloud-agent",
            0,
            json!([
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": REFUSAL},
            ]),
        ),
    );
    add::<Deployment>(
        &mut facts,
        deployment("cloud-agent-enterprise", 0, json!([])),
    );
    add::<Event>(
        &mut facts,
        event(
            "ReplicaSet/cloud-agent-enterprise-6d5",
            "Warning",
            "FailedCreate",
            "exceeded quota",
            9,
        ),
    );
    facts
}

#[test]
fn pods_that_could_not_even_be_created() {
    let found = seen(&refused_pods());
    assert_eq!(
        found.refused,
        [
            ("Deployment/cloud-agent".to_owned(), REFUSAL.to_owned()),
            (
                "Deployment/cloud-agent-enterprise".to_owned(),
                "exceeded quota".to_owned()
            ),
        ]
    );
    assert_eq!(
        (found.workloads[0].wished, found.workloads[0].ready),
        (2, 0)
    );
    assert_eq!(found.workloads[0].image, "agent:1");
}

#[test]
fn a_refusal_ends_when_the_workload_is_complete_or_a_pod_was_made() {
    let mut facts = refused_pods();
    // The event itself stays for an hour.
    let mut healed = facts.clone();
    add::<Deployment>(&mut healed, deployment("cloud-agent", 2, json!([])));
    add::<Deployment>(
        &mut healed,
        deployment("cloud-agent-enterprise", 2, json!([])),
    );
    assert_eq!(seen(&healed).refused, []);
    add::<Deployment>(&mut facts, deployment("cloud-agent", 2, json!([])));
    add::<Event>(
        &mut facts,
        event(
            "ReplicaSet/cloud-agent-enterprise-6d5",
            "Normal",
            "SuccessfulCreate",
            "Created pod",
            10,
        ),
    );
    assert_eq!(seen(&facts).refused, []);
}

#[test]
fn the_database_operators_objects_have_their_component() {
    let mut facts = Facts::default();
    add::<StatefulSet>(
        &mut facts,
        json!({
            "metadata": {"name": "prism-postgres", "labels": {"application": "spilo", "cluster-name": "prism-postgres"}},
            "spec": {"replicas": 2, "serviceName": "x", "selector": {}, "template": {}},
            "status": {"replicas": 2, "readyReplicas": 1},
        }),
    );
    add::<Postgresql>(
        &mut facts,
        json!({
            "apiVersion": "acid.zalan.do/v1", "kind": "postgresql", "metadata": {"name": "prism-postgres"},
            "spec": {"teamId": "prism"}, "status": {"PostgresClusterStatus": "CreateFailed"},
        }),
    );
    let found = seen(&facts);
    assert_eq!(found.workloads[0].component, "database");
    assert_eq!(found.workloads[0].object, "StatefulSet/prism-postgres");
    assert_eq!(found.database.as_deref(), Some("CreateFailed"));
    add::<Postgresql>(
        &mut facts,
        json!({"metadata": {"name": "prism-postgres"}, "spec": {}}),
    );
    assert_eq!(seen(&facts).database.as_deref(), Some(""));
}

#[test]
fn a_certificate_says_why_its_last_attempt_failed() {
    let certificate = |conditions: Value| json!({"metadata": {"name": "gateway"}, "spec": {}, "status": {"conditions": conditions}});
    let mut facts = Facts::default();
    add::<Certificate>(
        &mut facts,
        certificate(json!([
            {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "Issuing certificate as Secret does not exist"},
            {"type": "Issuing", "status": "True", "reason": "DoesNotExist"},
        ])),
    );
    let fact = seen(&facts).certificate.unwrap();
    assert_eq!(
        (fact.ready.as_str(), fact.reason.as_str()),
        ("False", "DoesNotExist")
    );
    add::<Certificate>(
        &mut facts,
        certificate(json!([
            {"type": "Ready", "status": "False", "reason": "DoesNotExist", "message": "x"},
            {"type": "Issuing", "status": "False", "reason": "Failed", "message": "rateLimited"},
        ])),
    );
    let fact = seen(&facts).certificate.unwrap();
    assert_eq!(
        (fact.reason.as_str(), fact.message.as_str()),
        ("Failed", "rateLimited")
    );
    add::<Certificate>(
        &mut facts,
        certificate(json!([
            {"type": "Ready", "status": "True", "reason": "Ready", "message": "up to date"},
            {"type": "Issuing", "status": "False", "reason": "Failed", "message": "renewal failed"},
        ])),
    );
    assert_eq!(seen(&facts).certificate.unwrap().ready, "True");
}

#[test]
fn a_namespace_that_goes_says_what_holds_it() {
    let mut facts = Facts::default();
    let object = json!({
        "metadata": {"name": SPACE, "deletionTimestamp": "2026-11-24T12:00:00Z"},
        "status": {"phase": "Terminating", "conditions": [
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "fine"},
            {"type": "NamespaceContentRemaining", "status": "True", "message": "1 postgresql left"},
            {"type": "NamespaceFinalizersRemaining", "status": "True",
                "message": "Some content in the namespace has finalizers remaining: x in 1 resource instances"},
        ]},
    });
    add::<Namespace>(&mut facts, object);
    let NamespaceFact::Terminating { blocked_by } = seen(&facts).namespace else {
        panic!("it is terminating");
    };
    assert_eq!(blocked_by.len(), 2);
    assert!(
        blocked_by[0].contains("finalizers remaining"),
        "{blocked_by:?}"
    );
    add::<Namespace>(&mut facts, json!({"metadata": {"name": SPACE}}));
    assert_eq!(seen(&facts).namespace, NamespaceFact::Active);
}

fn application_with(status: Value) -> Value {
    let mut object =
        serde_json::to_value(crate::wish::application(&target(ClusterAccess::InCluster))).unwrap();
    object["status"] = status;
    object
}

#[test]
fn an_application_counts_only_for_the_specification_it_was_compared_with() {
    let wished = application_with(json!({}));
    let echo =
        json!({"sources": wished["spec"]["sources"], "destination": wished["spec"]["destination"]});
    let mut facts = Facts::default();
    let status = |compared: &Value| {
        json!({
            "sync": {"status": "Synced", "comparedTo": compared}, "health": {"status": "Healthy"},
            "operationState": {"phase": "Succeeded", "message": "successfully synced"},
            "conditions": [{"type": "SyncError", "message": "a\nb"}],
        })
    };
    add::<Application>(&mut facts, application_with(status(&echo)));
    let fact = seen(&facts).application.unwrap();
    assert!(fact.as_wished && fact.compared && fact.deleting.is_none());
    assert_eq!(
        (fact.sync.as_str(), fact.health.as_str()),
        ("Synced", "Healthy")
    );
    assert_eq!(
        (fact.phase.as_str(), fact.conditions[0].1.as_str()),
        ("Succeeded", "a b")
    );

    let mut before = echo.clone();
    before["sources"][0]["targetRevision"] = json!("v2.0.0");
    add::<Application>(&mut facts, application_with(status(&before)));
    let fact = seen(&facts).application.unwrap();
    assert!(
        fact.as_wished && !fact.compared,
        "Argo CD speaks of the specification before"
    );

    add::<Application>(&mut facts, application_with(json!({})));
    let fact = seen(&facts).application.unwrap();
    assert!(fact.as_wished && !fact.compared && fact.sync.is_empty());
}

#[test]
fn an_application_that_goes_names_its_finalizers() {
    let mut object = application_with(json!({}));
    object["metadata"]["deletionTimestamp"] = json!("2026-11-24T12:00:00Z");
    let mut facts = Facts::default();
    add::<Application>(&mut facts, object);
    let deleting = seen(&facts).application.unwrap().deleting.unwrap();
    assert_eq!(
        deleting,
        ["resources-finalizer.argocd.argoproj.io/foreground"]
    );
}

#[test]
fn of_many_events_the_latest_forty_are_kept_newest_first() {
    let mut facts = Facts::default();
    for second in 0..59 {
        add::<Event>(
            &mut facts,
            event("Pod/cloud-agent-x", "Normal", "Pulled", "ok", second),
        );
    }
    let events = seen(&facts).events;
    assert_eq!(events.len(), 40);
    assert!(events.windows(2).all(|pair| pair[0].at > pair[1].at));
    assert_eq!(
        events[0].at,
        Timestamp::parse("2026-11-24T12:00:58Z").unwrap()
    );
    assert_eq!(
        (events[0].object.as_str(), events[0].count),
        ("Pod/cloud-agent-x", 2)
    );
}

#[test]
fn events_without_the_old_fields_have_a_time_all_the_same() {
    let mut facts = Facts::default();
    add::<Event>(
        &mut facts,
        json!({
            "metadata": {"name": "a", "namespace": "hosted-instances"},
            "involvedObject": {"kind": "Application", "name": SPACE, "namespace": "hosted-instances"},
            "eventTime": "2026-11-24T12:00:00.500000Z", "reason": "OperationStarted",
        }),
    );
    let events = seen(&facts).events;
    assert_eq!(
        events[0].at,
        Timestamp::parse("2026-11-24T12:00:00.5Z").unwrap()
    );
    assert_eq!(events[0].object, format!("Application/{SPACE}"));
}

#[test]
fn a_whole_instance_is_kept_in_three_and_a_half_kilobytes() {
    let mut facts = Facts::default();
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    for name in ["cloud-agent", "cloud-agent-enterprise", "vdr-node"] {
        add::<Deployment>(&mut facts, deployment(name, 2, json!([])));
        for number in 0..2 {
            let mut pod = pod(ready.clone());
            pod["metadata"]["name"] = json!(format!("{name}-5f6d8c7b9-abcd{number}"));
            add::<Pod>(&mut facts, pod);
        }
    }
    add::<Application>(
        &mut facts,
        application_with(json!({"sync": {"status": "Synced"}})),
    );
    add::<Namespace>(&mut facts, json!({"metadata": {"name": SPACE}}));
    add::<StatefulSet>(
        &mut facts,
        json!({
            "metadata": {"name": "prism-postgres", "labels": {"application": "spilo"}},
            "spec": {"replicas": 2, "serviceName": "x", "selector": {}, "template": {}},
        }),
    );
    for number in 0..2 {
        let mut pod = pod(ready.clone());
        pod["metadata"]["name"] = json!(format!("prism-postgres-{number}"));
        add::<Pod>(&mut facts, pod);
    }
    add::<Postgresql>(
        &mut facts,
        json!({"metadata": {"name": "prism-postgres"}, "spec": {},
            "status": {"PostgresClusterStatus": "Running"}}),
    );
    let well = json!({"conditions": [{"type": "Ready", "status": "True", "reason": "Ready",
        "message": "Certificate is up to date and has not expired"}]});
    add::<Certificate>(
        &mut facts,
        json!({"metadata": {"name": "gateway"}, "spec": {}, "status": well.clone()}),
    );
    add::<ExternalSecret>(
        &mut facts,
        json!({"metadata": {"name": "instance-secrets"}, "spec": {}, "status": well.clone()}),
    );
    let gate = Gate {
        generation: 12,
        open_to: vec!["watchman".to_owned()],
    };
    let gate = crate::wish::gate(&target(ClusterAccess::InCluster), &gate);
    add::<ApisixPluginConfig>(&mut facts, serde_json::to_value(gate).unwrap());
    let kept: usize = facts
        .0
        .iter()
        .map(|((_, name), fact)| name.len() + size_of::<(Sort, Box<str>, Fact)>() + weight(fact))
        .sum();
    assert!(kept <= 3_584, "{kept} bytes");
}

/// Bytes on the heap behind a fact, as far as they grow with what was said.
fn weight(fact: &Fact) -> usize {
    match fact {
        Fact::Pod(pod) => pod.component.len(),
        Fact::Workload(w) => w.fact.object.len() + w.fact.component.len() + w.fact.image.len(),
        Fact::Application(a) => size_of::<ApplicationSeen>() + a.sync.len() + a.message.len(),
        Fact::Ready(r) => r.object.len() + r.ready.len() + r.reason.len() + r.message.len(),
        Fact::Gate(gate, _) => gate.open_to.iter().map(|name| name.len() + 24).sum(),
        Fact::Database(word) => word.len(),
        _ => 0,
    }
}
