//! Several workers on one database: each operation is done once, a worker that lost its claim writes
//! nothing, what one leaves the next one takes, and a stopped one hands back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::operation::OperationState;
use service::{Services, Settings};
use store::operation::claim::{self, Hold};
use tests::cluster::{Fault, Method};
use tests::services::settings;
use tests::world::TestWorld;
use tokio::sync::watch;

/// Waits for what must come true soon, without a guess how soon.
async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_do_each_of_a_hundred_operations_once() {
    let world = TestWorld::new().await;
    let mut made = Vec::new();
    for number in 0..100 {
        made.push(
            world
                .create(&format!("Instance {number}"))
                .await
                .operation
                .id,
        );
    }
    // Where several processes may share a database, the second one is like another process.
    let mut context = world.services.context.clone();
    let other = if context.db.engine() == "postgres" {
        context.db = world.db.again().await;
        Arc::new(Services::new(context))
    } else {
        Arc::clone(&world.services)
    };
    let (stop, stopped) = watch::channel(false);
    let begun = Instant::now();
    let one = world.worker("one");
    let two = service::Worker::new(other, "two");
    let first = tokio::spawn({
        let stopped = stopped.clone();
        async move { one.run(stopped).await }
    });
    let second = tokio::spawn(async move { two.run(stopped).await });
    eventually("all done", || async {
        store::operation::count_active(&world.db.db, None)
            .await
            .unwrap()
            == 0
    })
    .await;
    let took = begun.elapsed();
    stop.send(true).unwrap();
    first.await.unwrap();
    second.await.unwrap();
    for id in made {
        let operation = world.operation(id).await;
        assert_eq!(operation.state, OperationState::Succeeded, "{operation:?}");
    }
    for method in Method::CREATE {
        assert_eq!(world.cluster.calls(method), 100, "{method:?}");
    }
    assert!(took < Duration::from_mins(1), "{took:?}");
    println!("a hundred creations took {} ms", took.as_millis());
}

#[tokio::test]
async fn a_worker_that_lost_its_claim_writes_nothing() {
    let world = TestWorld::with(Settings {
        lease: Duration::from_millis(100),
        ..settings()
    })
    .await;
    let made = world.create("Staging").await;
    let db = &world.db.db;
    let lease = Duration::from_millis(100);
    let mut tx = db.begin().await.unwrap();
    let zombie = claim::claim(&mut tx, "zombie", lease, world.db.now(), 1)
        .await
        .unwrap()
        .remove(0);
    tx.commit().await.unwrap();
    let mut taken = Vec::new();
    let begun = Instant::now();
    while taken.is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "the lease never ran out"
        );
        world.db.clock.advance(lease);
        let mut tx = db.begin().await.unwrap();
        taken = claim::claim(&mut tx, "next", lease, world.db.now(), 1)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(taken[0].held.fence(), zombie.held.fence() + 1);
    assert_eq!(taken[0].attempts, 2);
    let mut operation = store::operation::by_id(db, made.operation.id)
        .await
        .unwrap()
        .unwrap();
    operation.end(OperationState::Failed, world.db.now());
    let mut tx = db.begin().await.unwrap();
    assert_eq!(
        claim::hold(&mut tx, &zombie.held).await.unwrap(),
        Hold::Lost
    );
    assert!(
        !store::operation::save(&mut tx, &zombie.held, &operation)
            .await
            .unwrap()
    );
    claim::release(&mut tx, &zombie.held, world.db.now(), true)
        .await
        .unwrap();
    assert_eq!(
        claim::hold(&mut tx, &taken[0].held).await.unwrap(),
        Hold::Kept
    );
    tx.commit().await.unwrap();
    let kept = world.operation(made.operation.id).await;
    assert_eq!(kept.state, OperationState::Queued);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_leaves_the_next_one_ends() {
    let world = TestWorld::with(Settings {
        lease: Duration::from_millis(300),
        ..settings()
    })
    .await;
    world.cluster.fail(Method::Application, 1, Fault::Silence);
    let made = world.create("Staging").await;
    let killed = world.worker("killed");
    let task = tokio::spawn(async move { killed.turn().await });
    eventually("the effect", || async {
        world.cluster.calls(Method::Application) == 1
    })
    .await;
    task.abort();
    let next = world.worker("next");
    eventually("the end", || async {
        world.db.clock.advance(Duration::from_millis(100));
        next.turn().await.unwrap();
        world.operation(made.operation.id).await.state == OperationState::Succeeded
    })
    .await;
    assert_eq!(
        world.cluster.calls(Method::Namespace),
        1,
        "what was done is not done again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_worker_hands_back_at_once() {
    let world = TestWorld::new().await;
    world.cluster.sync(false);
    let made = world.create("Staging").await;
    let (stop, stopped) = watch::channel(false);
    let one = world.worker("one");
    let running = tokio::spawn(async move { one.run(stopped).await });
    eventually("waiting", || async {
        world.operation(made.operation.id).await.state == OperationState::Waiting
    })
    .await;
    stop.send(true).unwrap();
    running.await.unwrap();
    world.cluster.sync(true);
    world.db.clock.advance(Duration::from_secs(5));
    let two = world.worker("two");
    let ended = world.settle_with(&two, made.operation.id).await;
    assert_eq!(
        ended.state,
        OperationState::Succeeded,
        "no lease had to run out: {ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_waits_holds_up_nobody() {
    let world = TestWorld::new().await;
    world.cluster.fail(Method::Namespace, 1, Fault::Silence);
    let slow = world.create("Slow").await;
    let worker = world.worker("one").with_slots(2);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    eventually("the slow one is under way", || async {
        world.cluster.calls(Method::Namespace) > 0
    })
    .await;
    let mut quick = BTreeSet::new();
    for number in 0..5 {
        quick.insert(world.create(&format!("Quick {number}")).await.operation.id);
    }
    eventually("the quick ones", || async {
        for id in &quick {
            if world.operation(*id).await.state != OperationState::Succeeded {
                return false;
            }
        }
        true
    })
    .await;
    assert!(world.operation(slow.operation.id).await.state.is_active());
    stop.send(true).unwrap();
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_owns_its_database_goes_on_at_once_after_a_kill() {
    let world = TestWorld::new().await;
    if world.db.db.engine() != "sqlite" {
        return;
    }
    world.cluster.fail(Method::Gate, 1, Fault::Silence);
    let made = world.create("Staging").await;
    let killed = world.worker("killed");
    let task = tokio::spawn(async move { killed.turn().await });
    eventually("the effect", || async {
        world.cluster.calls(Method::Gate) == 1
    })
    .await;
    task.abort();
    // The clock stands still: no lease runs out.
    let next = Arc::new(Services::new(world.services.context.clone()));
    let (stop, stopped) = watch::channel(false);
    let worker = service::Worker::new(next, "next");
    let running = tokio::spawn(async move { worker.run(stopped).await });
    eventually("the end", || async {
        world.operation(made.operation.id).await.state == OperationState::Succeeded
    })
    .await;
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_clock_that_jumps_back_delays_nothing() {
    let world = TestWorld::new().await;
    world.cluster.sync(false);
    let made = world.create("Staging").await;
    world.db.clock.advance(Duration::from_hours(48));
    while world.worker("ahead").turn().await.unwrap() > 0 {}
    assert_eq!(
        world.operation(made.operation.id).await.state,
        OperationState::Waiting
    );
    world.cluster.sync(true);
    let now = model::Clock::now(&*world.db.clock);
    world.db.clock.set(now - Duration::from_hours(48));
    let ended = world.settle(made.operation.id).await;
    assert_eq!(ended.state, OperationState::Succeeded, "{ended:?}");
    let took = model::Clock::now(&*world.db.clock).since(now - Duration::from_hours(48));
    assert!(took < Duration::from_mins(1), "{took:?}");
}
