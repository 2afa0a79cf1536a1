//! The whole life of an instance, from the REST call to the page: created, upgraded, reconfigured from
//! both sides, deleted without a trace. External Secrets, the Postgres operator and the gateway are
//! stand-ins; Kubernetes, Argo CD and cert-manager are themselves.

use serde_json::{Value, json};
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;
use tests::real_cluster::vault::Vault;
use tests::real_cluster::{Site, git, until};

/// Waits until the agent's Deployment wishes for that many replicas.
async fn replicas(cluster: &Cluster, instance: &str, wished: u64) {
    let path = Cluster::inside(instance, "apps/v1", "deployments/cloud-agent");
    until(&format!("{wished} replicas"), || async {
        let found = cluster.get(&path).await;
        let there = (
            &found["spec"]["replicas"],
            &found["status"]["readyReplicas"],
        );
        if there == (&json!(wished), &json!(wished)) {
            Ok(())
        } else {
            Err(format!("{there:?}"))
        }
    })
    .await;
}

fn source(application: &Value) -> &Value {
    &application["spec"]["sources"][0]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_lives_from_the_call_to_the_page_and_leaves_nothing() {
    let site = Site::get();
    let _shared = site.shared().await;
    let cluster = site.development();
    let product = Product::on(std::slice::from_ref(&cluster)).await;

    // Created: the Application is ours, Argo CD rendered the chart from Git, kwok plays the pods.
    let created = product.created("Wallets", &cluster, "2.0.0").await;
    let instance = &created.instance;
    let application = cluster.application(instance).await.expect("an Application");
    assert_eq!(
        source(&application)["targetRevision"],
        "prism-instance-1.0.0"
    );
    assert_eq!(application["status"]["sync"]["status"], "Synced");
    let images = cluster.ready_images(instance).await;
    assert!(
        images
            .iter()
            .any(|image| image.ends_with("identus-cloud-agent:2.0.0")),
        "{images:?}"
    );
    let page = product.page(&format!("/instances/{instance}")).await;
    for shown in ["Wallets", "Healthy", instance] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let entries = Vault::of(&cluster).names(instance).await;
    assert_eq!(entries.len(), 3, "{entries:?}");

    // Upgraded: the pods of the new release answer through the gateway.
    let operation = product.change(instance, &json!({"release": "2.1.0"})).await;
    product.succeeds(&operation).await;
    product.healthy(instance).await;
    let images = cluster.ready_images(instance).await;
    assert!(
        images
            .iter()
            .any(|image| image.ends_with("identus-cloud-agent:2.1.0")),
        "{images:?}"
    );
    assert!(
        !images
            .iter()
            .any(|image| image.ends_with("identus-cloud-agent:2.0.0")),
        "{images:?}"
    );

    // Reconfigured by a file in Git, which nobody told the control plane about.
    git::override_file(
        instance,
        Some("agent: {replicas: 2}\ninstance: {id: nobody}\n"),
    );
    replicas(&cluster, instance, 2).await;
    // Reconfigured in the console, which wins over the file.
    let operation = product
        .change(instance, &json!({"overrides": "agent: {replicas: 3}"}))
        .await;
    product.succeeds(&operation).await;
    replicas(&cluster, instance, 3).await;
    product.healthy(instance).await;

    // Deleted: the finalizers ran, and nothing is left anywhere.
    product.deleted(instance, &cluster).await;
    let entries = Vault::of(&cluster).names(instance).await;
    assert!(entries.is_empty(), "{entries:?}");
    git::override_file(instance, None);
}
