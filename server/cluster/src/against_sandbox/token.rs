//! A token's whole way on a simulated cluster, and what the prover says while the gateway misbehaves.
//! The truth is taken from the replicas themselves, with the key: a look may never be ahead of it.

use std::time::{Duration, Instant};

use http::Request;
use model::enforcement::{GatewayLook, Progress, judge, receipt};
use model::observation::ProbeOutcome;
use model::secret_text::PlainToken;
use model::{Clock as _, InstanceId};
use sandbox::ClusterFault;
use service::ports::{ClusterPort as _, KeyFact, KeyWish, NewTokenEntry, Target, TokenPort as _};

use super::world::{PATIENCE, World, cluster_fault, is_well};
use crate::dial::{self, Door};
use model::cluster::Replicas;

const TOKEN: &str = "t018f3f1e000070008000000000000009";
const VERSION: &str = "018f3f1e-0000-7000-8000-0000000000aa";
/// Workers of each replica in the simulation.
const WORKERS: u32 = 2;

fn text(instance: &InstanceId) -> PlainToken {
    PlainToken::instance_from(instance, &[9; 64])
}

fn with_workers(target: &Target, some: Option<u32>) -> Target {
    let mut target = target.clone();
    if let Replicas::Pods { workers, .. } = &mut target.cluster.gateway.replicas {
        *workers = some;
    }
    target
}

impl World {
    /// A well instance.
    async fn well() -> Self {
        let world = Self::new().await;
        world.create().await;
        let mut watched = world.watch();
        watched.seen("a well instance", is_well).await;
        watched.stop().await;
        world
    }

    /// Another instance on the same gateway.
    async fn neighbour(&self) -> Target {
        let mut target = (*self.target).clone();
        target.instance = "k7mq2x9dr4hu".parse().unwrap();
        target.host = format!("{}.sandbox.localhost", target.instance);
        let key = PlainToken::instance_from(&target.instance, &[8; 64]);
        self.create_as(&target, &key).await;
        let end = Instant::now() + PATIENCE;
        while !matches!(
            self.clusters.probe(&target, &key).await.outcome,
            ProbeOutcome::Answered { .. }
        ) {
            assert!(Instant::now() < end, "the neighbour does not answer");
        }
        target
    }

    /// Issues the token: twice each, since each step may be repeated.
    async fn issue(&self, generation: i64) {
        let entry = NewTokenEntry {
            consumer: TOKEN.to_owned(),
            token: text(&self.target.instance),
            request_token: VERSION.to_owned(),
        };
        let wish = KeyWish {
            consumer: TOKEN.to_owned(),
            version: VERSION.to_owned(),
        };
        for _ in 0..2 {
            self.clusters
                .write_token(&self.target, &entry)
                .await
                .unwrap();
            self.gate(generation, &["watchman", TOKEN]).await.unwrap();
            self.clusters.apply_key(&self.target, &wish).await.unwrap();
        }
    }

    async fn key_fact(&self) -> Option<KeyFact> {
        let keys = self.clusters.keys(&self.target).await.unwrap();
        keys.into_iter().find(|fact| fact.consumer == TOKEN)
    }

    async fn until_brought(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let fact = self.key_fact().await;
            if fact
                .as_ref()
                .is_some_and(|it| it.synced && it.accepted == Some(Ok(())))
            {
                assert!(fact.unwrap().consumer_present);
                return;
            }
            assert!(Instant::now() < end, "{fact:?}");
        }
    }

    async fn look(&self, target: &Target, generation: i64) -> (GatewayLook, Progress) {
        let look = self.clusters.look(target, generation).await.unwrap();
        let progress = judge(&look, generation, self.clock.now());
        (look, progress)
    }

    /// Looks until a generation is proven.
    async fn until_proven(&self, target: &Target, generation: i64) -> GatewayLook {
        let end = Instant::now() + PATIENCE;
        loop {
            let (look, progress) = self.look(target, generation).await;
            if progress.is_proven() {
                return look;
            }
            assert!(Instant::now() < end, "{:?}", progress.waiting());
        }
    }

    /// Whether any worker of any replica that answers lets the token through.
    async fn is_let_through(&self) -> bool {
        let key = text(&self.target.instance);
        for url in &self.sandbox.endpoints()[0].replica_urls {
            for _ in 0..8 {
                let request = Request::get("/cloud-agent/_system/health")
                    .header("host", &self.target.host)
                    .header("apikey", key.expose())
                    .header("connection", "close")
                    .body(())
                    .unwrap();
                let door = Door {
                    secure: false,
                    host: &self.target.host,
                    port: 80,
                    address: Some(url.trim_start_matches("http://")),
                };
                let answer = dial::send(&door, request, Duration::from_secs(5), 1 << 16).await;
                if answer.is_ok_and(|answer| answer.status == 200) {
                    return true;
                }
            }
        }
        false
    }
}

#[tokio::test]
async fn a_token_is_brought_proven_and_taken_away() {
    let world = World::well().await;
    let target = &with_workers(&world.target, Some(WORKERS));
    let key = text(&target.instance);
    world.issue(2).await;
    world.until_brought().await;
    let look = world.until_proven(target, 2).await;
    let progress = judge(&look, 2, world.clock.now());
    let proof = receipt(&look, &progress, 1);
    let replicas = world.sandbox.endpoints()[0].replica_urls.len();
    assert_eq!(usize::try_from(proof.replicas).unwrap(), replicas);
    assert_eq!(proof.workers, proof.replicas * WORKERS);
    assert!(proof.routes >= 2 && proof.workers_known, "{proof:?}");
    let probe = world.clusters.probe(target, &key).await;
    assert!(
        matches!(probe.outcome, ProbeOutcome::Answered { .. }),
        "{probe:?}"
    );

    // The key space is the gateway's, and only the whitelist keeps the neighbour's door shut.
    let neighbour = world.neighbour().await;
    assert_eq!(world.clusters.knock(&neighbour, &key).await, Some(403));

    world.gate(3, &["watchman"]).await.unwrap();
    world.until_proven(target, 3).await;
    assert!(!world.is_let_through().await);
    assert_eq!(world.clusters.knock(target, &key).await, Some(403));
    for _ in 0..2 {
        world.clusters.remove_key(target, TOKEN).await.unwrap();
        world.clusters.remove_token(target, TOKEN).await.unwrap();
    }
    let end = Instant::now() + PATIENCE;
    while world.clusters.knock(target, &key).await != Some(401) {
        assert!(Instant::now() < end, "the consumer is still known");
    }
    assert_eq!(world.key_fact().await, None);
    let left = world.clusters.leftovers(target).await.unwrap();
    assert!(!left.iter().any(|it| it.contains(TOKEN)), "{left:?}");
}

#[tokio::test]
async fn a_proof_holds_however_the_replicas_are_reached() {
    let world = World::well().await;
    world.issue(2).await;
    let addresses: Vec<String> = world.sandbox.endpoints()[0]
        .replica_urls
        .iter()
        .map(|url| url.trim_start_matches("http://").to_owned())
        .collect();
    let mut direct = (*world.target).clone();
    for workers in [Some(WORKERS), None] {
        direct.cluster.gateway.replicas = Replicas::Addresses {
            addresses: addresses.clone(),
            workers,
        };
        let look = world.until_proven(&direct, 2).await;
        assert_eq!(look.replicas.len(), addresses.len());
    }
    let look = world
        .until_proven(&with_workers(&world.target, None), 2)
        .await;
    assert_eq!(look.replicas.len(), addresses.len());
    assert!(look.replicas.iter().all(|replica| replica.ready));
    let (_, ahead) = world.look(&world.target, 3).await;
    assert!(
        ahead
            .replicas
            .iter()
            .all(|it| it.why.contains("still has generation 2 of 3"))
    );
}

#[tokio::test]
async fn a_gateway_that_misbehaves_is_never_believed() {
    let world = World::well().await;
    let target = &with_workers(&world.target, Some(WORKERS));
    world.issue(2).await;
    world.until_brought().await;
    world.until_proven(target, 2).await;
    assert!(world.is_let_through().await);
    let mut generation = 2;
    for fault in [
        ClusterFault::GatewayStuck,
        ClusterFault::GatewayGone,
        ClusterFault::GatewayLagging,
        ClusterFault::GatewayPushFails,
        ClusterFault::GatewayWorkerRestarts,
    ] {
        cluster_fault(&world, fault, true).await;
        generation += 1;
        world.gate(generation, &["watchman"]).await.unwrap();
        let mut whys = Vec::new();
        for _ in 0..20 {
            let (_, progress) = world.look(target, generation).await;
            let proven = progress.is_proven();
            whys.extend(progress.waiting());
            if proven {
                assert!(!world.is_let_through().await, "{}", fault.name());
            }
        }
        if matches!(
            fault,
            ClusterFault::GatewayStuck | ClusterFault::GatewayGone
        ) {
            assert_eq!(
                whys.len(),
                20,
                "{}: one replica is not proven",
                fault.name()
            );
        }
        cluster_fault(&world, fault, false).await;
        world.until_proven(target, generation).await;
        assert!(!world.is_let_through().await, "{}", fault.name());
        generation += 1;
        world.gate(generation, &["watchman", TOKEN]).await.unwrap();
        world.until_proven(target, generation).await;
        assert!(world.is_let_through().await, "{}", fault.name());
    }
}

#[tokio::test]
async fn a_lost_whitelist_shows_at_the_neighbours_door() {
    let world = World::well().await;
    let neighbour = world.neighbour().await;
    let key = world.key();
    assert_eq!(world.clusters.knock(&neighbour, &key).await, Some(403));
    cluster_fault(&world, ClusterFault::WhitelistMissing, true).await;
    let end = Instant::now() + PATIENCE;
    while world.clusters.knock(&neighbour, &key).await != Some(200) {
        assert!(Instant::now() < end, "the door stays shut");
    }
}

#[tokio::test]
async fn a_key_that_waits_for_external_secrets_is_no_trouble_of_the_instance() {
    let world = World::well().await;
    cluster_fault(&world, ClusterFault::ExternalSecretsStopped, true).await;
    world.issue(2).await;
    let fact = world.key_fact().await.unwrap();
    assert!(!fact.synced && fact.consumer_present, "{fact:?}");
    assert_eq!(fact.version.as_deref(), Some(VERSION));
    let seen = world.clusters.observe(&world.target).await.unwrap();
    assert!(
        seen.secrets.iter().all(|secret| secret.ready == "True"),
        "{:?}",
        seen.secrets
    );
    assert_eq!(world.causes(&seen, None), []);
    // Closing the gate needs nothing of what stands still.
    let target = &with_workers(&world.target, Some(WORKERS));
    world.gate(3, &["watchman"]).await.unwrap();
    world.until_proven(target, 3).await;
    cluster_fault(&world, ClusterFault::ExternalSecretsStopped, false).await;
    world.until_brought().await;
}

#[tokio::test]
async fn uses_are_counted_by_consumer() {
    let world = World::well().await;
    let mut cluster = world.target.cluster.clone();
    cluster.gateway.prometheus_url = Some(world.sandbox.endpoints()[0].prometheus_url.clone());
    let consumer = format!("{}_watchman", world.target.instance.namespace());
    let end = Instant::now() + PATIENCE;
    loop {
        world.probe().await;
        let usage = world.clusters.usage(&cluster).await.unwrap().unwrap();
        if usage
            .iter()
            .any(|it| it.consumer == consumer && it.requests > 0)
        {
            break;
        }
        assert!(Instant::now() < end, "{usage:?}");
    }
    let lines = world.clusters.check(&cluster).await;
    let wrong: Vec<_> = lines.iter().filter(|line| !line.ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let line = |name: &str| &lines.iter().find(|line| line.name == name).unwrap().detail;
    assert_eq!(
        line("Replicas of the gateway"),
        "3 found, all of them answer."
    );
    assert!(
        line("Prometheus").contains("consumers counted"),
        "{}",
        line("Prometheus")
    );
}
