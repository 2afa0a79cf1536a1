//! The way of a secret: written by the product to Secrets Manager (moto, over its real API), read by
//! the stand-in for External Secrets, there as a Secret with exactly that value; and what the way does
//! when the stand-in stops. The objects are validated by External Secrets' own definitions.

use serde_json::{Value, json};
use tests::real_cluster::cluster::Cluster;
use tests::real_cluster::product::Product;
use tests::real_cluster::vault::Vault;
use tests::real_cluster::{Site, until};

/// The value that a pod would be given.
async fn given(cluster: &Cluster, instance: &str, name: &str) -> String {
    let path = Cluster::inside(instance, "v1", "secrets/instance-secrets");
    let secret = cluster.get(&path).await;
    let text = secret["data"][name].as_str().unwrap_or_default();
    String::from_utf8(decoded(text)).expect("text")
}

/// Base64, with the alphabet of Kubernetes.
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|it| *it == byte).expect("Base64");
        bits = (bits << 6) | u32::try_from(value).expect("six bits");
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).expect("eight bits"));
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_what_arrives_and_nobody_else_reads_it() {
    let site = Site::get();
    let _shared = site.shared().await;
    let cluster = site.development();
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    let created = product.created("Wallets", &cluster, "2.1.0").await;
    let (instance, vault) = (&created.instance, Vault::of(&cluster));
    for name in ["wallet-seed", "admin-token", "api-key-salt"] {
        let entry = vault
            .value(&format!("hosted-instances/{instance}/{name}"))
            .await;
        let written: Value = serde_json::from_str(&entry).expect("JSON");
        let value = written["value"].as_str().expect("a value");
        assert!(value.len() >= 32, "{name} is short");
        assert_eq!(given(&cluster, instance, name).await, value, "{name}");
        assert!(
            !product.server().said().contains(value),
            "{name} is in the log"
        );
    }
    product.deleted(instance, &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_read_again_when_its_object_changes_and_at_no_other_time() {
    let site = Site::get();
    let cluster = site.production();
    let _alone = site.using(&[], std::slice::from_ref(&cluster)).await;
    let product = Product::on(std::slice::from_ref(&cluster)).await;
    let created = product.created("Wallets", &cluster, "2.1.0").await;
    let (instance, vault) = (&created.instance, Vault::of(&cluster));
    let before = given(&cluster, instance, "admin-token").await;
    let entry = format!("hosted-instances/{instance}/admin-token");
    let next = json!({"SecretId": entry, "SecretString": r#"{"value":"rotated"}"#});
    assert_eq!(vault.call("PutSecretValue", &next).await.0, 200);

    // Stopped while the object changes; the change is met when it comes back.
    let operator = cluster.part("stand-in-external-secrets");
    site.part("stop", &operator).await;
    let path = Cluster::inside(
        instance,
        "external-secrets.io/v1",
        "externalsecrets/instance-secrets",
    );
    let synced = cluster.get(&path).await["status"]["syncedResourceVersion"].clone();
    let force = json!({"metadata": {"annotations": {"force-sync": "1"}}});
    cluster.merge(&path, &force).await;
    assert_eq!(given(&cluster, instance, "admin-token").await, before);
    site.part("start", &operator).await;
    until("the new value arrives", || async {
        let value = given(&cluster, instance, "admin-token").await;
        if value == "rotated" {
            Ok(())
        } else {
            Err("the old one".to_owned())
        }
    })
    .await;
    until("the object says that it was read", || async {
        let status = cluster.get(&path).await["status"].clone();
        if status["syncedResourceVersion"] == synced {
            Err(status.to_string())
        } else {
            Ok(())
        }
    })
    .await;
    product.deleted(instance, &cluster).await;
    assert!(vault.names(instance).await.is_empty());
}
