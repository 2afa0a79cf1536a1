//! Whatever goes wrong on the way, before or after the effect, or with the worker itself: the
//! operation ends as if nothing had, once the fault is over, and nothing is there twice or left over.

use std::time::Duration;

use model::operation::OperationState;
use model::{InstanceId, OperationId};
use service::Settings;
use service::ports::ClusterError;
use tests::cluster::{Fault, Method};
use tests::services::settings;
use tests::world::TestWorld;

/// A lease short enough to run out while a test waits for it by the database's own clock.
fn quick_leases() -> Settings {
    Settings {
        lease: Duration::from_millis(300),
        ..settings()
    }
}

/// Names of faults and how they are made.
fn faults() -> Vec<(&'static str, Fault)> {
    let lost = || ClusterError::Unreachable("connection reset".to_owned());
    let manager = || ClusterError::SecretsManager("throttled".to_owned());
    vec![
        ("error before the effect", Fault::Before(lost())),
        ("error after the effect", Fault::After(lost())),
        (
            "refused before the effect",
            Fault::Before(ClusterError::Refused("conflict".to_owned())),
        ),
        (
            "busy before the effect",
            Fault::Before(ClusterError::Busy("429".to_owned())),
        ),
        ("secrets manager after the effect", Fault::After(manager())),
        ("worker ends before the effect", Fault::Panic),
        ("worker dropped after the effect", Fault::Silence),
    ]
}

/// What is there of an instance, with its id left out.
fn shape(world: &TestWorld, id: &InstanceId) -> Vec<String> {
    let all = world.cluster.inventory_of(id);
    all.into_iter()
        .map(|line| line.replace(id.as_str(), "<id>"))
        .collect()
}

/// Works until the end, through faults: a worker that hears nothing is dropped, as a killed process
/// would be.
async fn work_through(world: &TestWorld, id: OperationId, name: &str) {
    for round in 0..200 {
        let worker = world.worker("through");
        let turn = tokio::time::timeout(Duration::from_millis(700), worker.turn());
        let _ = turn.await;
        let keeper = world.keeper("through");
        let turn = tokio::time::timeout(Duration::from_millis(700), keeper.turn());
        let _ = turn.await;
        let operation = world.operation(id).await;
        if operation.state == OperationState::Succeeded {
            return;
        }
        assert!(operation.state.is_active(), "{name}: {operation:?}");
        assert!(round < 199, "{name}: no end: {operation:?}");
        world.db.clock.advance(Duration::from_secs(3));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_creation_survives_every_fault_at_every_step() {
    let world = TestWorld::with(quick_leases()).await;
    let whole = world.running("Whole").await;
    let whole = shape(&world, &whole.id);
    assert_eq!(whole.len(), 7, "{whole:?}");
    let mut count = 0;
    for method in Method::CREATE {
        for (name, fault) in faults() {
            world.cluster.fail(method, 1, fault);
            let name = format!("{method:?}, {name}");
            let made = world.create(&name).await;
            work_through(&world, made.operation.id, &name).await;
            assert_eq!(shape(&world, &made.instance.id), whole, "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 5 * 7);
}

#[tokio::test]
async fn a_deletion_survives_every_fault_at_every_step() {
    let world = TestWorld::with(quick_leases()).await;
    let mut count = 0;
    for method in Method::DELETE {
        for (name, fault) in faults() {
            let name = format!("{method:?}, {name}");
            let made = world.create(&name).await;
            work_through(&world, made.operation.id, "creation").await;
            world.cluster.fail(method, 1, fault);
            let asked = world.delete(&made.instance.id, Duration::ZERO).await;
            work_through(&world, asked.id, &name).await;
            assert_eq!(world.cluster.inventory(), Vec::<String>::new(), "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 6 * 7);
}

#[tokio::test]
async fn a_creation_survives_two_faults_at_any_two_steps() {
    let lost = || ClusterError::Unreachable("connection reset".to_owned());
    let world = TestWorld::with(quick_leases()).await;
    for first in Method::CREATE {
        for second in Method::CREATE {
            world.cluster.fail(first, 1, Fault::After(lost()));
            world.cluster.fail(second, 1, Fault::Before(lost()));
            world
                .cluster
                .fail(Method::Observe, 1, Fault::Before(lost()));
            let name = format!("{first:?} then {second:?}");
            let made = world.create(&name).await;
            work_through(&world, made.operation.id, &name).await;
            assert_eq!(shape(&world, &made.instance.id).len(), 7, "{name}");
        }
    }
}

#[tokio::test]
async fn secrets_are_written_once_however_often_the_step_runs() {
    let world = TestWorld::with(quick_leases()).await;
    let lost = ClusterError::Unreachable("connection reset".to_owned());
    world.cluster.fail(Method::Secrets, 3, Fault::After(lost));
    let made = world.create("Staging").await;
    work_through(&world, made.operation.id, "secrets").await;
    assert_eq!(world.cluster.calls(Method::Secrets), 4);
    let seeds = world
        .cluster
        .secrets_written(&made.instance.id, "wallet-seed");
    assert_eq!(seeds.len(), 4);
    assert!(
        seeds
            .iter()
            .all(|(request, kept)| *request == seeds[0].0 && *kept == seeds[0].1)
    );
    assert_eq!(seeds[0].1.len(), 128);
}

#[tokio::test]
async fn a_poisonous_operation_is_set_aside_and_goes_on_when_asked() {
    let world = TestWorld::with(quick_leases()).await;
    world.cluster.fail(Method::Secrets, 100, Fault::Panic);
    let made = world.create("Staging").await;
    let id = made.operation.id;
    for _ in 0..100 {
        let worker = world.worker("poisoned");
        worker.turn().await.unwrap();
        if world.operation(id).await.state == OperationState::Stuck {
            break;
        }
        world.db.clock.advance(Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let parked = world.operation(id).await;
    assert_eq!(
        parked.error.as_ref().map(|e| e.code.as_str()),
        Some("operation_parked"),
        "{parked:?}"
    );
    // One claim brought it to the step and counted as progress; then five without any.
    let tries = world.cluster.calls(Method::Secrets);
    assert!((5..=6).contains(&tries), "{tries}");
    world.db.clock.advance(Duration::from_hours(1));
    assert_eq!(
        world.worker("later").turn().await.unwrap(),
        0,
        "a parked one is left alone"
    );
    world.cluster.heal();
    let origin = tests::services::origin();
    world
        .services
        .operation
        .retry(&world.actor, id, &origin)
        .await
        .unwrap();
    work_through(&world, id, "retried").await;
}

#[tokio::test]
async fn a_lasting_fault_is_named_and_passes_by_itself() {
    let world = TestWorld::new().await;
    let refused = ClusterError::Refused("namespaces is forbidden".to_owned());
    world
        .cluster
        .fail(Method::Namespace, 10_000, Fault::Before(refused));
    let made = world.create("Staging").await;
    let stuck = world.settle(made.operation.id).await;
    assert_eq!(stuck.state, OperationState::Stuck);
    let error = stuck.error.expect("a cause");
    assert_eq!(error.code, "step_refused");
    assert!(
        error.sentence.contains("namespaces is forbidden"),
        "{error:?}"
    );
    world.cluster.heal();
    world.db.clock.advance(Duration::from_secs(15));
    assert_eq!(
        world.settle(made.operation.id).await.state,
        OperationState::Succeeded
    );
}

#[tokio::test]
async fn a_lost_cluster_is_waited_for_then_named_and_the_work_goes_on() {
    let world = TestWorld::new().await;
    world.cluster.cut("eu-dev", Some("connection refused"));
    let made = world.create("Staging").await;
    let stuck = world.settle(made.operation.id).await;
    assert_eq!(
        stuck.error.map(|e| e.code),
        Some("cluster_unreachable".to_owned())
    );
    world.cluster.cut("eu-dev", None);
    world.db.clock.advance(Duration::from_secs(15));
    let done = world.settle(made.operation.id).await;
    assert_eq!(done.state, OperationState::Succeeded, "{done:?}");
    assert_eq!(done.error, None);
}

#[tokio::test]
async fn a_finalizer_is_named_with_its_owner_and_let_go() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    world.cluster.hold(&instance.id, true);
    let asked = world.delete(&instance.id, Duration::ZERO).await;
    let stuck = world.settle(asked.id).await;
    let error = stuck.error.expect("a cause");
    assert_eq!(error.code, "deletion_blocked");
    assert!(error.sentence.contains("example.org/hold"), "{error:?}");
    world.cluster.hold(&instance.id, false);
    world.db.clock.advance(Duration::from_secs(15));
    assert_eq!(
        world.settle(asked.id).await.state,
        OperationState::Succeeded
    );
    assert_eq!(world.cluster.inventory(), Vec::<String>::new());
}
