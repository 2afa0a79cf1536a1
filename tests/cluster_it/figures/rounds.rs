//! Applications made as fast as each can: by the product, which makes a whole instance around each; by
//! a bare loop of the library that the product is built on; by kubectl.

use std::ops::Range;
use std::process::Stdio;
use std::time::Instant;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;
use tests::real_cluster::{Site, until};

use super::copy_of;

/// How many are made in a round, and how many at once.
const EACH: usize = 100;
const AT_ONCE: usize = 8;
const ALL: &str = "/apis/argoproj.io/v1alpha1/namespaces/hosted-instances/applications";

fn rate(who: &str, round: usize, begun: Instant) {
    let took = begun.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(EACH).unwrap_or(u32::MAX)) / took;
    println!("round {round}, {who}: {EACH} Applications in {took:.2} s, {rate:.1} per second");
}

/// By the product: each REST call makes a namespace, a quota, three secrets, a gate and an Application.
pub async fn ours(product: &Product, cluster: &Cluster, round: usize) {
    let before = cluster.list(ALL).await.len();
    let begun = Instant::now();
    futures::stream::iter(0..EACH)
        .for_each_concurrent(AT_ONCE, |number| async move {
            product
                .create(&format!("R{round} {number}"), cluster, "2.1.0")
                .await;
        })
        .await;
    println!(
        "round {round}, the product: {EACH} calls answered in {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    until("every Application is there", || async {
        let now = cluster.list(ALL).await.len();
        if now >= before + EACH {
            Ok(())
        } else {
            Err(now.to_string())
        }
    })
    .await;
    rate("the product", round, begun);
}

async fn api(cluster: &Cluster) -> Api<DynamicObject> {
    let file = Kubeconfig::read_from(Site::get().kubeconfig()).expect("the kubeconfig");
    let options = KubeConfigOptions {
        context: Some(cluster.name().to_owned()),
        ..KubeConfigOptions::default()
    };
    let config = kube::Config::from_custom_kubeconfig(file, &options).await;
    let client = kube::Client::try_from(config.expect("a configuration")).expect("a client");
    let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", "Application");
    Api::namespaced_with(client, "hosted-instances", &ApiResource::from_gvk(&kind))
}

/// Makes copies by server-side apply, some at once.
pub async fn copies(cluster: &Cluster, application: &Value, numbers: Range<usize>) {
    let api = &api(cluster).await;
    futures::stream::iter(numbers)
        .for_each_concurrent(AT_ONCE, |number| async move {
            let copy = copy_of(application, number);
            let name = copy["metadata"]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            let params = PatchParams::apply("bench").force();
            api.patch(&name, &params, &Patch::Apply(&copy))
                .await
                .expect("applied");
        })
        .await;
}

/// By the library alone.
pub async fn bare(cluster: &Cluster, application: &Value, round: usize) {
    let begun = Instant::now();
    copies(cluster, application, 0..EACH).await;
    rate("a bare loop", round, begun);
}

/// By `kubectl apply --server-side` of one file.
pub async fn kubectl(cluster: &Cluster, application: &Value, round: usize) {
    let copies: Vec<Value> = (0..EACH)
        .map(|number| copy_of(application, number))
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": copies});
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), list.to_string()).expect("the file");
    let begun = Instant::now();
    let status = tokio::process::Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(Site::get().kubeconfig())
        .args(["--context", cluster.name(), "apply", "--server-side", "-f"])
        .arg(file.path())
        .stdout(Stdio::null())
        .status()
        .await;
    match status {
        Ok(status) => {
            assert!(status.success(), "kubectl: {status}");
            rate("kubectl apply", round, begun);
        }
        Err(error) => println!("round {round}, kubectl apply: not measured, {error}"),
    }
}
