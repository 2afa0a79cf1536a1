//! Databases of a test's own on the `PostgreSQL` that `TEST_DATABASE_URL` names. Migrations run
//! once per process, into a template; a test gets a copy of it, which takes milliseconds and keeps
//! tests apart in everything, notifications included (their channels belong to a database).
//!
//! Invariant: nobody stays connected to the template, because a database that is in use cannot be
//! copied; and a copy goes when its [`Database`] does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use store::{Db, Options};
use tokio::sync::OnceCell;
use url::Url;

/// Most connections of one test to its database.
const CONNECTIONS: u32 = 8;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static COPIES: AtomicUsize = AtomicUsize::new(0);

/// A database that goes when this is dropped.
#[derive(Debug)]
pub struct Database {
    server: Url,
    name: String,
}

impl Database {
    /// A database with the schema in place and no rows beyond what migrations put there.
    pub async fn migrated() -> Self {
        let server = server();
        let template = TEMPLATE.get_or_init(|| make_template(&server)).await;
        let name = unused_name("test");
        // The other strategy, copying files, waits for two checkpoints and takes four times as long.
        let copy = format!("create database {name} template {template} strategy wal_log");
        run(&server, copy).await;
        Self { server, name }
    }

    /// A database without any schema.
    pub async fn empty() -> Self {
        let server = server();
        let name = unused_name("empty");
        run(&server, format!("create database {name}")).await;
        Self { server, name }
    }

    /// What `--database-url` takes.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url.into()
    }

    /// How the store opens it.
    #[must_use]
    pub fn options(&self) -> Options {
        Options::Postgres {
            url: self.url(),
            connections: CONNECTIONS,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = self.server.clone();
        let sql = format!("drop database if exists {} with (force)", self.name);
        // A thread with a runtime of its own: the test's runtime may be ending around us. A copy
        // that cannot be removed any more, because the server has gone, needs no removing.
        let gone = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                let _ = runtime.block_on(attempt(&server, sql));
            }
        });
        let _ = gone.join();
    }
}

/// The server of the tests.
///
/// # Panics
/// When `TEST_DATABASE_URL` is missing or is no URL.
fn server() -> Url {
    let text = std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL names the server when TEST_ENGINE is postgres");
    text.parse().expect("TEST_DATABASE_URL is a URL")
}

fn unused_name(kind: &str) -> String {
    let number = COPIES.fetch_add(1, Ordering::Relaxed);
    format!("{kind}_{}_{number}", std::process::id())
}

async fn make_template(server: &Url) -> String {
    let name = format!("template_{}", std::process::id());
    run(
        server,
        format!("drop database if exists {name} with (force)"),
    )
    .await;
    run(server, format!("create database {name}")).await;
    let mut url = server.clone();
    url.set_path(&name);
    let options = Options::Postgres {
        url: url.into(),
        connections: 1,
    };
    let db = Db::open(&options).await.expect("the template opens");
    store::migrate(&db).await.expect("the migrations run");
    db.close().await;
    name
}

async fn run(server: &Url, sql: String) {
    attempt(server, sql.clone())
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn attempt(server: &Url, sql: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server.as_str()).await?;
    // The text is made of names that this file makes up.
    connection.execute(AssertSqlSafe(sql)).await?;
    connection.close().await
}
