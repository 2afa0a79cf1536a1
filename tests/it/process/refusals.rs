//! What the program refuses at its start: each with one clear sentence and an exit code, before
//! anything was changed.

use std::process::Output;

use sqlx::{AssertSqlSafe, Connection as _};
use tests::process::{Place, Server, said};

use super::place::{here, on_postgres};

fn is_refused(output: &Output, code: i32, sentence: &str) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(sentence), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_sqlite_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::sqlite(&folder.path().join("data"));
    let mut server = Server::start(&place, &[]).await;
    let second = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    is_refused(&second, 1, "Another server already uses the data folder");
    // The lock vanishes with its holder, however that ends.
    server.kill();
    Server::start(&place, &[]).await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port() {
    let here = here().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let output = here.place.run(&["serve", "--listen", &address]);
    is_refused(
        &output,
        1,
        "cannot be listened on: another program listens there",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema() {
    let here = here().await;
    assert!(here.place.run(&["migrate"]).status.success());
    let step = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (999999, 'later', true, X, 0)";
    if let Some(url) = &here.place.database {
        let mut db = sqlx::PgConnection::connect(url)
            .await
            .expect("the database");
        let step = step.replace('X', "'\\x00'::bytea");
        sqlx::query(AssertSqlSafe(step))
            .execute(&mut db)
            .await
            .expect("a step");
    } else {
        let path = here.place.data.join("control-plane.db");
        let mut db = sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display()))
            .await
            .expect("the database");
        let step = step.replace('X', "x'00'");
        sqlx::query(AssertSqlSafe(step))
            .execute(&mut db)
            .await
            .expect("a step");
    }
    for command in [vec!["serve", "--listen", "127.0.0.1:0"], vec!["migrate"]] {
        let output = here.place.run(&command);
        is_refused(
            &output,
            1,
            "The database has schema 999999, but this program knows only up to",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_key_and_none() {
    let here = here().await;
    assert!(here.place.run(&["migrate"]).status.success());
    let key = here.place.data.join("server.key");
    let right = std::fs::read(&key).expect("the key");
    assert_eq!(right.len(), 32);
    std::fs::write(&key, [7; 32]).expect("another key");
    is_refused(
        &here.place.run(&["serve", "--listen", "127.0.0.1:0"]),
        1,
        "holds another server key",
    );
    std::fs::remove_file(&key).expect("no key");
    is_refused(
        &here.place.run(&["serve", "--listen", "127.0.0.1:0"]),
        1,
        "does not exist",
    );
    let elsewhere = here.folder.path().join("elsewhere.key");
    std::fs::write(&elsewhere, right).expect("the key, elsewhere");
    let found = here.place.run(&[
        "migrate",
        "--server-key-file",
        &elsewhere.display().to_string(),
    ]);
    assert!(found.status.success(), "{}", said(&found));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there() {
    if !on_postgres() {
        // SQLite makes its file; only a server can be away.
        return;
    }
    let mut here = here().await;
    here.place.database = Some("postgres://me:hunter2@127.0.0.1:1/none".to_owned());
    let output = here.place.run(&["serve", "--listen", "127.0.0.1:0"]);
    is_refused(&output, 1, "The database cannot be reached");
    assert!(!said(&output).contains("hunter2"));
}

#[test]
fn a_configuration_that_cannot_be_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = Place::sqlite(&folder.path().join("data"));
    let file = folder.path().join("here.toml");
    std::fs::write(&file, "[server]\nlistne = \"127.0.0.1:0\"\n").expect("a file");
    let output = place.run(&["serve", "--config", &file.display().to_string()]);
    is_refused(&output, 2, "There is no setting server.listne");
    assert!(
        !place.data.exists(),
        "nothing is made before the configuration is understood"
    );
}
