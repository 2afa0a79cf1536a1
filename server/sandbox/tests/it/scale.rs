//! A fleet at once: nothing may cost more because there is more of it.

use crate::world::{World, application};
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
