//! A fleet at once: nothing may cost more because there is more of it.

use crate::world::{World, application, gate};
use futures::StreamExt;
use futures::stream;
use std::time::{Duration, Instant};

const FLEET: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_becomes_healthy_within_seconds() {
    let world = World::new().await;
    let begun = Instant::now();
    let ids: Vec<String> = (0..FLEET).map(|number| format!("a{number:011}")).collect();
    stream::iter(&ids)
        .for_each_concurrent(8, |id| async {
            world.create_instance(id, "2.1.0").await;
        })
        .await;
    for id in &ids {
        world.until_healthy(id).await;
    }
    let took = begun.elapsed();
    println!("{FLEET} instances healthy after {took:?}");
    assert!(took < Duration::from_mins(1), "{took:?}");
    let one = Instant::now();
    world.apply(application(&ids[0], "2.2.0")).await;
    world
        .get("/apis/argoproj.io/v1alpha1/applications?limit=50")
        .await;
    assert!(
        one.elapsed() < Duration::from_secs(1),
        "{:?}",
        one.elapsed()
    );
}

/// Instances with tokens behind one gateway, and how often one of them is revoked.
const CROWD: usize = 100;
const TOKENS: usize = 10;
const REVOCATIONS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_reaches_every_worker_at_once_among_a_thousand_tokens() {
    let world = World::paced(1.0).await;
    let ids: Vec<String> = (0..CROWD).map(|number| format!("b{number:011}")).collect();
    let names: Vec<String> = (0..TOKENS).map(|number| format!("t{number}")).collect();
    let mut open = vec!["sentinel"];
    open.extend(names.iter().map(String::as_str));
    let (here, all) = (&world, &names);
    stream::iter(&ids)
        .for_each_concurrent(8, |id| async move {
            here.bare_instance(id).await;
            for name in all {
                here.consumer(id, name, &format!("{id} {name}")).await;
            }
        })
        .await;
    let mut times = Vec::new();
    for round in 0..REVOCATIONS {
        let (id, generation) = (&ids[round * CROWD / REVOCATIONS], 3);
        world.apply(gate(id, 2, &open)).await;
        world.until_proven(id, 2).await;
        let revoked = format!("{id} t0");
        world.until_status(id, &revoked, 503).await;
        open.retain(|name| *name != "t0");
        let begun = Instant::now();
        world.apply(gate(id, generation, &open)).await;
        world.until_proven(id, generation).await;
        times.push(begun.elapsed());
        world.until_status(id, &revoked, 403).await;
        open.push("t0");
    }
    times.sort_unstable();
    println!("revocations with {} tokens: {times:?}", CROWD * TOKENS);
    assert!(times[REVOCATIONS / 2] < Duration::from_secs(1), "{times:?}");
}
