//! The watchman: its key changes by itself without a moment in which none passes, its neighbours refuse
//! it, and gates are moved on schedule so that what a revocation takes is known.

use std::sync::Arc;
use std::time::Duration;

use model::InstanceId;
use model::health::HealthStatus;
use service::Watcher;
use tests::world::TestWorld;
use tokio::sync::watch;

use super::{Keeping, eventually};

async fn cause(world: &TestWorld, id: &InstanceId) -> (HealthStatus, Option<String>) {
    let health = world.instance(id).await.health;
    (health.status, health.cause.map(|cause| cause.code))
}

fn watching(world: &TestWorld) -> (watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let watcher = Watcher::new(Arc::clone(&world.services), "watcher");
    let (stop, stopped) = watch::channel(false);
    (
        stop,
        tokio::spawn(async move { watcher.run(stopped).await }),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_gets_another_key_every_week() {
    let world = TestWorld::new().await;
    let instance = world.running("Staging").await.id;
    let keeping = Keeping::begin(&world);
    let gate = || async {
        store::gate::by_id(&world.db.db, &instance)
            .await
            .unwrap()
            .unwrap()
    };
    eventually(&world, Duration::ZERO, "proven", || async {
        gate().await.is_proven()
    })
    .await;
    assert_eq!(gate().await.watchman, 1);
    world.db.clock.advance(Duration::from_hours(24 * 7));
    eventually(
        &world,
        Duration::from_secs(1),
        "the next epoch alone",
        || async {
            let now = gate().await;
            now.watchman == 2 && now.watchman_before.is_none() && now.is_proven()
        },
    )
    .await;
    eventually(
        &world,
        Duration::from_secs(30),
        "the key before is gone",
        || async { world.cluster.consumers(&instance) == ["watchman2"] },
    )
    .await;
    assert_eq!(gate().await.wish.open_to, ["watchman2"]);
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_that_lets_it_in_is_an_incident_at_once() {
    let world = TestWorld::new().await;
    let one = world.running("One").await.id;
    let two = world.running("Two").await.id;
    world.cluster.answer_knocks(&two, Some(Some(200)));
    world.cluster.answer_knocks(&one, Some(Some(403)));
    let (stop, task) = watching(&world);
    eventually(&world, Duration::ZERO, "an incident", || async {
        cause(&world, &one).await == (HealthStatus::Down, Some("isolation_broken".to_owned()))
    })
    .await;
    eventually(&world, Duration::ZERO, "the other is well", || async {
        cause(&world, &two).await == (HealthStatus::Healthy, None)
    })
    .await;
    stop.send(true).unwrap();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_that_answers_otherwise_is_named() {
    let world = TestWorld::new().await;
    let one = world.running("One").await.id;
    let two = world.running("Two").await.id;
    world.cluster.answer_knocks(&two, Some(Some(401)));
    let (stop, task) = watching(&world);
    eventually(&world, Duration::from_millis(200), "named", || async {
        let (status, code) = cause(&world, &one).await;
        status == HealthStatus::Degraded && code.as_deref() == Some("isolation_unproven")
    })
    .await;
    stop.send(true).unwrap();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gates_are_moved_on_schedule_and_timed() {
    let world = TestWorld::new().await;
    let (stop, task) = watching(&world);
    let keeping = Keeping::begin(&world);
    let instance = world.running("Staging").await.id;
    let cluster = "eu-dev".parse().unwrap();
    let gate = || async {
        store::gate::by_id(&world.db.db, &instance)
            .await
            .unwrap()
            .unwrap()
    };
    eventually(&world, Duration::from_millis(50), "a move", || async {
        let now = gate().await;
        now.moved_at.micros() > 0 && now.is_proven()
    })
    .await;
    let latency = world.services.enforcement.latency(&cluster).await.unwrap();
    assert!(latency.is_some_and(|it| it.samples >= 1), "{latency:?}");
    let all = world
        .services
        .enforcement
        .latencies(&world.actor)
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    keeping.end().await;
    stop.send(true).unwrap();
    task.await.unwrap();
}
