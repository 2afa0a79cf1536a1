//! Two servers on one PostgreSQL and one data folder: either serves, an operation is carried out once,
//! and when one dies the other finishes, the sandbox included.

use std::collections::BTreeSet;

use reqwest::{Client, StatusCode};
use tests::process::{Server, until};

use super::api::{Api, Created};
use super::place::{here, on_postgres};
use super::sandbox::{QUICK, inventory};

#[tokio::test(flavor = "multi_thread")]
async fn killing_one_of_two_servers_lets_the_other_finish() {
    if !on_postgres() {
        // SQLite carries one server by design, which is a test of its own.
        return;
    }
    let here = here().await;
    let api = Api::new(&here.place);
    let slow = ["--sandbox", "--sandbox-pace", "0.2"];
    let mut first = Server::start(&here.place, &slow).await;
    let second = Server::start(&here.place, &slow).await;
    assert_eq!(
        first.sandbox(),
        second.sandbox(),
        "both know the same clusters"
    );
    for server in [&first, &second] {
        let page = Client::new()
            .get(server.at("/sign-in"))
            .send()
            .await
            .expect("a page");
        assert_eq!(page.status(), StatusCode::OK);
    }
    let tenant = api.tenant(&first, "Acme").await;
    let mut all: Vec<Created> = Vec::new();
    for number in 0..4 {
        let server = if number % 2 == 0 { &first } else { &second };
        all.push(
            api.instance(server, &tenant, &format!("instance-{number}"))
                .await,
        );
    }
    until("one of them is being made", || async {
        let operations = api.list(&second, "/operations").await;
        operations
            .iter()
            .any(|it| it["state"] == "running" || it["state"] == "waiting")
    })
    .await;
    first.kill();
    until("the second simulates the clusters", || async {
        second
            .said()
            .contains("This server now simulates the sandbox clusters.")
    })
    .await;
    for created in &all {
        api.succeeds(&second, &created.operation).await;
    }
    let found = inventory(&here.place.data).await;
    let wished: BTreeSet<String> = all
        .iter()
        .map(|it| format!("prism{}", it.instance))
        .collect();
    assert_eq!(found.applications.len(), wished.len(), "{found:?}");
    assert_eq!(found.namespaces, wished);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_writes_the_other_shows_at_once() {
    if !on_postgres() {
        return;
    }
    let here = here().await;
    let api = Api::new(&here.place);
    let first = Server::start(&here.place, &QUICK).await;
    let second = Server::start(&here.place, &QUICK).await;
    let tenant = api.tenant(&first, "Acme").await;
    assert_eq!(
        api.get(&second, &format!("/tenants/{tenant}")).await["name"],
        "Acme"
    );
    // The same key at the other server is the same request.
    let body = serde_json::json!({ "name": "Acme" });
    let (status, again) = api
        .try_post(&second, "/tenants", "Acme", &body)
        .await
        .expect("an answer");
    assert_eq!(
        (status, again["id"].as_str()),
        (StatusCode::CREATED, Some(tenant.as_str()))
    );
    let created = api.instance(&second, &tenant, "One").await;
    api.succeeds(&first, &created.operation).await;
    first.stop().await;
    // The one that is left goes on alone.
    let created = api.instance(&second, &tenant, "Two").await;
    api.succeeds(&second, &created.operation).await;
    second.stop().await;
}
