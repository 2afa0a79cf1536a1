//! The whole port against whole clusters: the stories that an operation and a watch live through, over
//! real HTTP. Every wait is for a condition that the watch reports.

mod token;
mod world;

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use model::cause::CauseCode;
use model::observation::{NamespaceFact, Observation, ProbeOutcome};
use sandbox::{ClusterFault, Fault};
use serde_json::json;
use service::ports::{ClusterError, ClusterPort, WatchEvent};

use self::world::{PATIENCE, Watched, World, cluster_fault, is_well};
use crate::resource::ApisixPluginConfig;

#[tokio::test]
async fn a_good_cluster_passes_every_line_of_the_check() {
    let world = World::new().await;
    let lines = world.clusters.check(&world.target.cluster).await;
    let wrong: Vec<_> = lines.iter().filter(|line| !line.ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(lines.len() > 25, "{}", lines.len());
    let mut other = world.target.cluster.clone();
    other.project = "default".to_owned();
    other.application_namespace = "nowhere".to_owned();
    let lines = world.clusters.check(&other).await;
    let wrong: Vec<&str> = lines
        .iter()
        .filter(|l| !l.ok)
        .map(|l| l.name.as_str())
        .collect();
    assert_eq!(wrong, ["Namespace of Applications", "Argo CD project"]);
}

#[tokio::test]
async fn an_instance_is_created_seen_well_and_deleted_to_nothing() {
    let world = World::new().await;
    let mut watched = world.watch();
    watched
        .until("the first list", |e| {
            matches!(e, WatchEvent::Listed).then_some(())
        })
        .await;
    world.create().await;
    let seen = watched.seen("a well instance", is_well).await;
    assert_eq!(seen.gate.as_ref().unwrap().open_to, ["watchman"]);
    assert!(
        seen.outside_changes.is_empty(),
        "{:?}",
        seen.outside_changes
    );
    assert_eq!(world.causes(&seen, None), []);
    let looked = world.clusters.observe(&world.target).await.unwrap();
    let mut same = seen.clone();
    (same.at, same.events) = (looked.at, looked.events.clone());
    assert_eq!(looked, same, "a look and a watch agree");
    let probe = world.probe().await;
    assert_eq!(
        probe.outcome,
        ProbeOutcome::Answered {
            version: "2.1.0".to_owned()
        }
    );
    delete(&world, &mut watched).await;
    watched.stop().await;
}

/// Every step of a deletion, each twice, and the proof.
async fn delete(world: &World, watched: &mut Watched) {
    let (clusters, target) = (&world.clusters, &world.target);
    world.gate(2, &[]).await.unwrap();
    watched
        .seen("the closed door", |o| {
            o.gate.as_ref().is_some_and(|g| g.generation == 2)
        })
        .await;
    let refused = world.gate(1, &["watchman"]).await.unwrap_err();
    assert!(
        refused.to_string().contains("generation 2 already"),
        "{refused}"
    );
    let left = clusters.leftovers(target).await.unwrap();
    assert!(
        left.iter().any(|l| l.starts_with("Application ")) && left.len() > 10,
        "{left:?}"
    );
    for _ in 0..2 {
        clusters.remove_keys(target).await.unwrap();
        clusters.remove_application(target).await.unwrap();
    }
    watched
        .seen("no Application", |o| o.application.is_none())
        .await;
    for _ in 0..2 {
        clusters.remove_namespace(target).await.unwrap();
    }
    watched
        .seen("no namespace", |o| o.namespace == NamespaceFact::Absent)
        .await;
    for _ in 0..2 {
        clusters.remove_secrets(target).await.unwrap();
    }
    assert_eq!(
        clusters.leftovers(target).await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn every_fault_of_an_instance_has_its_cause_and_heals() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    let table = [
        (Fault::ImagePull, CauseCode::ImageCannotBePulled),
        (Fault::CrashLoop, CauseCode::ContainerCrashes),
        (Fault::MigrationFailed, CauseCode::MigrationFailed),
        (Fault::Unschedulable, CauseCode::PodCannotBeScheduled),
        (Fault::DatabaseFailed, CauseCode::DatabaseNotRunning),
        (Fault::CertificatePending, CauseCode::CertificateNotIssued),
        (Fault::SecretNotSynced, CauseCode::SecretNotSynced),
        (Fault::ChartBroken, CauseCode::ChartDoesNotRender),
    ];
    for (fault, code) in table {
        world.fault(Some(fault)).await;
        let what = format!("{code:?} of {}", fault.name());
        watched
            .seen(&what, |seen| {
                world.causes(seen, None).first() == Some(&code)
            })
            .await;
        world.fault(None).await;
        let what = format!("the end of {}", fault.name());
        watched
            .seen(&what, |seen| {
                is_well(seen) && world.causes(seen, None).is_empty()
            })
            .await;
    }
}

#[tokio::test]
async fn faults_behind_the_gateway_show_in_the_probe() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    for (fault, outcome) in [
        (Fault::ProbeRefused, ProbeOutcome::Refused { status: 503 }),
        (
            Fault::WrongVersion,
            ProbeOutcome::Answered {
                version: "0.0.0".to_owned(),
            },
        ),
    ] {
        world.fault(Some(fault)).await;
        let end = Instant::now() + PATIENCE;
        loop {
            let found = world.probe().await.outcome;
            let as_wished = match (&found, &outcome) {
                (ProbeOutcome::Answered { version }, ProbeOutcome::Answered { .. }) => {
                    version != "2.1.0"
                }
                (found, outcome) => found == outcome,
            };
            if as_wished {
                break;
            }
            assert!(Instant::now() < end, "{}: {found:?}", fault.name());
        }
        world.fault(None).await;
    }
}

#[tokio::test]
async fn faults_of_a_creation_have_their_cause_and_heal() {
    for (fault, code) in [
        (Fault::SyncFailed, CauseCode::SyncFailed),
        (Fault::VolumePending, CauseCode::VolumeNotBound),
    ] {
        let world = World::new().await;
        let mut watched = world.watch();
        world.clusters.apply_namespace(&world.target).await.unwrap();
        world.fault_of_namespace(Some(fault)).await;
        world.create().await;
        let what = format!("{code:?} of {}", fault.name());
        watched
            .seen(&what, |seen| {
                world.causes(seen, None).first() == Some(&code)
            })
            .await;
        world.fault_of_namespace(None).await;
        // Argo CD gave up on this revision and must be asked; elsewhere asking changes nothing.
        world.clusters.retry_sync(&world.target).await.unwrap();
        let what = format!("the end of {}", fault.name());
        watched
            .seen(&what, |seen| {
                is_well(seen) && world.causes(seen, None).is_empty()
            })
            .await;
    }
}

#[tokio::test]
async fn a_finalizer_that_blocks_a_deletion_is_seen_until_it_goes() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    world.fault(Some(Fault::StuckFinalizer)).await;
    let spaces: Api<Namespace> = Api::all(world.client());
    let name = world.target.instance.namespace();
    // The operator puts its finalizer on the database when the fault begins.
    let held: Api<crate::resource::Postgresql> = Api::namespaced(world.client(), &name);
    let end = Instant::now() + PATIENCE;
    while held
        .get("prism-postgres")
        .await
        .unwrap()
        .metadata
        .finalizers
        .is_none()
    {
        assert!(Instant::now() < end, "no finalizer");
    }
    world
        .clusters
        .remove_application(&world.target)
        .await
        .unwrap();
    let seen = watched
        .seen("an Application that waits", |o| {
            o.application.as_ref().is_some_and(|a| a.deleting.is_some()) && o.pods.is_empty()
        })
        .await;
    assert!(seen.database.is_some());
    world
        .clusters
        .remove_namespace(&world.target)
        .await
        .unwrap();
    watched
        .seen("a namespace that says what holds it", |o| {
            match &o.namespace {
                NamespaceFact::Terminating { blocked_by } => blocked_by
                    .iter()
                    .any(|by| by.contains("postgres-operator.acid.zalan.do")),
                _ => false,
            }
        })
        .await;
    world.fault(None).await;
    watched
        .seen("the end", |o| o.namespace == NamespaceFact::Absent)
        .await;
    assert!(spaces.get_opt(&name).await.unwrap().is_none());
}

#[tokio::test]
async fn changes_by_others_are_told_and_written_back() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    edit(&world).await;
    let seen = watched
        .seen("all changes", |o| o.outside_changes.len() == 4)
        .await;
    assert_eq!(
        seen.outside_changes,
        [
            "Namespace: metadata.labels.hosted-instances.io/instance was removed by somebody else",
            "Namespace: metadata.labels.pod-security.kubernetes.io/enforce was changed by \
             kubectl-edit",
            "Application: spec.syncPolicy.automated.prune was changed by kubectl-edit",
            "Gate: spec.plugins was changed by kubectl-edit",
        ]
    );
    assert!(!seen.application.unwrap().as_wished);
    assert_eq!(seen.gate.unwrap().generation, -1);
    assert!(
        world
            .causes(&seen_again(&world).await, None)
            .contains(&CauseCode::OutsideChange)
    );
    world
        .clusters
        .apply_application(&world.target)
        .await
        .unwrap();
    world.gate(1, &["watchman"]).await.unwrap();
    world.clusters.apply_namespace(&world.target).await.unwrap();
    watched
        .seen("all written back", |o| {
            o.outside_changes.is_empty() && is_well(o)
        })
        .await;
}

/// Changes a field of ours in each of our objects, as a person with kubectl does.
async fn edit(world: &World) {
    let name = world.target.instance.namespace();
    let edit = PatchParams {
        field_manager: Some("kubectl-edit".to_owned()),
        ..Default::default()
    };
    let patch = json!({"spec": {"syncPolicy": {"automated": {"prune": false}}}});
    world
        .applications()
        .patch(&name, &edit, &Patch::Merge(&patch))
        .await
        .unwrap();
    let gates: Api<ApisixPluginConfig> = Api::namespaced(world.client(), &name);
    let patch = json!({"spec": {"plugins": []}});
    gates
        .patch("gate", &edit, &Patch::Merge(&patch))
        .await
        .unwrap();
    let spaces: Api<Namespace> = Api::all(world.client());
    let labels = json!({"pod-security.kubernetes.io/enforce": "privileged",
        "hosted-instances.io/instance": null});
    let patch = json!({"metadata": {"labels": labels}});
    spaces
        .patch(&name, &edit, &Patch::Merge(&patch))
        .await
        .unwrap();
}

async fn seen_again(world: &World) -> Observation {
    world.clusters.observe(&world.target).await.unwrap()
}

#[tokio::test]
async fn another_ones_namespace_is_left_alone() {
    let world = World::new().await;
    let name = world.target.instance.namespace();
    let spaces: Api<Namespace> = Api::all(world.client());
    let theirs = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    spaces
        .create(&PostParams::default(), &theirs)
        .await
        .unwrap();
    for done in [
        world.clusters.apply_namespace(&world.target).await,
        world.clusters.remove_namespace(&world.target).await,
    ] {
        let said = done.unwrap_err();
        assert!(
            matches!(&said, ClusterError::Refused(t) if t.contains("not ours")),
            "{said}"
        );
    }
    spaces
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn secrets_are_written_once_and_never_told() {
    let world = World::new().await;
    let (clusters, target) = (&world.clusters, &world.target);
    let mut secrets = World::secrets();
    clusters.write_secrets(target, &secrets).await.unwrap();
    // Another text under another token: the first one stays.
    secrets[0].text = "another".to_owned().into();
    secrets[0].request_token = "018f3f1e-0000-7000-8000-0000000000ff".to_owned();
    clusters.write_secrets(target, &secrets).await.unwrap();
    let left = clusters.leftovers(target).await.unwrap();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(left[0].starts_with("Secrets Manager entry hosted-instances/one/k7mq2x9dr4ht/"));
    assert!(!format!("{secrets:?}{left:?}").contains("do-not-tell"));
    clusters.remove_secrets(target).await.unwrap();
    assert!(clusters.leftovers(target).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cluster_that_goes_away_and_comes_back_is_told_both_times() {
    let world = World::new().await;
    world.create().await;
    let mut watched = world.watch();
    watched.seen("a well instance", is_well).await;
    for fault in [
        ClusterFault::ApiDown,
        ClusterFault::Api500,
        ClusterFault::ApiGarbage,
    ] {
        cluster_fault(&world, fault, true).await;
        watched
            .until(&format!("no answer: {}", fault.name()), |event| {
                matches!(event, WatchEvent::Unreachable { .. }).then_some(())
            })
            .await;
        let said = world.clusters.observe(&world.target).await.unwrap_err();
        assert!(
            matches!(said, ClusterError::Unreachable(_)),
            "{}: {said}",
            fault.name()
        );
        cluster_fault(&world, fault, false).await;
        let begun = Instant::now();
        watched
            .until("the answer again", |e| {
                matches!(e, WatchEvent::Reachable { .. }).then_some(())
            })
            .await;
        watched.seen("a well instance again", is_well).await;
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{:?}",
            begun.elapsed()
        );
    }
    watched.stop().await;
}
