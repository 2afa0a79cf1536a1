//! A token's way over the real API server: the objects that the product writes are accepted by the
//! published definitions, the stand-ins for External Secrets and for the ingress controller bring the
//! key to the stand-in gateway, and after the proof neither the key nor anything of it is left.

use http::Method;
use serde_json::{Value, json};
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;
use tests::real_cluster::vault::Vault;
use tests::real_cluster::{Site, until};

const HEALTH: &str = "/cloud-agent/_system/health";

async fn reaches(product: &Product, token: &str, state: &str) -> Value {
    until(&format!("the token is {state}"), || async {
        let found = product.get(&format!("/tokens/{token}")).await;
        if found["state"] == state {
            Ok(found)
        } else {
            Err(found.to_string())
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_travels_opens_and_is_proven_gone() {
    let site = Site::get();
    let _shared = site.shared().await;
    let cluster = site.development();
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    let created = product.created("Wallets", &cluster, "2.1.0").await;
    let instance = &created.instance;
    let path = format!("/instances/{instance}/tokens");
    let body = json!({"name": "Payments"});
    let (status, made) = product.send(Method::POST, &path, Some(&body)).await;
    assert_eq!(status, 201, "{made}");
    let text = made["text"].as_str().expect("the text").to_owned();
    let id = made["token"]["id"].as_str().expect("an id").to_owned();
    let consumer = format!("t{}", id.replace('-', ""));
    reaches(&product, &id, "active").await;

    let host = product.instance(instance).await["host"].clone();
    let host = host.as_str().expect("a host");
    assert_eq!(
        cluster.through(host, HEALTH, Some(&text)).await.status(),
        200
    );
    assert_eq!(
        cluster.through(host, HEALTH, Some("wrong")).await.status(),
        401
    );
    let entry = format!("hosted-instances/{instance}/{consumer}");
    let written: Value =
        serde_json::from_str(&Vault::of(&cluster).value(&entry).await).expect("JSON");
    assert_eq!(written["key"], text);
    let objects = [
        Cluster::inside(
            instance,
            "external-secrets.io/v1",
            &format!("externalsecrets/{consumer}"),
        ),
        Cluster::inside(
            instance,
            "apisix.apache.org/v2",
            &format!("apisixconsumers/{consumer}"),
        ),
        Cluster::inside(instance, "v1", &format!("secrets/{consumer}")),
    ];
    for object in &objects {
        assert!(cluster.find(object).await.is_some(), "{object} is missing");
    }

    let path = format!("/tokens/{id}?wait=30s");
    let (status, revoked) = product.send(Method::DELETE, &path, None).await;
    assert_eq!(status, 202, "{revoked}");
    assert_eq!(revoked["state"], "revoked", "{revoked:#}");
    assert!(
        revoked["receipt"]["replicas"].as_u64() >= Some(2),
        "{revoked:#}"
    );
    let refused = cluster.through(host, HEALTH, Some(&text)).await.status();
    assert!([401, 403].contains(&refused.as_u16()), "{refused}");
    for object in &objects {
        until("nothing of the key is left", || async {
            match cluster.find(object).await {
                None => Ok(()),
                Some(_) => Err(format!("{object} is there")),
            }
        })
        .await;
    }
    until("its entry is gone", || async {
        let names = Vault::of(&cluster).names(instance).await;
        if names.iter().any(|name| name.ends_with(&consumer)) {
            Err(names.join(", "))
        } else {
            Ok(())
        }
    })
    .await;
    assert!(
        !product.server().said().contains(&text),
        "the text is in the log"
    );
    product.deleted(instance, &cluster).await;
}
