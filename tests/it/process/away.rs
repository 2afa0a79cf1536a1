//! A database that goes away and comes back, with the same process before and after: people and
//! programs are told to come again, nothing ends, and work goes on by itself.

use std::sync::Arc;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, StatusCode};
use sqlx::Connection as _;
use tests::process::{Server, until};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

use super::api::Api;
use super::place::{here, on_postgres};
use super::sandbox::QUICK;

/// A way to the database that can be cut.
struct Way {
    open: watch::Sender<bool>,
    port: u16,
}

impl Way {
    async fn to(database: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let host = database.host_str().expect("a host").to_owned();
        let upstream = Arc::new((host, database.port().unwrap_or(5432)));
        let (open, is_open) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (upstream, mut is_open) = (upstream.clone(), is_open.clone());
                tokio::spawn(async move {
                    if !*is_open.borrow() {
                        return;
                    }
                    let address = (upstream.0.as_str(), upstream.1);
                    let Ok(mut far) = TcpStream::connect(address).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { open, port }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_and_comes_back() {
    if !on_postgres() {
        // SQLite is a file in the same process and cannot go away by itself.
        return;
    }
    let mut here = here().await;
    let direct: Url = here
        .place
        .database
        .clone()
        .expect("a database")
        .parse()
        .expect("a URL");
    let way = Way::to(&direct).await;
    let mut url = direct.clone();
    url.set_port(Some(way.port)).expect("a port");
    here.place.database = Some(url.to_string());
    let api = Api::new(&here.place);
    let server = Server::start(&here.place, &QUICK).await;
    let tenant = api.tenant(&server, "Acme").await;

    // Cut every connection, as a restart of the database does, and let nobody in for a while.
    way.open.send_replace(false);
    let client = Client::new();
    until("it is not ready", || async {
        let ready = client
            .get(server.at("/readyz"))
            .send()
            .await
            .expect("an answer");
        ready.status() == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    let alive = client
        .get(server.at("/healthz"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(alive.status(), StatusCode::OK, "a restart would not help");
    let program = api
        .request(&server, Method::GET, "/tenants")
        .send()
        .await
        .expect("an answer");
    assert_eq!(program.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(program.headers().contains_key(RETRY_AFTER));
    assert_eq!(
        program.headers()["content-type"],
        "application/problem+json"
    );
    let person = client
        .get(server.at("/"))
        .header("Accept", "text/html")
        .header("Cookie", "session=MDEyMzQ1Njc4OWFiY2RlZg")
        .send()
        .await
        .expect("an answer");
    assert_eq!(person.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(person.headers().contains_key(RETRY_AFTER));
    assert!(person.text().await.expect("a page").contains("<html"));

    way.open.send_replace(true);
    until("it is ready again", || async {
        client
            .get(server.at("/readyz"))
            .send()
            .await
            .is_ok_and(|it| it.status() == StatusCode::OK)
    })
    .await;
    let created = api.instance(&server, &tenant, "One").await;
    api.succeeds(&server, &created.operation).await;

    // The other way a database goes: it ends every session itself.
    let mut db = sqlx::PgConnection::connect(direct.as_str())
        .await
        .expect("the database");
    let ended = sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    ended.execute(&mut db).await.expect("their end");
    until("it has new connections", || async {
        let answer = api
            .request(&server, Method::GET, "/tenants")
            .send()
            .await
            .expect("an answer");
        assert_ne!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        answer.status() == StatusCode::OK
    })
    .await;
    let created = api.instance(&server, &tenant, "Two").await;
    api.succeeds(&server, &created.operation).await;
    server.stop().await;
}
