//! What is away delays only what needs it: the gate and its proof wait for neither Secrets Manager nor
//! External Secrets, and a cluster that cannot be reached is waited for. A keeper that was killed or
//! replaced leaves nothing undone and writes nothing more.

use std::sync::Arc;
use std::time::Duration;

use model::token::TokenState;
use service::{Services, Settings};
use store::gate::claim;
use tests::cluster::gateway::Trouble;
use tests::cluster::{Fault, Method};
use tests::services::settings;
use tests::world::TestWorld;

use super::{Keeping, eventually, issue, revoke, until, view, with_token};

const TICK: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_manager_is_not_needed_to_revoke() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    world.cluster.secrets_manager(false);
    revoke(&world, &token).await;
    until(&world, &token, TokenState::Revoked).await;
    assert_eq!(world.cluster.entries(&instance).len(), 1);
    world.cluster.secrets_manager(true);
    eventually(&world, Duration::from_secs(1), "cleaned up", || async {
        world.cluster.entries(&instance).is_empty()
    })
    .await;
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn external_secrets_is_waited_for_by_what_is_issued_alone() {
    let world = TestWorld::new().await;
    let (instance, keeping, before) = with_token(&world).await;
    world.cluster.external_secrets(false);
    let token = issue(&world, &instance, "Late").await;
    eventually(&world, TICK, "it says what it waits for", || async {
        let waiting = view(&world, &token).await.waiting.unwrap_or_default();
        waiting.contains("External Secrets does not answer")
    })
    .await;
    revoke(&world, &before).await;
    until(&world, &before, TokenState::Revoked).await;
    assert_eq!(view(&world, &token).await.state, TokenState::Issuing);
    world.cluster.external_secrets(true);
    until(&world, &token, TokenState::Active).await;
    assert_eq!(
        world.cluster.ask(&instance, Some(token.token.expose())),
        Some(200)
    );
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_cannot_be_reached_is_said_and_waited_for() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    world.cluster.cut("eu-dev", Some("connection refused"));
    revoke(&world, &token).await;
    eventually(&world, TICK, "it says why", || async {
        let waiting = view(&world, &token).await.waiting.unwrap_or_default();
        waiting.contains("eu-dev cannot be reached: connection refused")
    })
    .await;
    assert!(world.cluster.opens(&instance, token.token.expose()));
    world.cluster.cut("eu-dev", None);
    until(&world, &token, TokenState::Revoked).await;
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_keep_silent_or_take_half_a_push_prove_nothing() {
    let world = TestWorld::new().await;
    let (instance, keeping, mut token) = with_token(&world).await;
    for (number, name) in ["Silent", "Half"].into_iter().enumerate() {
        if number == 0 {
            world.cluster.replica(0, Trouble::Silent);
        } else {
            world.cluster.half_pushes(true);
        }
        revoke(&world, &token).await;
        eventually(&world, TICK, "it waits", || async {
            let shown = view(&world, &token).await;
            let open = world.cluster.opens(&instance, token.token.expose());
            assert!(!open || shown.state == TokenState::Revoking, "{shown:?}");
            shown.state == TokenState::Revoked
                || shown.waiting.is_some_and(|it| it.contains("apisix"))
        })
        .await;
        world.cluster.heal_tokens();
        until(&world, &token, TokenState::Revoked).await;
        token = issue(&world, &instance, name).await;
        until(&world, &token, TokenState::Active).await;
    }
    world.cluster.replica(0, Trouble::Gone);
    revoke(&world, &token).await;
    let revoked = until(&world, &token, TokenState::Revoked).await;
    assert_eq!(revoked.receipt.expect("a receipt").replicas, 2);
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_keeper_leaves_nothing_undone() {
    let quick = Settings {
        lease: Duration::from_millis(300),
        ..settings()
    };
    for method in [
        Method::Gate,
        Method::Look,
        Method::RemoveKey,
        Method::RemoveToken,
    ] {
        let world = TestWorld::with(quick.clone()).await;
        let (instance, keeping, token) = with_token(&world).await;
        let before = world.cluster.calls(method);
        world.cluster.fail(method, 1, Fault::Silence);
        revoke(&world, &token).await;
        eventually(&world, Duration::ZERO, "the effect", || async {
            world.cluster.calls(method) > before
        })
        .await;
        keeping.kill().await;
        let next = Arc::new(Services::new(world.services.context.clone()));
        let keeping = Keeping::of(next);
        until(&world, &token, TokenState::Revoked).await;
        eventually(&world, TICK, "cleaned up", || async {
            world.cluster.entries(&instance).is_empty()
                && world.cluster.consumers(&instance) == ["watchman1"]
        })
        .await;
        keeping.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_owns_its_database_takes_gates_over_at_once() {
    let world = TestWorld::new().await;
    if world.db.db.engine() != "sqlite" {
        return;
    }
    let (_, keeping, token) = with_token(&world).await;
    let before = world.cluster.calls(Method::Gate);
    world.cluster.fail(Method::Gate, 1, Fault::Silence);
    revoke(&world, &token).await;
    eventually(&world, Duration::ZERO, "the effect", || async {
        world.cluster.calls(Method::Gate) > before
    })
    .await;
    keeping.kill().await;
    // The clock stands still: no lease runs out.
    let keeping = Keeping::of(Arc::new(Services::new(world.services.context.clone())));
    eventually(&world, Duration::ZERO, "revoked", || async {
        view(&world, &token).await.state == TokenState::Revoked
    })
    .await;
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_that_was_replaced_while_it_asked_records_nothing() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    keeping.end().await;
    world.cluster.replica(0, Trouble::Stuck);
    revoke(&world, &token).await;
    let sleeper = Keeping::begin(&world);
    let looks = world.cluster.calls(Method::Look);
    eventually(&world, Duration::ZERO, "a look", || async {
        world.cluster.calls(Method::Look) > looks
    })
    .await;
    // Somebody else claims the gate, as if the sleeper's lease had run out.
    world.db.shell("update gate set lease_until = 0").await;
    let mut tx = world.db.db.begin().await.unwrap();
    let lease = Duration::from_hours(1);
    world.db.clock.advance(Duration::from_hours(2));
    let claimed = claim::claim(&mut tx, "next", lease, world.db.now(), 10)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claimed.len(), 1);
    world.cluster.replica(0, Trouble::Well);
    let looks = world.cluster.calls(Method::Look);
    eventually(&world, Duration::ZERO, "another look", || async {
        world.cluster.calls(Method::Look) > looks
    })
    .await;
    sleeper.end().await;
    assert_eq!(view(&world, &token).await.state, TokenState::Revoking);
    let gate = store::gate::by_id(&world.db.db, &instance)
        .await
        .unwrap()
        .unwrap();
    assert!(!gate.is_proven(), "{gate:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_whose_task_broke_off_is_seen_to_again() {
    let world = TestWorld::new().await;
    let (_, keeping, token) = with_token(&world).await;
    world.cluster.fail(Method::Gate, 1, Fault::Panic);
    revoke(&world, &token).await;
    until(&world, &token, TokenState::Revoked).await;
    keeping.end().await;
}
