//! Whole operations by the real worker on an imagined cluster: each ends as wished, with a readable
//! story, and leaves nothing behind.

use std::time::Duration;

use model::instance::InstanceState;
use model::operation::{OperationState, StepState};
use tests::cluster::Method;
use tests::services::origin;
use tests::world::TestWorld;

#[tokio::test]
async fn an_instance_is_created_and_deleted() {
    let world = TestWorld::new().await;
    let made = world.create("Staging").await;
    assert_eq!(made.operation.state, OperationState::Queued);
    let created = world.settle(made.operation.id).await;
    assert_eq!(created.state, OperationState::Succeeded, "{created:?}");
    assert_eq!(created.percent, 100);
    assert!(
        created
            .steps
            .iter()
            .all(|s| s.state == StepState::Succeeded),
        "{created:?}"
    );
    let instance = world.instance(&made.instance.id).await;
    assert_eq!(instance.state, InstanceState::Running);
    assert_eq!(
        instance.url,
        Some(format!("http://{}.imagined.example:8080", instance.id))
    );
    assert_eq!(world.cluster.inventory_of(&instance.id).len(), 7);

    let asked = world.delete(&instance.id, Duration::from_hours(1)).await;
    world
        .until(asked.id, model::operation::StepName::Grace)
        .await;
    let closed = format!("Gate {}/gate open to []", instance.id.namespace());
    assert!(
        world.cluster.inventory().contains(&closed),
        "{:?}",
        world.cluster.inventory()
    );
    assert!(
        world
            .services
            .instance
            .detail(&world.actor, &instance.id)
            .await
            .unwrap()
            .grace_until
            .is_some()
    );
    world.db.clock.advance(Duration::from_hours(1));
    let deleted = world.settle(asked.id).await;
    assert_eq!(deleted.state, OperationState::Succeeded, "{deleted:?}");
    assert_eq!(world.cluster.inventory(), Vec::<String>::new());
    assert_eq!(
        world.instance(&instance.id).await.state,
        InstanceState::Deleted
    );
    let again = world.create("Staging").await;
    assert_ne!(again.instance.id, instance.id);
    assert_eq!(world.cluster.calls(Method::Secrets), 1);
    let _ = origin();
}
