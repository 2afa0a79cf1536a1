//! Parts of the cluster that are stopped, killed and started again under the product. Each test has its
//! cluster to itself.

use reqwest::StatusCode;
use serde_json::json;
use tests::real_cluster::Site;
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_goes_and_comes_back_ends_no_operation() {
    let site = Site::get();
    let cluster = site.production();
    let _alone = site.using(&[], std::slice::from_ref(&cluster)).await;
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    let first = product.created("First", &cluster, "2.1.0").await;
    let before = cluster.list("/api/v1/configmaps?limit=1").await;
    assert!(!before.is_empty());
    let list = cluster.get("/api/v1/configmaps?limit=1").await;
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version")
        .to_owned();

    let name = format!("after-{version}");
    let later = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    cluster
        .create("/api/v1/namespaces/default/configmaps", &later)
        .await;
    let second = product.create("Second", &cluster, "2.1.0").await;
    site.part("kill", &cluster.part("apiserver")).await;
    product.shows(&first.instance, "cluster_unreachable").await;
    site.forget(&cluster).await;
    site.part("start", &cluster.part("apiserver")).await;
    product.succeeds(&second.operation).await;
    product.healthy(&second.instance).await;
    product.healthy(&first.instance).await;

    // The new server does not know the old versions: watches that went on from one were told so, and
    // the product sees what happens now all the same.
    let watch = format!("/api/v1/configmaps?watch=1&resourceVersion={version}&timeoutSeconds=2");
    let (status, body) = cluster
        .send(reqwest::Method::GET, &watch, "application/json", None)
        .await;
    let gone = status == StatusCode::GONE || body.to_string().contains("too old resource version");
    assert!(gone, "{status} {body}");
    let change = json!({"overrides": "agent: {replicas: 2}"});
    let operation = product.change(&first.instance, &change).await;
    product.succeeds(&operation).await;
    product.deleted(&first.instance, &cluster).await;
    product.deleted(&second.instance, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argo_cd_that_is_killed_is_waited_for() {
    let site = Site::get();
    let cluster = site.production();
    let _alone = site.using(&[], std::slice::from_ref(&cluster)).await;
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    site.part("kill", &cluster.part("argocd")).await;
    let created = product.create("Wallets", &cluster, "2.1.0").await;
    let said = product
        .step_says(&created.operation, "synced", "Argo CD")
        .await;
    eprintln!("without Argo CD the operation says: {said}");
    site.part("start", &cluster.part("argocd")).await;
    product.succeeds(&created.operation).await;
    product.deleted(&created.instance, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repo_server_that_refuses_is_named() {
    let site = Site::get();
    let cluster = site.production();
    let _alone = site.using(&[], std::slice::from_ref(&cluster)).await;
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    let first = product.created("First", &cluster, "2.1.0").await;
    site.part("stop", &cluster.part("repo-server")).await;
    let patch = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "hard"}}});
    cluster
        .merge(&Cluster::application_path(&first.instance), &patch)
        .await;
    let (_, sentence) = product
        .shows(&first.instance, "overrides_unreachable")
        .await;
    assert!(sentence.contains("connect"), "{sentence}");
    site.part("start", &cluster.part("repo-server")).await;
    cluster
        .merge(&Cluster::application_path(&first.instance), &patch)
        .await;
    product.healthy(&first.instance).await;
    product.deleted(&first.instance, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secrets_manager_that_is_away_is_named_and_waited_for() {
    let site = Site::get();
    let _alone = site.alone().await;
    let cluster = site.development();
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    site.part("stop", "secrets-manager").await;
    let created = product.create("Wallets", &cluster, "2.1.0").await;
    let code = "secrets_manager_unavailable";
    product
        .stuck(&created.instance, &created.operation, code)
        .await;
    site.part("start", "secrets-manager").await;
    product.succeeds(&created.operation).await;
    product.deleted(&created.instance, &cluster).await;
}
