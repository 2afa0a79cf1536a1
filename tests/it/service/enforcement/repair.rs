//! What somebody deletes or edits by hand is mended: a gate with another whitelist gets another
//! generation, missing keys come back, and keys that are nobody's go.

use std::time::Duration;

use model::InstanceId;
use model::token::TokenState;
use tests::cluster::gateway::Trouble;
use tests::world::TestWorld;

use super::{eventually, revoke, until, view, with_token};

async fn nudge(world: &TestWorld, instance: &InstanceId) {
    let mut tx = world.db.db.begin().await.unwrap();
    store::gate::nudge(&mut tx, instance, world.db.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_come_back_and_foreign_ones_go() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    let ours = world.cluster.consumers(&instance);
    assert_eq!(ours.len(), 2);
    for name in &ours {
        world.cluster.steal_key(&instance, name);
    }
    world.cluster.plant_key(&instance, "tsomebodys", "a-text");
    let text = token.token.expose();
    assert_eq!(world.cluster.ask(&instance, Some(text)), Some(401));
    eventually(&world, Duration::from_secs(30), "mended", || async {
        world.cluster.consumers(&instance) == ours
            && world.cluster.ask(&instance, Some(text)) == Some(200)
    })
    .await;
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_gate_gets_another_generation() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    let gate = || async {
        store::gate::by_id(&world.db.db, &instance)
            .await
            .unwrap()
            .unwrap()
    };
    let before = gate().await;
    world.cluster.edit_gate(&instance, &["tsomebodys"]);
    let text = token.token.expose();
    assert_eq!(world.cluster.ask(&instance, Some(text)), Some(403));
    nudge(&world, &instance).await;
    eventually(&world, Duration::ZERO, "mended", || async {
        let now = gate().await;
        now.is_proven() && now.wish.generation > before.wish.generation
    })
    .await;
    assert_eq!(gate().await.wish.open_to, before.wish.open_to);
    assert_eq!(world.cluster.ask(&instance, Some(text)), Some(200));
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_that_no_row_knows_of_proves_nothing() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    // Somebody writes a gate of their own, far ahead, that a worker goes on to show.
    world.cluster.forge_gate(&instance, 900, &["tsomebodys"]);
    world.cluster.replica(2, Trouble::Stuck);
    revoke(&world, &token).await;
    let gate = || async {
        store::gate::by_id(&world.db.db, &instance)
            .await
            .unwrap()
            .unwrap()
    };
    eventually(
        &world,
        Duration::from_millis(50),
        "moved beyond it",
        || async { gate().await.wish.generation > 900 },
    )
    .await;
    assert_eq!(view(&world, &token).await.state, TokenState::Revoking);
    world.cluster.replica(2, Trouble::Well);
    until(&world, &token, TokenState::Revoked).await;
    assert!(gate().await.is_proven());
    keeping.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_older_than_the_cluster_catch_up() {
    let world = TestWorld::new().await;
    let (instance, keeping, token) = with_token(&world).await;
    keeping.end().await;
    // As after a backup was restored: the cluster has seen generations that no row knows of.
    let gone_back = "update instance set gate_generation = 1";
    world.db.shell(gone_back).await;
    world
        .db
        .shell("update gate set written_generation = 1, proven_generation = 1")
        .await;
    revoke(&world, &token).await;
    let keeping = super::Keeping::begin(&world);
    eventually(&world, Duration::from_millis(100), "caught up", || async {
        let gate = store::gate::by_id(&world.db.db, &instance)
            .await
            .unwrap()
            .unwrap();
        gate.is_proven() && gate.wish.generation > 2
    })
    .await;
    until(&world, &token, TokenState::Revoked).await;
    assert!(!world.cluster.opens(&instance, token.token.expose()));
    keeping.end().await;
}
