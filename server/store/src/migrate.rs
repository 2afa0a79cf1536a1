//! Migrations: one tree of numbered steps for both engines. On `SQLite` they run with foreign keys
//! off (dropping a parent table would cascade) and are checked afterwards. A database that is newer
//! than this program is refused, not guessed at.

use std::time::Duration;

use sqlx::migrate::{Migrate, Migrator};
use sqlx::{PgConnection, SqliteConnection};

use crate::db::{Handle, writer_of};
use crate::{Db, Error, Result};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Number of the newest step that this program knows.
#[must_use]
pub fn head() -> i64 {
    MIGRATOR.iter().map(|step| step.version).max().unwrap_or(0)
}

/// Number of the newest step that was applied to this database; 0 when there is none.
///
/// # Errors
/// [`Error::Schema`] when that cannot be read.
pub async fn version(db: &Db) -> Result<i64> {
    match writer_of(db).await? {
        Handle::Sqlite(mut c) => applied(&mut *c).await,
        Handle::Postgres(mut c) => applied(&mut *c).await,
    }
}

/// Brings the schema to [`head`]. Several processes may call it at once; one does the work.
///
/// # Errors
/// [`Error::Schema`] when the database is newer than this program, when a step that was applied
/// has since changed, or when a step leaves broken references; nothing of that step remains then.
pub async fn migrate(db: &Db) -> Result<()> {
    migrate_to(db, head()).await
}

/// Brings the schema to one step; for tests that put rows in between.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_to(db: &Db, target: i64) -> Result<()> {
    match writer_of(db).await? {
        Handle::Sqlite(mut c) => without_foreign_keys(&mut c, target).await,
        Handle::Postgres(mut c) => {
            let done = under_lock(&mut c, target).await;
            if done.is_err() {
                // A step that fails leaves the lock of the migrations with its connection.
                let _ = c.close().await;
            }
            done
        }
    }
}

async fn without_foreign_keys(c: &mut SqliteConnection, target: i64) -> Result<()> {
    sqlx::query("pragma foreign_keys = off")
        .execute(&mut *c)
        .await?;
    let done = step_by_step(c, target).await;
    sqlx::query("pragma foreign_keys = on")
        .execute(&mut *c)
        .await?;
    done?;
    let broken = sqlx::query("pragma foreign_key_check")
        .fetch_all(&mut *c)
        .await?;
    if broken.is_empty() {
        return Ok(());
    }
    Err(Error::Schema(format!(
        "{} rows refer to nothing after the migration",
        broken.len()
    )))
}

/// `SQLite` has no lock for migrations. Of two processes that begin a step at once one fails, and
/// finds after a moment that the other has done it; only without that is its failure one.
async fn step_by_step(c: &mut SqliteConnection, target: i64) -> Result<()> {
    const PATIENCE: u32 = 40;
    loop {
        let before = applied(&mut *c).await?;
        refuse_newer(before)?;
        let Err(error) = MIGRATOR.run_to(target, &mut *c).await else {
            return Ok(());
        };
        let mut waited = 0;
        while applied(&mut *c).await? == before {
            if waited == PATIENCE {
                return Err(Error::Schema(error.to_string()));
            }
            waited += 1;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// Takes the lock before the first look: two processes that start at once on an empty server would
/// else both make the table of applied steps.
async fn under_lock(c: &mut PgConnection, target: i64) -> Result<()> {
    let failed = |e: sqlx::migrate::MigrateError| Error::Schema(e.to_string());
    c.lock().await.map_err(failed)?;
    refuse_newer(applied(c).await?)?;
    MIGRATOR.run_to(target, &mut *c).await.map_err(failed)?;
    c.unlock().await.map_err(failed)
}

async fn applied<C: Migrate>(c: &mut C) -> Result<i64> {
    let table = &MIGRATOR.table_name;
    c.ensure_migrations_table(table)
        .await
        .map_err(|e| Error::Schema(e.to_string()))?;
    let list = c
        .list_applied_migrations(table)
        .await
        .map_err(|e| Error::Schema(e.to_string()))?;
    Ok(list.iter().map(|step| step.version).max().unwrap_or(0))
}

fn refuse_newer(applied: i64) -> Result<()> {
    if applied > head() {
        return Err(Error::Schema(format!(
            "The database has schema {applied}, but this program knows only up to {}. Start the newer program, or restore a backup from before the upgrade.",
            head()
        )));
    }
    Ok(())
}
