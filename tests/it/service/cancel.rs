//! Cancelling, undoing and trying again: each stops at any step, says when it has, and leaves an
//! instance that can be gone on with.

use std::time::Duration;

use model::cause::CauseCode;
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::operation::{OperationKind, OperationState, StepName};
use service::instance::UpgradeInstance;
use service::ports::ClusterError;
use tests::cluster::{Fault, Method};
use tests::services::origin;
use tests::world::TestWorld;

async fn upgrade(
    world: &TestWorld,
    id: &model::InstanceId,
    to: &str,
) -> model::view::OperationView {
    let command = UpgradeInstance {
        release: to.to_owned(),
        confirm: None,
    };
    world
        .services
        .instance
        .upgrade(&world.actor, id, command, &origin())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_creation_is_cancelled_at_any_step_and_retried_or_deleted() {
    for (at, method) in Method::CREATE.into_iter().enumerate() {
        for retried in [true, false] {
            let world = TestWorld::new().await;
            let stuck = ClusterError::Refused("not now".to_owned());
            world.cluster.fail(method, 1_000, Fault::Before(stuck));
            let made = world.create("Staging").await;
            world.worker("one").turn().await.unwrap();
            let (id, instance) = (made.operation.id, made.instance.id);
            let asked = world
                .services
                .operation
                .cancel(&world.actor, id, &origin())
                .await
                .unwrap();
            assert!(asked.cancelling && asked.state.is_active());
            let ended = world.settle(id).await;
            assert_eq!(ended.state, OperationState::Cancelled, "{at}: {ended:?}");
            let shown = world.instance(&instance).await;
            assert_eq!(shown.state, InstanceState::Failed);
            assert_eq!(shown.health.status, HealthStatus::Down);
            let code = CauseCode::NotCreated.as_str();
            assert_eq!(shown.health.cause.map(|c| c.code), Some(code.to_owned()));
            world.cluster.heal();
            if retried {
                world
                    .services
                    .operation
                    .retry(&world.actor, id, &origin())
                    .await
                    .unwrap();
                assert_eq!(
                    world.settle(id).await.state,
                    OperationState::Succeeded,
                    "{at}"
                );
                assert_eq!(
                    world.instance(&instance).await.state,
                    InstanceState::Running
                );
            } else {
                let gone = world.delete(&instance, Duration::ZERO).await;
                assert_eq!(
                    world.settle(gone.id).await.state,
                    OperationState::Succeeded,
                    "{at}"
                );
                assert_eq!(world.cluster.inventory(), Vec::<String>::new(), "{at}");
            }
        }
    }
}

#[tokio::test]
async fn a_deletion_is_undone_within_its_grace_period_and_not_after() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let asked = world.delete(&instance.id, Duration::from_hours(24)).await;
    world.until(asked.id, StepName::Grace).await;
    assert_eq!(
        world.instance(&instance.id).await.state,
        InstanceState::Deleting
    );
    world
        .services
        .instance
        .undelete(&world.actor, &instance.id, &origin())
        .await
        .unwrap();
    let undone = world.settle(asked.id).await;
    assert_eq!(undone.state, OperationState::Cancelled, "{undone:?}");
    assert_eq!(
        world.instance(&instance.id).await.state,
        InstanceState::Running
    );
    let open = format!(
        "Gate {}/gate open to [\"watchman1\"]",
        instance.id.namespace()
    );
    assert!(
        world.cluster.inventory().contains(&open),
        "{:?}",
        world.cluster.inventory()
    );

    let again = world.delete(&instance.id, Duration::from_hours(1)).await;
    world.until(again.id, StepName::Grace).await;
    world.cluster.hold(&instance.id, true);
    world.db.clock.advance(Duration::from_hours(1));
    world.until(again.id, StepName::RemoveNamespace).await;
    let refused = world
        .services
        .instance
        .undelete(&world.actor, &instance.id, &origin())
        .await;
    assert_eq!(refused.unwrap_err().code(), "not_cancellable");
    world.cluster.hold(&instance.id, false);
    world.db.clock.advance(Duration::from_secs(15));
    assert_eq!(
        world.settle(again.id).await.state,
        OperationState::Succeeded
    );
}

#[tokio::test]
async fn an_undo_that_meets_a_lost_cluster_is_tried_again() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let asked = world.delete(&instance.id, Duration::from_hours(24)).await;
    world.until(asked.id, StepName::Grace).await;
    let lost = ClusterError::Unreachable("connection reset".to_owned());
    world.cluster.fail(Method::Gate, 2, Fault::After(lost));
    world
        .services
        .instance
        .undelete(&world.actor, &instance.id, &origin())
        .await
        .unwrap();
    assert_eq!(
        world.settle(asked.id).await.state,
        OperationState::Cancelled
    );
    assert_eq!(
        world.instance(&instance.id).await.state,
        InstanceState::Running
    );
}

#[tokio::test]
async fn other_overrides_are_taken_back() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let service = &world.services.instance;
    world.cluster.sync(false);
    let text = "agent: {replicas: 3}";
    let asked = service
        .reconfigure(&world.actor, &instance.id, text, &origin())
        .await
        .unwrap();
    world.until(asked.id, StepName::Synced).await;
    assert_eq!(
        world.instance(&instance.id).await.state,
        InstanceState::Changing
    );
    world
        .services
        .operation
        .cancel(&world.actor, asked.id, &origin())
        .await
        .unwrap();
    assert_eq!(
        world.settle(asked.id).await.state,
        OperationState::Cancelled
    );
    let detail = service.detail(&world.actor, &instance.id).await.unwrap();
    assert_eq!(detail.overrides.as_deref(), Some(""));
    assert_eq!(detail.instance.state, InstanceState::Running);
    assert!(world.cluster.applied_overrides(&instance.id).is_empty());
    world.cluster.sync(true);

    let asked = service
        .reconfigure(&world.actor, &instance.id, text, &origin())
        .await
        .unwrap();
    assert_eq!(
        world.settle(asked.id).await.state,
        OperationState::Succeeded
    );
    assert!(
        world
            .cluster
            .applied_overrides(&instance.id)
            .contains_key("agent")
    );
}

#[tokio::test]
async fn an_upgrade_is_cancelled_only_before_it_was_handed_over() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let before = instance.release;
    let early = upgrade(&world, &instance.id, "2.2.0").await;
    world
        .services
        .operation
        .cancel(&world.actor, early.id, &origin())
        .await
        .unwrap();
    assert_eq!(
        world.settle(early.id).await.state,
        OperationState::Cancelled
    );
    let shown = world.instance(&instance.id).await;
    assert_eq!(
        (shown.release, shown.state),
        (before, InstanceState::Running)
    );

    world.cluster.sync(false);
    let late = upgrade(&world, &instance.id, "2.2.0").await;
    let begun = world.until(late.id, StepName::Synced).await;
    assert!(
        begun
            .cancel_refused
            .is_some_and(|why| why.contains("only go forward"))
    );
    let refused = world
        .services
        .operation
        .cancel(&world.actor, late.id, &origin())
        .await;
    assert_eq!(refused.unwrap_err().code(), "not_cancellable");
    world.cluster.sync(true);
    assert_eq!(world.settle(late.id).await.state, OperationState::Succeeded);
    assert_eq!(
        world.instance(&instance.id).await.release.to_string(),
        "2.2.0"
    );
}

#[tokio::test]
async fn what_has_ended_is_neither_cancelled_nor_retried() {
    let world = TestWorld::new().await;
    let made = world.create("Staging").await;
    let id = made.operation.id;
    let under_way = world
        .services
        .operation
        .retry(&world.actor, id, &origin())
        .await;
    assert_eq!(under_way.unwrap_err().code(), "not_retryable");
    world.settle(id).await;
    let service = &world.services.operation;
    let cancelled = service.cancel(&world.actor, id, &origin()).await;
    assert_eq!(cancelled.unwrap_err().code(), "not_cancellable");
    let retried = service.retry(&world.actor, id, &origin()).await;
    assert_eq!(retried.unwrap_err().code(), "not_retryable");
}

#[tokio::test]
async fn a_second_change_is_told_what_is_in_the_way() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await;
    let first = upgrade(&world, &instance.id, "2.2.0").await;
    let text = "agent: {replicas: 3}";
    let service = &world.services.instance;
    let second = service
        .reconfigure(&world.actor, &instance.id, text, &origin())
        .await
        .unwrap_err();
    assert_eq!(second.code(), "operation_active");
    assert!(
        second.public().contains(&first.id.to_string()),
        "{}",
        second.public()
    );
    assert!(second.public().contains(OperationKind::Upgrade.as_str()));
}
