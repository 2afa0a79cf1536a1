//! The table of what follows from what, and a walk through whole operations in which the world does
//! at once what each step asks for.

use super::*;
use crate::observation::GateFact;
use StepName as S;

struct World {
    placed: bool,
    done: Vec<StepName>,
    begun: BTreeMap<StepName, Timestamp>,
    seen: Observation,
    unreachable: Option<Cause>,
    cause: Option<(Cause, Timestamp)>,
    probe: Option<Probe>,
    grace_until: Timestamp,
    ending: Ending<'static>,
    left: Option<Vec<String>>,
    now: Timestamp,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

impl World {
    fn empty() -> Self {
        Self {
            placed: false,
            done: vec![],
            begun: BTreeMap::new(),
            seen: Observation::default(),
            unreachable: None,
            cause: None,
            probe: None,
            grace_until: at(0),
            ending: Ending::default(),
            left: None,
            now: at(1000),
        }
    }

    fn running() -> Self {
        let mut world = Self::empty();
        for step in OperationKind::Create.steps() {
            world.carry_out(*step);
        }
        world.done.clear();
        world.settle();
        world
    }

    fn next(&self, kind: OperationKind) -> Next {
        plan(
            kind,
            &Facts {
                subject: "Acme",
                placed: self.placed,
                done: &self.done,
                begun: &self.begun,
                seen: self.placed.then_some(&self.seen),
                unreachable: self.unreachable.as_ref(),
                cause: self.cause.as_ref().map(|(c, since)| (c, *since)),
                probe: self.probe.as_ref(),
                release: "2.2.0".parse().unwrap(),
                gate_generation: 1,
                grace_until: self.grace_until,
                ending: self.ending,
                left: self.left.as_deref(),
                now: self.now,
            },
        )
    }

    /// The effect of a step, as a cluster that does everything at once would show it.
    fn carry_out(&mut self, step: StepName) {
        match step {
            S::Place => self.placed = true,
            S::Namespace => self.seen.namespace = NamespaceFact::Active,
            S::Gate => {
                self.seen.gate = Some(GateFact {
                    generation: 1,
                    open_to: vec!["watchman".into()],
                });
            }
            S::Application => {
                self.seen.application = Some(ApplicationFact {
                    as_wished: true,
                    ..ApplicationFact::default()
                });
            }
            S::CloseDoor => {
                self.seen.gate = Some(GateFact {
                    generation: 1,
                    open_to: vec![],
                });
            }
            S::RemoveApplication => self.seen.application = None,
            S::RemoveNamespace => {
                self.seen.namespace = NamespaceFact::Absent;
                self.seen.gate = None;
            }
            S::ProveEmpty => self.left = Some(vec![]),
            _ => {}
        }
        self.done.push(step);
    }

    /// What the cluster does by itself.
    fn settle(&mut self) {
        if let Some(app) = &mut self.seen.application {
            app.compared = true;
            app.sync = "Synced".into();
            app.health = "Healthy".into();
            self.seen.database = Some("Running".into());
            self.seen.certificate = Some(ReadyFact {
                ready: "True".into(),
                ..ReadyFact::default()
            });
            self.probe = Some(Probe {
                at: self.now,
                millis: 1,
                outcome: ProbeOutcome::Answered {
                    version: "2.2.0".into(),
                },
            });
        }
    }

    fn app(&mut self) -> &mut ApplicationFact {
        self.seen.application.as_mut().unwrap()
    }
}

/// Walks an operation to its end and returns the steps that were carried out, in order.
fn walk(mut world: World, kind: OperationKind, every_step_twice: bool) -> Vec<StepName> {
    let mut order = vec![];
    for _ in 0..100 {
        match world.next(kind) {
            Next::Do(step) => {
                world.carry_out(step);
                if every_step_twice {
                    world.carry_out(step);
                }
                order.push(step);
            }
            Next::Wait { .. } => world.settle(),
            Next::Done => return order,
            Next::Stuck { cause, .. } => panic!("stuck: {cause}"),
        }
    }
    panic!("no end after {order:?}");
}

#[test]
fn whole_operations() {
    let create = [S::Place, S::Namespace, S::Secrets, S::Gate, S::Application];
    let delete = [
        S::CloseDoor,
        S::RevokeTokens,
        S::RemoveApplication,
        S::RemoveNamespace,
        S::RemoveSecrets,
        S::ProveEmpty,
    ];
    for twice in [false, true] {
        assert_eq!(walk(World::empty(), OperationKind::Create, twice), create);
        assert_eq!(walk(World::running(), OperationKind::Delete, twice), delete);
        let mut changed = World::running();
        changed.app().as_wished = false;
        assert_eq!(
            walk(changed, OperationKind::Reconfigure, twice),
            [S::Application]
        );
    }
}

#[test]
fn a_step_that_was_done_but_not_recorded_is_asked_for_again() {
    let mut world = World::empty();
    for step in [S::Place, S::Namespace, S::Secrets, S::Gate, S::Application] {
        assert_eq!(world.next(OperationKind::Create), Next::Do(step));
        world.carry_out(step);
        if step != S::Place {
            world.done.pop();
            assert_eq!(world.next(OperationKind::Create), Next::Do(step), "{step}");
            world.done.push(step);
        }
    }
}

#[test]
fn what_is_not_there_yet_is_waited_for_in_order() {
    let mut world = World::running();
    world.done = OperationKind::Create.steps().to_vec();
    let waits = |world: &World| match world.next(OperationKind::Create) {
        Next::Wait { step, .. } => step,
        other => panic!("{other:?}"),
    };
    world.probe = None;
    assert_eq!(waits(&world), S::Reachable);
    world.app().health = "Progressing".into();
    assert_eq!(waits(&world), S::Synced);
    world.seen.certificate.as_mut().unwrap().ready = "False".into();
    assert_eq!(waits(&world), S::Certificate);
    world.seen.database = Some("Creating".into());
    assert_eq!(waits(&world), S::Database);
    world.app().sync = "OutOfSync".into();
    assert_eq!(waits(&world), S::Synced);
    world.app().compared = false;
    assert_eq!(waits(&world), S::Synced);
}

#[test]
fn the_wrong_version_is_not_done() {
    let mut world = World::running();
    world.done = vec![S::Application];
    world.probe.as_mut().unwrap().outcome = ProbeOutcome::Answered {
        version: "2.1.0".into(),
    };
    assert!(matches!(
        world.next(OperationKind::Upgrade),
        Next::Wait {
            step: S::Reachable,
            ..
        }
    ));
}

#[test]
fn argo_cd_is_told_to_try_again_once() {
    let mut world = World::running();
    world.done = vec![S::Application];
    world.app().sync = "OutOfSync".into();
    world.app().phase = "Failed".into();
    assert_eq!(world.next(OperationKind::Upgrade), Next::Do(S::Synced));
    world.begun.insert(S::Synced, world.now);
    assert!(matches!(
        world.next(OperationKind::Upgrade),
        Next::Wait {
            step: S::Synced,
            ..
        }
    ));
}

#[test]
fn a_lasting_cause_and_a_passed_deadline_need_a_person() {
    let mut world = World::running();
    world.done = vec![S::Application];
    world.app().sync = "OutOfSync".into();
    let cause = Cause::new(CauseCode::SyncFailed, "Acme", "forbidden");
    world.cause = Some((cause.clone(), world.now));
    let next = world.next(OperationKind::Upgrade);
    assert!(
        matches!(&next, Next::Wait { reason, .. } if *reason == cause.sentence()),
        "{next:?}"
    );
    world.now = world.now + STUCK_AFTER;
    assert_eq!(
        world.next(OperationKind::Upgrade),
        Next::Stuck {
            step: S::Synced,
            cause
        }
    );
    world.cause = None;
    world.begun.insert(S::Synced, at(1000));
    world.now = at(1000) + S::Synced.deadline();
    let next = world.next(OperationKind::Upgrade);
    assert!(matches!(next, Next::Stuck { cause, .. } if cause.code == CauseCode::TakesTooLong));
}

#[test]
fn a_cluster_that_cannot_be_reached_is_waited_for_then_named() {
    let mut world = World::running();
    let cause = Cause::new(CauseCode::ClusterUnreachable, "eu", "refused");
    world.unreachable = Some(cause.clone());
    world.cause = Some((cause, world.now));
    for kind in OperationKind::ALL {
        assert!(matches!(world.next(*kind), Next::Wait { .. }), "{kind}");
    }
    world.now = world.now + STUCK_AFTER;
    for kind in OperationKind::ALL {
        let next = world.next(*kind);
        assert!(
            matches!(next, Next::Stuck { cause, .. } if cause.code == CauseCode::ClusterUnreachable)
        );
    }
}

#[test]
fn nothing_is_removed_before_the_grace_period_ends() {
    let mut world = World::running();
    world.grace_until = at(5000);
    assert_eq!(world.next(OperationKind::Delete), Next::Do(S::CloseDoor));
    world.carry_out(S::CloseDoor);
    let next = world.next(OperationKind::Delete);
    assert!(matches!(next, Next::Wait { step: S::Grace, deadline, .. } if deadline == at(5000)));
    world
        .seen
        .gate
        .as_mut()
        .unwrap()
        .open_to
        .push("token".into());
    assert_eq!(world.next(OperationKind::Delete), Next::Do(S::CloseDoor));
}

#[test]
fn a_blocking_finalizer_is_named() {
    let mut world = World::running();
    for step in [S::CloseDoor, S::RevokeTokens] {
        world.carry_out(step);
    }
    world.seen.application = None;
    world.seen.namespace = NamespaceFact::Terminating {
        blocked_by: vec!["postgresqls.acid.zalan.do has finalizer example.org/hold".into()],
    };
    world.begun.insert(S::RemoveNamespace, world.now);
    assert!(matches!(
        world.next(OperationKind::Delete),
        Next::Wait {
            step: S::RemoveNamespace,
            ..
        }
    ));
    world.now = world.now + STUCK_AFTER;
    let next = world.next(OperationKind::Delete);
    assert!(
        matches!(&next, Next::Stuck { cause, .. } if cause.sentence().contains("example.org/hold")),
        "{next:?}"
    );
}

#[test]
fn an_application_and_an_empty_namespace_may_take_until_their_deadlines() {
    let mut world = World::running();
    for step in [S::CloseDoor, S::RevokeTokens] {
        world.carry_out(step);
    }
    world.app().deleting = Some(vec!["resources-finalizer.argocd.argoproj.io".into()]);
    let waits = |world: &mut World, step: StepName| {
        world.begun.insert(step, at(1000));
        world.now = at(1000) + step.deadline() - Duration::from_secs(1);
        let next = world.next(OperationKind::Delete);
        assert!(
            matches!(&next, Next::Wait { step: it, .. } if *it == step),
            "{next:?}"
        );
        world.now = at(1000) + step.deadline();
        let next = world.next(OperationKind::Delete);
        assert!(
            matches!(&next, Next::Stuck { cause, .. } if cause.code == CauseCode::TakesTooLong),
            "{next:?}"
        );
    };
    waits(&mut world, S::RemoveApplication);
    world.seen.application = None;
    for said in [
        vec![],
        vec!["Some resources are remaining: pods. has 3 resource instances".into()],
    ] {
        world.seen.namespace = NamespaceFact::Terminating { blocked_by: said };
        waits(&mut world, S::RemoveNamespace);
    }
}

#[test]
fn nothing_is_removed_before_every_gateway_refuses_every_token() {
    let mut world = World::running();
    world.carry_out(S::CloseDoor);
    world.ending = Ending {
        open: true,
        waiting: Some("apisix-1: 1 of 2 workers have shown it."),
        ..Ending::default()
    };
    assert_eq!(world.next(OperationKind::Delete), Next::Do(S::RevokeTokens));
    world.ending.open = false;
    let next = world.next(OperationKind::Delete);
    assert!(
        matches!(&next, Next::Wait { step: S::RevokeTokens, reason, .. } if reason.contains("apisix-1")),
        "{next:?}"
    );
    world.ending.overdue = true;
    let next = world.next(OperationKind::Delete);
    assert!(
        matches!(&next, Next::Stuck { cause, .. } if cause.code == CauseCode::ProofOverdue),
        "{next:?}"
    );
    for (gone_on, waiting) in [(true, world.ending.waiting), (false, None)] {
        world.ending.gone_on = gone_on;
        world.ending.waiting = waiting;
        assert_eq!(world.next(OperationKind::Delete), Next::Do(S::RevokeTokens));
    }
    world.ending.waiting = Some("No replica of the gateway was found.");
    world.seen.namespace = NamespaceFact::Absent;
    assert_eq!(
        world.next(OperationKind::Delete),
        Next::Do(S::RevokeTokens),
        "what has no namespace has no route to ask"
    );
}

#[test]
fn what_is_left_behind_is_named_after_its_deadline() {
    let mut world = World::running();
    for step in OperationKind::Delete.steps() {
        world.carry_out(*step);
    }
    world.left = Some(vec!["Secret prismx/old".into()]);
    world.begun.insert(S::ProveEmpty, world.now);
    assert_eq!(world.next(OperationKind::Delete), Next::Do(S::ProveEmpty));
    world.now = world.now + S::ProveEmpty.deadline();
    assert!(matches!(
        world.next(OperationKind::Delete),
        Next::Stuck {
            step: S::ProveEmpty,
            ..
        }
    ));
}

#[test]
fn an_instance_that_was_never_placed_is_deleted_at_once() {
    assert_eq!(World::empty().next(OperationKind::Delete), Next::Done);
}
