//! Figures, not judgements: how quickly Applications are made, seen and told of, beside the plainest
//! ways of doing the same, on one API server in alternating rounds. Argo CD and the stand-ins are
//! stopped meanwhile, so that nobody else asks. `cargo xtask bench cluster` runs this.

mod rounds;
mod told;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;
use tests::real_cluster::{Site, until};

/// Parts that would act on what is made.
const BUSY: [&str; 6] = [
    "argocd",
    "repo-server",
    "stand-in-external-secrets",
    "stand-in-postgres-operator",
    "stand-in-ingress-controller",
    "controllers",
];

/// An Application as Argo CD left it, to be multiplied: with its status, without what is its own.
fn copy_of(application: &Value, number: usize) -> Value {
    let mut copy = application.clone();
    copy["metadata"] = json!({
        "name": format!("prismz{number:011}"),
        "namespace": "hosted-instances",
        "labels": {"tests.example.org/copy": "yes"},
    });
    copy
}

/// The middle and the end of a list of durations, in milliseconds.
fn summary(mut all: Vec<Duration>) -> String {
    all.sort();
    let at = |share: usize| {
        let index = (all.len() * share / 100).min(all.len() - 1);
        all[index].as_secs_f64() * 1000.0
    };
    format!(
        "median {:.1} ms, p99 {:.1} ms ({} times)",
        at(50),
        at(99),
        all.len()
    )
}

/// Resident memory of a process in MiB.
fn memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.expect("its memory") / 1024
}

async fn take_copies_away(cluster: &Cluster) {
    let all = "/apis/argoproj.io/v1alpha1/namespaces/hosted-instances/applications";
    let copies = format!("{all}?labelSelector=tests.example.org/copy%3Dyes");
    until("the copies are gone", || async {
        // Very many are more than one request can take away in its time.
        let kind = "application/json";
        let (status, _) = cluster.send(Method::DELETE, &copies, kind, None).await;
        let left = cluster.list(&format!("{copies}&limit=1")).await.len();
        if left == 0 {
            Ok(())
        } else {
            Err(status.to_string())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures for minutes: cargo xtask bench cluster"]
async fn figures() {
    let site = Site::get();
    let _alone = site.alone().await;
    let cluster = site.development();
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    product.set(&cluster, &json!({"capacity": 100_000})).await;
    let one = product.created("One", &cluster, "2.1.0").await;
    let application = cluster.application(&one.instance).await.expect("it");
    for part in BUSY {
        site.part("stop", &cluster.part(part)).await;
    }
    let pid = product.server().id();
    println!(
        "memory of the server, one instance watched: {} MiB",
        memory(pid)
    );

    told::visible(&product, &cluster).await;
    told::patched(&product, &cluster, &one.instance).await;
    for round in 1..=3 {
        rounds::ours(&product, &cluster, round).await;
        rounds::bare(&cluster, &application, round).await;
        take_copies_away(&cluster).await;
        rounds::kubectl(&cluster, &application, round).await;
        take_copies_away(&cluster).await;
    }
    let mut made = 0;
    for wished in [1_000, 5_000, 10_000] {
        rounds::copies(&cluster, &application, made..wished).await;
        made = wished;
        // Until the watch has told of all of them and the allocator has settled.
        let (mut last, mut same) = (0, 0);
        while same < 5 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = memory(pid);
            same = if now.abs_diff(last) <= 1 { same + 1 } else { 0 };
            last = now;
        }
        println!("memory of the server, {wished} Applications watched: {last} MiB");
    }
    take_copies_away(&cluster).await;
    for part in BUSY.iter().rev() {
        site.part("start", &cluster.part(part)).await;
    }
}
