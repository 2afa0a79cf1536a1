//! A database of a test's own, on the engine that `TEST_ENGINE` names: `sqlite` (also when nothing
//! is named) or `postgres`. Migrations run once per process; a test gets a copy of the result.

use std::path::PathBuf;
use std::sync::Arc;

use model::{Clock as _, Timestamp};
use store::{Db, Options};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::clock::MockClock;
use crate::entropy::SeededEntropy;
use crate::postgres::Database;

static SQLITE: OnceCell<Vec<u8>> = OnceCell::const_new();

/// An open database that goes when this is dropped, with a clock and randomness beside it.
#[derive(Debug)]
pub struct TestDb {
    /// The database.
    pub db: Db,
    /// Stands still until it is moved.
    pub clock: Arc<MockClock>,
    /// The same in every run.
    pub entropy: Arc<SeededEntropy>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Folder(TempDir),
    Server(Database),
}

/// The engine under test.
///
/// # Panics
/// When `TEST_ENGINE` names none that there is, so that a typing mistake skips nothing silently.
#[must_use]
pub fn engine() -> &'static str {
    match std::env::var("TEST_ENGINE").as_deref() {
        Ok("sqlite") | Err(_) => "sqlite",
        Ok("postgres") => "postgres",
        Ok(other) => panic!("TEST_ENGINE is sqlite or postgres, not {other}"),
    }
}

impl TestDb {
    /// With the schema in place and no rows beyond what migrations put there.
    pub async fn new() -> Self {
        if engine() == "postgres" {
            let database = Database::migrated().await;
            let db = Db::open(&database.options()).await.expect("the copy opens");
            return Self::around(db, Place::Server(database));
        }
        let bytes = SQLITE.get_or_init(migrated_sqlite).await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("test.db");
        std::fs::write(&path, bytes).expect("the copy is written");
        let db = Db::open(&Options::Sqlite { path })
            .await
            .expect("the copy opens");
        Self::around(db, Place::Folder(folder))
    }

    /// Without any schema.
    pub async fn empty() -> Self {
        if engine() == "postgres" {
            let database = Database::empty().await;
            let db = Db::open(&database.options())
                .await
                .expect("the database opens");
            return Self::around(db, Place::Server(database));
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("test.db");
        let db = Db::open(&Options::Sqlite { path })
            .await
            .expect("the database opens");
        Self::around(db, Place::Folder(folder))
    }

    fn around(db: Db, place: Place) -> Self {
        Self {
            db,
            clock: Arc::default(),
            entropy: Arc::default(),
            place,
        }
    }

    /// What the clock says.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Opens the same database once more, as another process would.
    pub async fn again(&self) -> Db {
        Db::open(&self.options())
            .await
            .expect("the database opens again")
    }

    /// How the store opens it.
    #[must_use]
    pub fn options(&self) -> Options {
        match &self.place {
            Place::Folder(folder) => Options::Sqlite { path: file(folder) },
            Place::Server(database) => database.options(),
        }
    }

    /// Runs statements past the store, as somebody with a database shell would.
    pub async fn shell(&self, sql: &str) {
        self.try_shell(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The one text of the one row that a query finds, past the store.
    pub async fn text(&self, sql: &str) -> String {
        use sqlx::{AssertSqlSafe, Connection as _};
        let sql = AssertSqlSafe(sql.to_owned());
        let found = match &self.place {
            Place::Folder(folder) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file(folder));
                let shell = sqlx::SqliteConnection::connect_with(&options).await;
                let mut shell = shell.expect("the shell opens");
                sqlx::query_scalar(sql).fetch_one(&mut shell).await
            }
            Place::Server(database) => {
                let shell = sqlx::PgConnection::connect(&database.url()).await;
                let mut shell = shell.expect("the shell opens");
                sqlx::query_scalar(sql).fetch_one(&mut shell).await
            }
        };
        found.expect("the query finds a text")
    }

    /// As [`TestDb::shell`], for what may fail.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn try_shell(&self, sql: &str) -> sqlx::Result<()> {
        use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
        // The text is a test's own.
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.place {
            Place::Folder(folder) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new()
                    .filename(file(folder))
                    .busy_timeout(std::time::Duration::from_secs(5));
                let mut shell = sqlx::SqliteConnection::connect_with(&options).await?;
                shell.execute(sql).await?;
                shell.close().await
            }
            Place::Server(database) => {
                let mut shell = sqlx::PgConnection::connect(&database.url()).await?;
                shell.execute(sql).await?;
                shell.close().await
            }
        }
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("test.db")
}

async fn migrated_sqlite() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(&folder);
    let db = Db::open(&Options::Sqlite { path: path.clone() })
        .await
        .expect("the template opens");
    store::migrate(&db).await.expect("the migrations run");
    // Closing writes the log back into the file, which then is all there is.
    db.close().await;
    std::fs::read(&path).expect("the template is read")
}
