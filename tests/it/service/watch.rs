//! The watch: health follows what is seen with patience, a lost cluster makes unknown and never down,
//! one process at a time holds a cluster, and a quiet fleet writes next to nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::InstanceId;
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::observation::{PodFact, PodTrouble};
use model::operation::{OperationKind, OperationState};
use model::view::OperationView;
use service::{Settings, Watcher};
use tests::services::settings;
use tests::world::TestWorld;
use tokio::sync::watch;
use tokio::task::JoinHandle;

struct Watching {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Watching {
    fn begin(world: &TestWorld, name: &str) -> Self {
        let watcher = Watcher::new(Arc::clone(&world.services), name);
        let (stop, stopped) = watch::channel(false);
        Self {
            stop,
            task: tokio::spawn(async move { watcher.run(stopped).await }),
        }
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap();
    }
}

/// Waits for the health, moving the clock when asked to by `step`.
async fn until(world: &TestWorld, id: &InstanceId, wished: HealthStatus, step: Duration) {
    let begun = Instant::now();
    loop {
        let health = world.instance(id).await.health;
        if health.status == wished {
            return;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "never {wished}: {health:?}"
        );
        world.db.clock.advance(step);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn crash() -> PodFact {
    PodFact {
        name: "cloud-agent-1".to_owned(),
        component: "agent".to_owned(),
        ready: false,
        trouble: Some(PodTrouble::Crash {
            container: "cloud-agent".to_owned(),
            message: "exit code 1".to_owned(),
        }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_follows_with_patience_and_is_kept() {
    let world = TestWorld::new().await;
    let watching = Watching::begin(&world, "one");
    let instance = world.running("Staging").await;
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    let healthy = world.instance(&instance.id).await.health;
    assert!(healthy.cause.is_none() && !healthy.stale);
    let detail = world
        .services
        .instance
        .detail(&world.actor, &instance.id)
        .await
        .unwrap();
    assert_eq!(detail.running_version.as_deref(), Some("2.1.0"));
    assert!(
        detail
            .parts
            .iter()
            .all(|part| part.status == HealthStatus::Healthy),
        "{detail:?}"
    );

    world.db.clock.advance(Duration::from_secs(5));
    world.cluster.trouble(&instance.id, Some(crash()));
    until(
        &world,
        &instance.id,
        HealthStatus::Progressing,
        Duration::ZERO,
    )
    .await;
    let blip = world.instance(&instance.id).await.health;
    assert_eq!(
        blip.cause.map(|c| c.code),
        Some("container_crashes".to_owned())
    );
    until(
        &world,
        &instance.id,
        HealthStatus::Down,
        Duration::from_secs(1),
    )
    .await;
    world.db.clock.advance(Duration::from_secs(1));
    world.cluster.trouble(&instance.id, None);
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    watching.end().await;

    let detail = world
        .services
        .instance
        .detail(&world.actor, &instance.id)
        .await
        .unwrap();
    let words: Vec<_> = detail.history.iter().map(|span| span.status).collect();
    let tail = [
        HealthStatus::Healthy,
        HealthStatus::Progressing,
        HealthStatus::Down,
        HealthStatus::Healthy,
    ];
    assert!(words.ends_with(&tail), "{words:?}");
    assert!(
        detail
            .history
            .windows(2)
            .all(|two| two[0].to == two[1].from),
        "{detail:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_cluster_makes_unknown_and_never_down() {
    let world = TestWorld::new().await;
    let watching = Watching::begin(&world, "one");
    let instance = world.running("Staging").await;
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    world.db.clock.advance(Duration::from_mins(1));
    world.cluster.cut("eu-dev", Some("connection refused"));
    until(&world, &instance.id, HealthStatus::Unknown, Duration::ZERO).await;
    let lost = world.instance(&instance.id).await.health;
    assert_eq!(
        lost.cause.as_ref().map(|c| c.code.as_str()),
        Some("cluster_unreachable")
    );
    for _ in 0..10 {
        world.db.clock.advance(Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(30)).await;
        let health = world.instance(&instance.id).await.health;
        assert_eq!(
            (health.status, health.since),
            (HealthStatus::Unknown, lost.since)
        );
        assert!(health.stale);
    }
    let cluster = world
        .services
        .cluster
        .list(&world.actor)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (cluster.reachable, cluster.since),
        (Some(false), Some(lost.since))
    );
    assert!(
        cluster
            .cause
            .unwrap()
            .sentence
            .contains("connection refused")
    );
    let fleet = world.services.fleet.fleet(&world.actor).await.unwrap();
    assert_eq!(fleet.oldest_unknown, Some(lost.since));
    assert!(!fleet.map[0].reachable && fleet.attention.len() == 1);
    world.cluster.cut("eu-dev", None);
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_watches_and_another_takes_over() {
    let world = TestWorld::with(Settings {
        lease: Duration::from_millis(600),
        ..settings()
    })
    .await;
    let first = Watching::begin(&world, "first");
    let instance = world.running("Staging").await;
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    let second = Watching::begin(&world, "second");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(world.cluster.watches(), 1, "the first still holds it");
    // Killed, not stopped: nothing is given up, the lease has to run out.
    first.task.abort();
    let before = world.instance(&instance.id).await.health;
    world.db.clock.advance(Duration::from_secs(30));
    world.cluster.trouble(&instance.id, Some(crash()));
    until(
        &world,
        &instance.id,
        HealthStatus::Down,
        Duration::from_secs(1),
    )
    .await;
    world.cluster.trouble(&instance.id, None);
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    let history = world
        .services
        .instance
        .detail(&world.actor, &instance.id)
        .await
        .unwrap()
        .history;
    let unknown = history
        .iter()
        .filter(|span| span.status == HealthStatus::Unknown);
    assert!(
        unknown.count() <= 1 && before.status == HealthStatus::Healthy,
        "{history:?}"
    );
    second.end().await;
    assert_eq!(world.cluster.watches(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_wakes_what_waits() {
    let world = TestWorld::new().await;
    let watching = Watching::begin(&world, "one");
    let worker = world.worker("one");
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(async move { worker.run(stopped).await });
    let begun = Instant::now();
    let made = world.create("Staging").await;
    // The clock stands still, so nothing but a wake-up can bring it on.
    loop {
        let operation = world.operation(made.operation.id).await;
        if operation.state == OperationState::Succeeded {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{operation:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("a creation took {} ms", begun.elapsed().as_millis());
    assert_eq!(
        world.instance(&made.instance.id).await.state,
        InstanceState::Running
    );
    stop.send(true).unwrap();
    working.await.unwrap();
    watching.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_fleet_tells_nothing() {
    let world = TestWorld::new().await;
    let watching = Watching::begin(&world, "one");
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(world.running(&format!("Instance {number}")).await.id);
    }
    for id in &ids {
        until(&world, id, HealthStatus::Healthy, Duration::ZERO).await;
    }
    let before = world.services.event.head().await.unwrap();
    for _ in 0..20 {
        world.db.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.services.event.head().await.unwrap(), before);
    for id in &ids {
        let health = world.instance(id).await.health;
        assert!(
            !health.stale && health.status == HealthStatus::Healthy,
            "{health:?}"
        );
    }
    watching.end().await;
    world.db.clock.advance(Duration::from_secs(16));
    assert!(
        world.instance(&ids[0]).await.health.stale,
        "nobody looks any more"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outdated_specification_is_written_again() {
    let world = TestWorld::new().await;
    let watching = Watching::begin(&world, "one");
    let instance = world.running("Staging").await;
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    // What a newer control plane or other settings of the cluster would do to the wish.
    world.cluster.age(&instance.id);
    let begun = Instant::now();
    let rewritten = loop {
        let wanted = service::operation::OperationFilter {
            instance: Some(instance.id.clone()),
            ..Default::default()
        };
        let page = world
            .services
            .operation
            .list(&world.actor, wanted)
            .await
            .unwrap();
        // Both may be of the same millisecond, so their order says nothing.
        let of_its_own = |it: &&OperationView| it.kind != OperationKind::Create;
        if let Some(rewritten) = page.items.iter().find(of_its_own) {
            break rewritten.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "{page:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(rewritten.requested_by, "The control plane");
    let ended = world.settle(rewritten.id).await;
    assert_eq!(ended.state, OperationState::Succeeded, "{ended:?}");
    until(&world, &instance.id, HealthStatus::Healthy, Duration::ZERO).await;
    watching.end().await;
}
