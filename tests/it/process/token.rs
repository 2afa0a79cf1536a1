//! A token's whole life against the real program and the simulated gateway: it opens its own instance
//! and no other, ends with a proof, outlives a SIGKILL in the middle, and its text lies nowhere.

use std::path::{Path, PathBuf};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tests::process::{Server, until};

use super::api::{Api, id};
use super::place::{here, on_postgres};
use super::sandbox::QUICK;

const HEALTH: &str = "/cloud-agent/_system/health";
/// Enough fresh connections to meet every worker of every replica.
const CONNECTIONS: usize = 24;

/// A token with its text and the address it opens.
struct Issued {
    id: String,
    text: String,
    url: String,
}

async fn instance(api: &Api, server: &Server, tenant: &str, name: &str) -> String {
    let created = api.instance(server, tenant, name).await;
    api.succeeds(server, &created.operation).await;
    created.instance
}

async fn issue(api: &Api, server: &Server, instance: &str, name: &str) -> Issued {
    let path = format!("/instances/{instance}/tokens");
    let body = json!({ "name": name });
    let (status, made) = api
        .try_post(server, &path, name, &body)
        .await
        .expect("an answer");
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let issued = Issued {
        id: id(&made["token"]),
        text: made["text"].as_str().expect("the text").to_owned(),
        url: made["url"].as_str().expect("an address").to_owned(),
    };
    reaches(api, server, &issued.id, "active").await;
    issued
}

async fn reaches(api: &Api, server: &Server, token: &str, state: &str) -> Value {
    let path = format!("/tokens/{token}");
    until(&format!("the token is {state}"), || async {
        api.get(server, &path).await["state"] == state
    })
    .await;
    api.get(server, &path).await
}

/// What the gateway answers to a key, over so many fresh connections. Names below `localhost` resolve in
/// browsers and not here, so the address is asked with the name as its Host.
async fn answers(url: &str, key: Option<&str>) -> Vec<u16> {
    let address: url::Url = url.parse().expect("an address");
    let (host, port) = (
        address.host_str().expect("a host"),
        address.port().expect("a port"),
    );
    let mut seen = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = Client::new();
        let request = client
            .get(format!("http://127.0.0.1:{port}{HEALTH}"))
            .header("host", format!("{host}:{port}"));
        let request = match key {
            Some(key) => request.header("apikey", key),
            None => request,
        };
        seen.push(request.send().await.expect("an answer").status().as_u16());
    }
    seen.sort_unstable();
    seen.dedup();
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_its_instance_alone_and_is_proven_gone() {
    let here = here().await;
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &QUICK).await;
    let acme = api.tenant(&server, "Acme").await;
    let other = api.tenant(&server, "Other").await;
    let own = instance(&api, &server, &acme, "One").await;
    let neighbour = instance(&api, &server, &other, "Two").await;
    let token = issue(&api, &server, &own, "Payments").await;
    let beside = api.get(&server, &format!("/instances/{neighbour}")).await;
    let beside = beside["url"].as_str().expect("an address").to_owned();
    assert_eq!(answers(&token.url, Some(&token.text)).await, [200]);
    assert_eq!(answers(&token.url, Some("prism_made_up")).await, [401]);
    assert_eq!(answers(&token.url, None).await, [401]);
    assert_eq!(answers(&beside, Some(&token.text)).await, [403]);

    let path = format!("/tokens/{}?wait=30s", token.id);
    let reply = api
        .request(&server, Method::DELETE, &path)
        .send()
        .await
        .expect("an answer");
    assert_eq!(reply.status(), StatusCode::ACCEPTED);
    let revoked: Value = reply.json().await.expect("JSON");
    assert_eq!(revoked["state"], "revoked", "{revoked:#}");
    let receipt = &revoked["receipt"];
    assert!(receipt["replicas"].as_u64() >= Some(2), "{receipt}");
    assert!(
        receipt["workers"].as_u64() > receipt["replicas"].as_u64(),
        "{receipt}"
    );
    let refused = answers(&token.url, Some(&token.text)).await;
    assert!(
        refused.iter().all(|status| [401, 403].contains(status)),
        "{refused:?}"
    );
    let audit = api.list(&server, "/audit").await;
    let proof = audit.iter().find(|row| row["action"] == "token.proof");
    assert!(proof.is_some(), "the audit trail keeps the receipt");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_goes_on_after_a_kill() {
    let here = here().await;
    let api = Api::new(&here.place);
    let mut server = Server::start(&here.place, &QUICK).await;
    let tenant = api.tenant(&server, "Acme").await;
    let own = instance(&api, &server, &tenant, "One").await;
    let mut tokens = Vec::new();
    for number in 0..5 {
        tokens.push(issue(&api, &server, &own, &format!("token-{number}")).await);
    }
    for token in &tokens {
        let path = format!("/tokens/{}", token.id);
        let sent = api
            .request(&server, Method::DELETE, &path)
            .send()
            .await
            .expect("an answer");
        assert_eq!(sent.status(), StatusCode::ACCEPTED);
    }
    server.kill();
    let server = Server::start(&here.place, &QUICK).await;
    for token in &tokens {
        let ended = reaches(&api, &server, &token.id, "revoked").await;
        assert!(
            ended["receipt"]["replicas"].as_u64() >= Some(2),
            "{ended:#}"
        );
        let refused = answers(&token.url, Some(&token.text)).await;
        assert!(
            refused.iter().all(|status| [401, 403].contains(status)),
            "{refused:?}"
        );
    }
    server.stop().await;
}

/// Every file below a folder, without that of the simulated clusters: those are the Secrets Manager and
/// the cluster, where the text belongs.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "sandbox") {
                files(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_token_lies_nowhere() {
    let here = here().await;
    let api = Api::new(&here.place);
    let mut place = here.place.clone();
    place.environment.push((
        "HOSTED_INSTANCES_LOG__FILTER".to_owned(),
        "trace".to_owned(),
    ));
    let server = Server::start(&place, &QUICK).await;
    let tenant = api.tenant(&server, "Acme").await;
    let own = instance(&api, &server, &tenant, "One").await;
    let token = issue(&api, &server, &own, "Payments").await;
    let rotate = format!("/tokens/{}/rotate", token.id);
    let body = json!({ "overlap_seconds": 0 });
    let (status, rotated) = api
        .try_post(&server, &rotate, "again", &body)
        .await
        .expect("an answer");
    assert_eq!(status, StatusCode::CREATED, "{rotated}");
    reaches(&api, &server, &token.id, "revoked").await;
    let texts = [
        token.text,
        rotated["text"].as_str().expect("the text").to_owned(),
    ];
    for path in ["/tokens", "/audit", "/operations", "/instances"] {
        let told = json!(api.list(&server, path).await).to_string();
        assert!(texts.iter().all(|text| !told.contains(text)), "{path}");
    }
    let said = server.said();
    assert!(said.len() > 10_000, "the log says little at trace");
    assert!(texts.iter().all(|text| !said.contains(text)), "the log");
    server.stop().await;
    let mut found = Vec::new();
    files(&place.data, &mut found);
    assert!(found.len() > 1 || on_postgres());
    for file in found {
        let bytes = std::fs::read(&file).expect("a file");
        for text in &texts {
            // The random part alone would do as well.
            let part = &text.as_bytes()[text.len() - 49..];
            assert!(
                !bytes.windows(part.len()).any(|window| window == part),
                "{}",
                file.display()
            );
        }
    }
}
