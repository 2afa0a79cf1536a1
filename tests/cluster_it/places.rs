//! Two clusters, for development and for production, in two regions: instances land where they belong,
//! a cluster that is full, cordoned or gone takes none, and the other one does not notice.

use reqwest::StatusCode;
use serde_json::json;
use tests::real_cluster::product::Product;
use tests::real_cluster::vault::Vault;
use tests::real_cluster::{Site, until};

#[tokio::test(flavor = "multi_thread")]
async fn instances_land_where_they_belong() {
    let site = Site::get();
    let _shared = site.using(&site.clusters(), &[]).await;
    let (development, production) = (site.development(), site.production());
    let product = Product::on(&site.clusters()).await;
    let one = product.create("One", &development, "2.1.0").await;
    let other = product.create("Other", &production, "2.1.0").await;
    product.succeeds(&one.operation).await;
    product.succeeds(&other.operation).await;
    for (created, here, there) in [
        (&one, &development, &production),
        (&other, &production, &development),
    ] {
        product.healthy(&created.instance).await;
        assert!(here.application(&created.instance).await.is_some());
        assert!(there.application(&created.instance).await.is_none());
        assert_eq!(Vault::of(here).names(&created.instance).await.len(), 3);
        assert!(Vault::of(there).names(&created.instance).await.is_empty());
    }
    product.deleted(&one.instance, &development).await;
    product.deleted(&other.instance, &production).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_full_or_cordoned_takes_nothing_and_says_so() {
    let site = Site::get();
    let _shared = site.shared().await;
    let cluster = site.development();
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    for (change, reason) in [
        (json!({"cordoned": true}), "is cordoned"),
        (
            json!({"cordoned": false, "capacity": 0}),
            "is full (0 of 0)",
        ),
    ] {
        product.set(&cluster, &change).await;
        let (status, body) = product.ask_for("Wallets", &cluster, "2.1.0").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body:#}");
        assert_eq!(body["errors"][0]["field"], "region", "{body:#}");
        assert!(body.to_string().contains(reason), "{reason}: {body:#}");
    }
    product.set(&cluster, &json!({"capacity": 1})).await;
    let created = product.created("Wallets", &cluster, "2.1.0").await;
    product.deleted(&created.instance, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_cluster_does_not_disturb_the_other() {
    let site = Site::get();
    let (development, production) = (site.development(), site.production());
    let here = std::slice::from_ref(&development);
    let _alone = site.using(here, std::slice::from_ref(&production)).await;
    let product = Product::on(&site.clusters()).await;
    let one = product.created("One", &development, "2.1.0").await;
    // Paused, not ended: connections stay open and nothing answers, as behind a dead route.
    site.part("pause", &production.part("apiserver")).await;
    let two = product.created("Two", &development, "2.1.0").await;
    product.healthy(&one.instance).await;
    until("the silence of the other is noticed", || async {
        let seen = product.get("/clusters/production").await;
        match seen["reachable"].as_bool() {
            Some(false) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let (status, body) = product.ask_for("Other", &production, "2.1.0").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body:#}");
    assert!(body.to_string().contains("cannot be reached"), "{body:#}");
    site.part("resume", &production.part("apiserver")).await;
    product.deleted(&one.instance, &development).await;
    product.deleted(&two.instance, &development).await;
}
