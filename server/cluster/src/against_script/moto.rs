//! Secrets Manager as another implementation understands it: moto, where it is installed.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::cluster::ClusterAccess;
use serde_json::{Value, json};
use service::ports::{ClusterPort, NewSecret};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::{Fixed, clusters};
use crate::aws::{Aws, Vault};
use crate::wish::samples::target;

pub struct Moto {
    child: Child,
    pub url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it on a free port; none where it is not installed.
pub async fn moto() -> Option<Moto> {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let child = Command::new("moto_server")
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut moto = Moto {
        child,
        url: format!("http://127.0.0.1:{port}"),
    };
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        // A shim that finds no program behind it ends at once.
        if moto.child.try_wait().unwrap().is_some() {
            return None;
        }
        assert!(Instant::now() < end, "moto_server does not listen");
        sleep(Duration::from_millis(50)).await;
    }
    Some(moto)
}

fn secret(name: &str, text: &str, at: u8) -> NewSecret {
    NewSecret {
        name: name.to_owned(),
        text: text.to_owned().into(),
        request_token: format!("018f3f1e-0000-7000-8000-0000000000{at:02}"),
    }
}

/// Somebody who may read.
pub async fn reader(moto: &Moto) -> aws_sdk_secretsmanager::Client {
    let aws = Aws {
        clock: Arc::new(Fixed),
        overrides: BTreeMap::new(),
    };
    let vault = Vault {
        region: "eu-west-1".to_owned(),
        endpoint: Some(moto.url.clone()),
        role: None,
        local: true,
    };
    aws.secrets_manager(&vault).await
}

/// The entry has the first text and says whose it is.
async fn is_as_written(reader: &aws_sdk_secretsmanager::Client, name: &str) {
    let read = reader
        .get_secret_value()
        .secret_id(name)
        .send()
        .await
        .unwrap();
    let value: Value = serde_json::from_str(read.secret_string().unwrap()).unwrap();
    assert_eq!(value, json!({"value": "first"}));
    let described = reader
        .describe_secret()
        .secret_id(name)
        .send()
        .await
        .unwrap();
    let tags: BTreeMap<&str, &str> = described
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    assert_eq!(tags["hosted-instances/instance"], "k7mq2x9dr4ht");
    assert_eq!(
        tags["hosted-instances/tenant"],
        "018f3f1e-0000-7000-8000-000000000001"
    );
}

#[tokio::test]
async fn entries_are_written_once_found_and_deleted() {
    let Some(moto) = moto().await else {
        eprintln!("SKIPPED: moto_server is not installed (pip install 'moto[server]')");
        return;
    };
    let clusters = clusters("http://127.0.0.1:1", &moto.url);
    let mut target = target(ClusterAccess::Sandbox {
        name: "x".to_owned(),
    });
    let all = [
        secret("wallet-seed", "first", 1),
        secret("admin-token", "a", 2),
    ];
    for _ in 0..2 {
        clusters.write_secrets(&target, &all).await.unwrap();
    }
    let other = secret("wallet-seed", "second", 3);
    clusters.write_secrets(&target, &[other]).await.unwrap();

    let reader = reader(&moto).await;
    let name = "hosted-instances/one/k7mq2x9dr4ht/wallet-seed";
    is_as_written(&reader, name).await;

    // Another instance whose id begins alike keeps its entries.
    let first = target.instance.clone();
    target.instance = "k7mq2x9dr4hu".parse().unwrap();
    clusters.write_secrets(&target, &all).await.unwrap();
    target.instance = first;
    for _ in 0..2 {
        clusters.remove_secrets(&target).await.unwrap();
    }
    let gone = reader.describe_secret().secret_id(name).send().await;
    assert!(
        gone.unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
    let kept = name.replace("4ht", "4hu");
    assert!(
        reader
            .describe_secret()
            .secret_id(kept)
            .send()
            .await
            .is_ok()
    );
}
