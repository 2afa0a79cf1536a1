//! Secrets planted where they belong are found nowhere else: every page and every answer that can be
//! read is searched for them, as everybody.

use std::fmt::Write as _;

use http::Method;
use model::Actor;
use model::user::Role;
use service::InvitePerson;
use tests::app::{TestApp, Who};
use tests::client::Proof;
use tests::services::{PASSWORD, origin};

use super::access::Things;
use super::table::OPERATIONS;

/// What must not come back: passwords and their hashes, texts of tokens, links, ids of sessions, keys.
async fn planted(app: &TestApp) -> Vec<(&'static str, String)> {
    let Proof::Token(token) = app.bearer(Who::Owner, &["all:read"]).await.proof().clone() else {
        panic!("a token")
    };
    let Proof::Session(session) = app.client(Who::Member).await.proof().clone() else {
        panic!("a session")
    };
    let invite = InvitePerson {
        email: "new@acme.example".to_owned(),
        role: Role::TenantMember,
        tenant: Some(app.world.tenant),
    };
    let users = &app.world.services.user;
    let sent = users
        .invite(&Actor::Operator, invite, &origin())
        .await
        .expect("invited");
    let link = sent.link.expect("a link");
    let key = [7_u8; 32].iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    vec![
        ("a password", PASSWORD.to_owned()),
        ("a hash of a password", "$argon2".to_owned()),
        ("a token", token),
        ("a session", session),
        (
            "a link",
            link.rsplit('/').next().unwrap_or_default().to_owned(),
        ),
        ("the server's key", key),
    ]
}

#[tokio::test]
async fn nothing_that_can_be_read_contains_a_secret() {
    let app = TestApp::new().await;
    let things = Things::of(&app).await;
    let secrets = planted(&app).await;
    let mut paths: Vec<String> = OPERATIONS
        .iter()
        .filter(|it| it.method == Method::GET && it.id != "listen_to_events")
        .map(|it| things.fill(it.path))
        .collect();
    let pages = app::routes();
    let pages = pages
        .iter()
        .filter(|route| route.method == "GET" && !route.open);
    paths.extend(pages.map(|route| super::pages::filled(&things, route.path)));
    let mut read = 0;
    for who in Who::ALL {
        let client = app.client(who).await;
        for path in &paths {
            let reply = client.get(path).await;
            read += usize::from(reply.status == 200);
            let text = reply.text();
            for (what, secret) in &secrets {
                assert!(
                    !text.contains(secret.as_str()),
                    "{what} came back from {path} as {who:?}"
                );
            }
        }
    }
    assert!(read > 150, "only {read} answers were read");
}
