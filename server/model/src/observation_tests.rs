//! From facts to opinions and causes: one row per cause.

use super::*;
use crate::cause::CauseCode;
use crate::health::{Assessment, HealthStatus};
use crate::release::Version;
use crate::view::Part;

fn now() -> Timestamp {
    Timestamp::from_micros(1_000_000_000)
}

fn wished() -> Version {
    "2.2.0".parse().unwrap()
}

fn cluster() -> ClusterFact {
    ClusterFact {
        name: "eu".into(),
        unreachable: None,
        overrides_unreachable: None,
    }
}

fn workload(object: &str, component: &str) -> WorkloadFact {
    WorkloadFact {
        object: object.into(),
        component: component.into(),
        wished: 1,
        ready: 1,
        image: String::new(),
    }
}

fn ready(object: &str) -> ReadyFact {
    ReadyFact {
        object: object.into(),
        ready: "True".into(),
        ..ReadyFact::default()
    }
}

fn good() -> Observation {
    Observation {
        at: now(),
        namespace: NamespaceFact::Active,
        application: Some(ApplicationFact {
            as_wished: true,
            compared: true,
            sync: "Synced".into(),
            health: "Healthy".into(),
            phase: "Succeeded".into(),
            ..ApplicationFact::default()
        }),
        workloads: vec![
            workload("Deployment/cloud-agent", "agent"),
            workload("Deployment/cloud-agent-enterprise", "enterprise-agent"),
            workload("Deployment/vdr-node", "registry-node"),
            workload("StatefulSet/prism-postgres", "database"),
        ],
        database: Some("Running".into()),
        certificate: Some(ready("Certificate/gateway")),
        secrets: vec![ready("ExternalSecret/instance-secrets")],
        ..Observation::default()
    }
}

fn answered(version: &str) -> Probe {
    Probe {
        at: now(),
        millis: 12,
        outcome: ProbeOutcome::Answered {
            version: version.into(),
        },
    }
}

fn judge(seen: &Observation, probe: &Probe) -> Assessment {
    assess(&cluster(), Some(seen), Some(probe), wished(), now())
}

fn pod(trouble: PodTrouble) -> PodFact {
    PodFact {
        name: "cloud-agent-1".into(),
        component: "agent".into(),
        ready: false,
        trouble: Some(trouble),
    }
}

#[test]
fn all_good_is_healthy_thrice() {
    let look = judge(&good(), &answered("2.2.0"));
    assert!(look.causes.is_empty(), "{:?}", look.causes);
    for opinion in [
        &look.opinions.deployment,
        &look.opinions.runtime,
        &look.opinions.reachability,
    ] {
        assert_eq!(opinion.status, HealthStatus::Healthy, "{}", opinion.summary);
    }
}

#[test]
fn every_fact_that_is_wrong_gives_its_cause() {
    type Change = fn(&mut Observation);
    let table: &[(CauseCode, Change)] = &[
        (CauseCode::ImageCannotBePulled, |o| {
            o.pods.push(pod(PodTrouble::ImagePull {
                image: "x:1".into(),
                message: "not found".into(),
            }));
        }),
        (CauseCode::ContainerCrashes, |o| {
            o.pods.push(pod(PodTrouble::Crash {
                container: "agent".into(),
                message: "exit 1".into(),
            }));
        }),
        (CauseCode::MigrationFailed, |o| {
            o.pods.push(pod(PodTrouble::Crash {
                container: "cloud-agent-enterprise".into(),
                message: "exit 1".into(),
            }));
            o.pods.push(pod(PodTrouble::Migration {
                container: "cloud-agent".into(),
                message: "Migration V18 failed".into(),
            }));
        }),
        (CauseCode::PodCannotBeScheduled, |o| {
            o.pods.push(pod(PodTrouble::Unschedulable {
                message: "0/3 nodes".into(),
            }));
        }),
        (CauseCode::PodRefused, |o| {
            o.refused.push((
                "ReplicaSet/cloud-agent-1".into(),
                "violates PodSecurity".into(),
            ));
        }),
        (CauseCode::VolumeNotBound, |o| {
            o.unbound.push(("pgdata-0".into(), "no class".into()));
        }),
        (CauseCode::DatabaseNotRunning, |o| {
            o.database = Some("CreateFailed".into());
        }),
        (CauseCode::CertificateNotIssued, |o| {
            o.certificate = Some(ReadyFact {
                object: "c".into(),
                ready: "False".into(),
                reason: "Failed".into(),
                message: "rate limited".into(),
            });
        }),
        (CauseCode::SecretNotSynced, |o| {
            o.secrets[0] = ReadyFact {
                object: "s".into(),
                ready: "False".into(),
                reason: "SecretSyncedError".into(),
                message: "denied".into(),
            }
        }),
        (CauseCode::ChartDoesNotRender, |o| {
            app(o).conditions = vec![("ComparisonError".into(), "template: parse error".into())];
        }),
        (CauseCode::OverridesUnreachable, |o| {
            app(o).conditions = vec![(
                "ComparisonError".into(),
                "failed to list refs: repository not found".into(),
            )];
        }),
        (CauseCode::SyncFailed, |o| {
            app(o).conditions = vec![("SyncError".into(), "forbidden".into())];
        }),
        (CauseCode::OutsideChange, |o| {
            o.outside_changes
                .push("spec.project was changed by kubectl-edit".into());
        }),
    ];
    for (code, change) in table {
        let mut seen = good();
        change(&mut seen);
        let look = judge(&seen, &answered("2.2.0"));
        assert_eq!(look.causes.first().map(|c| c.code), Some(*code));
    }
}

fn app(seen: &mut Observation) -> &mut ApplicationFact {
    seen.application.as_mut().unwrap()
}

#[test]
fn a_failed_operation_without_a_condition_is_a_failed_sync() {
    let mut seen = good();
    let application = app(&mut seen);
    application.phase = "Failed".into();
    application.sync = "OutOfSync".into();
    application.message = "one or more objects failed to apply".into();
    assert_eq!(
        judge(&seen, &answered("2.2.0")).causes[0].code,
        CauseCode::SyncFailed
    );
}

#[test]
fn the_probe_speaks_for_itself() {
    assert_eq!(
        judge(&good(), &answered("2.1.0")).causes[0].code,
        CauseCode::WrongVersionRunning
    );
    let refused = Probe {
        at: now(),
        millis: 1,
        outcome: ProbeOutcome::Refused { status: 503 },
    };
    let look = judge(&good(), &refused);
    assert_eq!(look.causes[0].code, CauseCode::ProbeRefused);
    assert_eq!(look.opinions.reachability.status, HealthStatus::Down);
}

#[test]
fn a_refused_probe_is_no_trouble_of_its_own_while_parts_come_up() {
    let mut seen = good();
    seen.workloads[0].ready = 0;
    let refused = Probe {
        at: now(),
        millis: 1,
        outcome: ProbeOutcome::Refused { status: 503 },
    };
    let look = judge(&seen, &refused);
    assert_eq!(look.opinions.runtime.status, HealthStatus::Progressing);
    assert!(look.causes.is_empty(), "{:?}", look.causes);
}

#[test]
fn an_unreachable_cluster_and_old_news_say_nothing_about_now() {
    let mut lost = cluster();
    lost.unreachable = Some((now(), "connection refused".into()));
    let look = assess(
        &lost,
        Some(&good()),
        Some(&answered("2.2.0")),
        wished(),
        now(),
    );
    assert_eq!(look.causes[0].code, CauseCode::ClusterUnreachable);
    assert_eq!(look.opinions.runtime.status, HealthStatus::Unknown);
    let later = now() + TRUSTED_FOR;
    let look = assess(
        &cluster(),
        Some(&good()),
        Some(&answered("2.2.0")),
        wished(),
        later,
    );
    assert_eq!(look.opinions.deployment.status, HealthStatus::Unknown);
    assert_eq!(look.opinions.reachability.status, HealthStatus::Unknown);
}

#[test]
fn argo_cd_is_believed_only_about_what_was_written_last() {
    let mut seen = good();
    app(&mut seen).compared = false;
    let look = judge(&seen, &answered("2.2.0"));
    assert_eq!(look.opinions.deployment.status, HealthStatus::Progressing);
}

#[test]
fn events_go_to_the_part_they_are_about() {
    let mut seen = good();
    for object in [
        "Pod/cloud-agent-enterprise-5f-x",
        "Pod/cloud-agent-6b-y",
        "Application/prismabc",
        "PersistentVolumeClaim/pgdata-prism-postgres-0",
    ] {
        seen.events.push(EventLine {
            at: now(),
            warning: true,
            object: object.into(),
            reason: "Failed".into(),
            message: object.into(),
            count: 1,
        });
    }
    let parts = parts(Some(&seen), None, None);
    let of = |part| {
        parts
            .iter()
            .find(|p| p.part == part)
            .unwrap()
            .events
            .iter()
            .map(|e| e.object.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Part::Agent), ["Pod/cloud-agent-6b-y"]);
    assert_eq!(
        of(Part::EnterpriseAgent),
        ["Pod/cloud-agent-enterprise-5f-x"]
    );
    assert_eq!(of(Part::Deployment), ["Application/prismabc"]);
    assert_eq!(
        of(Part::Database),
        ["PersistentVolumeClaim/pgdata-prism-postgres-0"]
    );
}
