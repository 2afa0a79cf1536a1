//! Commands of the command line beside a running server: what they print is all that they print.

use reqwest::{Client, StatusCode};
use tests::process::{Server, said};

use super::place::here;

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_is_made_and_revoked_beside_a_running_server() {
    let here = here().await;
    let server = Server::start(&here.place, &[]).await;
    let output = here.place.run(&[
        "access-token",
        "create",
        "--name",
        "ci",
        "--scope",
        "access-tokens:write",
    ]);
    let token = String::from_utf8(output.stdout.clone()).expect("text");
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        token.starts_with("hiat_") && token.trim_end().len() == 54 && token.ends_with('\n'),
        "{token}"
    );
    assert_eq!(token.lines().count(), 1);
    let client = Client::new();
    let ask = || {
        client
            .get(server.at("/api/v1/access-tokens"))
            .bearer_auth(token.trim())
            .send()
    };
    let known: serde_json::Value = ask().await.expect("an answer").json().await.expect("JSON");
    let id = known["items"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no token in {known}"))
        .to_owned();
    let revoked = here.place.run(&["access-token", "revoke", &id]);
    assert!(revoked.status.success(), "{}", said(&revoked));
    assert_eq!(
        ask().await.expect("an answer").status(),
        StatusCode::UNAUTHORIZED
    );
    assert!(
        !server.said().contains(token.trim()),
        "the token stands in the log"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_scope_is_refused_and_prints_no_token() {
    let here = here().await;
    let output = here.place.run(&[
        "access-token",
        "create",
        "--name",
        "ci",
        "--scope",
        "everything",
    ]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_made_with_a_password_by_standard_input() {
    let here = here().await;
    let arguments = [
        "admin",
        "create-owner",
        "--email",
        "ada@example.org",
        "--password-stdin",
    ];
    let made = here
        .place
        .run_with_input(&arguments, "correct horse battery staple\n");
    assert!(made.status.success(), "{}", said(&made));
    let short = here.place.run_with_input(&arguments, "short\n");
    assert_eq!(short.status.code(), Some(2), "{}", said(&short));
    let none = here.place.run_with_input(&arguments, "");
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
    let server = Server::start(&here.place, &[]).await;
    assert!(
        !server.link().expect("a link").contains("/setup/"),
        "there is an owner already"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_trail_is_verified_and_a_change_is_found() {
    let here = here().await;
    let _token = here.place.token("tenants:read");
    let intact = here.place.run(&["audit", "verify"]);
    assert!(intact.status.success(), "{}", said(&intact));
    assert!(
        said(&intact).contains("intact chain staff"),
        "{}",
        said(&intact)
    );
    forge(&here.place).await;
    let broken = here.place.run(&["audit", "verify"]);
    assert_eq!(broken.status.code(), Some(3), "{}", said(&broken));
    assert!(said(&broken).contains("was changed"), "{}", said(&broken));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_exports_heads_and_a_cut_end_is_found_by_them() {
    let here = here().await;
    let _token = here.place.token("tenants:read");
    let server = Server::start(&here.place, &[]).await;
    server.stop().await;
    let heads = here.place.data.join("audit-heads.jsonl");
    let exported = std::fs::read_to_string(&heads).expect("heads");
    assert!(exported.contains("\"chain\":\"staff\""), "{exported}");
    let intact = here.place.run(&["audit", "verify"]);
    assert!(intact.status.success(), "{}", said(&intact));
    let signed = format!("compared with {} exported heads", exported.lines().count());
    assert!(said(&intact).contains(&signed), "{}", said(&intact));
    shell(&here.place, "delete from audit").await;
    shell(&here.place, "delete from audit_head").await;
    let copy = here.place.data.join("copy.jsonl");
    std::fs::rename(&heads, &copy).expect("a copy");
    let blind = here.place.run(&["audit", "verify"]);
    assert!(
        blind.status.success(),
        "nothing shows without heads: {}",
        said(&blind)
    );
    let copy = copy.to_str().expect("text");
    let cut = here.place.run(&["audit", "verify", "--heads", copy]);
    assert_eq!(cut.status.code(), Some(3), "{}", said(&cut));
    assert!(said(&cut).contains("row 1 is missing"), "{}", said(&cut));
    let away = here.place.run(&["audit", "verify", "--heads", "/nowhere"]);
    assert_eq!(away.status.code(), Some(1), "{}", said(&away));
    let key = here.place.run(&["audit", "key"]);
    assert!(
        said(&key).starts_with("-----BEGIN PUBLIC KEY-----"),
        "{}",
        said(&key)
    );
}

async fn forge(place: &tests::process::Place) {
    shell(place, "update audit set summary = 'nothing happened'").await;
}

async fn shell(place: &tests::process::Place, sql: &'static str) {
    use sqlx::Connection as _;
    if let Some(url) = &place.database {
        let mut db = sqlx::PgConnection::connect(url)
            .await
            .expect("the database");
        sqlx::query(sql).execute(&mut db).await.expect("a change");
    } else {
        let path = place.data.join("control-plane.db");
        let mut db = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display()))
            .await
            .expect("the database");
        sqlx::query(sql).execute(&mut db).await.expect("a change");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_what_is_missing() {
    let here = here().await;
    let before = here.place.run(&["doctor"]);
    assert_eq!(before.status.code(), Some(1), "{}", said(&before));
    let server = Server::start(&here.place, &["--sandbox", "--sandbox-pace", "0"]).await;
    let well = here.place.run(&["doctor"]);
    assert!(well.status.success(), "{}", said(&well));
    for name in [
        "data folder",
        "schema",
        "clock",
        "server key",
        "mail",
        "sandbox-development",
    ] {
        assert!(said(&well).contains(name), "{name} in {}", said(&well));
    }
    server.stop().await;
    let without = here.place.run(&["doctor"]);
    assert_eq!(
        without.status.code(),
        Some(1),
        "its clusters are gone: {}",
        said(&without)
    );
}

#[test]
fn the_configuration_is_printed_without_its_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = tests::process::Place {
        data: folder.path().join("data"),
        database: Some("postgres://me:hunter2@db/x".to_owned()),
        environment: Vec::new(),
    };
    let output = place.run(&["--print-config"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        !text.contains("hunter2") && text.contains("(redacted)"),
        "{text}"
    );
    assert!(text.contains("[sign_in]"), "{text}");
    assert!(!place.data.exists());
}
