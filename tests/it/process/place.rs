//! A place for a program to keep its data in, on the engine of this run, gone with the test.

use tests::postgres::Database;
use tests::process::Place;

/// Whether this run is about PostgreSQL.
pub fn on_postgres() -> bool {
    std::env::var("TEST_ENGINE").is_ok_and(|engine| engine == "postgres")
}

/// A fresh place.
pub struct Here {
    pub place: Place,
    /// Dropped last: what uses the folder ends before.
    pub folder: tempfile::TempDir,
    _database: Option<Database>,
}

/// A fresh place on the engine of this run.
pub async fn here() -> Here {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut place = Place::sqlite(&folder.path().join("data"));
    let database = if on_postgres() {
        Some(Database::empty().await)
    } else {
        None
    };
    place.database = database.as_ref().map(Database::url);
    Here {
        place,
        folder,
        _database: database,
    }
}
