//! The two engines behind one handle. `SQLite` has one writer connection, whose transactions begin
//! with BEGIN IMMEDIATE, and a pool of readers; `PostgreSQL` has one pool.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::watch;

use crate::sql::{on, sql};
use crate::wake::{Bells, Wake};
use crate::{Error, Result};

sql! {
    ALIVE = "select 1";
    NOTIFY = {
        sqlite: "select $1 where $2 is not null",
        postgres: "select pg_notify($1, $2)",
    };
}

/// Which database to open.
#[derive(Clone, Debug)]
pub enum Options {
    /// A file; made when it is not there.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host/database`; its text is never shown.
        url: String,
        /// Most connections.
        connections: u32,
    },
}

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    engine: Engine,
    bells: Bells,
}

#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Sqlite {
        readers: SqlitePool,
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// One value per engine; what `on!` matches.
pub(crate) enum Handle<S, P> {
    Sqlite(S),
    Postgres(P),
}

/// A transaction that writes. Rolled back when dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
    bells: Bells,
    wake: Vec<Wake>,
}

#[derive(Debug)]
enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Opens the database without touching its schema; see [`crate::migrate`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file or server cannot be opened.
    pub async fn open(options: &Options) -> Result<Self> {
        let engine = match options {
            Options::Sqlite { path } => open_sqlite(path).await?,
            Options::Postgres { url, connections } => {
                let options: PgConnectOptions = url.parse()?;
                let pool = PgPoolOptions::new()
                    .max_connections(*connections)
                    .acquire_timeout(Duration::from_secs(5))
                    .connect_with(options)
                    .await?;
                Engine::Postgres(pool)
            }
        };
        Ok(Self {
            engine,
            bells: Bells::new(),
        })
    }

    /// `sqlite` or `postgres`, for logs and `doctor`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite { .. } => "sqlite",
            Engine::Postgres(_) => "postgres",
        }
    }

    pub(crate) fn pools(&self) -> &Engine {
        &self.engine
    }

    /// The executor for reads outside a transaction.
    pub(crate) fn read(&self) -> Handle<&SqlitePool, &PgPool> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => Handle::Sqlite(readers),
            Engine::Postgres(pool) => Handle::Postgres(pool),
        }
    }

    /// Begins a transaction that may write; on `SQLite` it waits for its turn.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection is to be had in time.
    pub async fn begin(&self) -> Result<Tx> {
        let inner = match &self.engine {
            Engine::Sqlite { writer, .. } => {
                TxInner::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?)
            }
            Engine::Postgres(pool) => TxInner::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            inner,
            bells: self.bells.clone(),
            wake: Vec::new(),
        })
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none comes.
    pub async fn alive(&self) -> Result<()> {
        on!(self.read(), (c, sql) = ALIVE => {
            sqlx::query(sql).execute(c).await?;
        });
        Ok(())
    }

    /// Sees a change whenever a transaction that wrote such rows was committed, here or (soon after)
    /// in another process.
    #[must_use]
    pub fn listen(&self, wake: Wake) -> watch::Receiver<u64> {
        self.bells.listen(wake)
    }

    /// Passes other processes' wake-ups on to this one until the connection is lost. Returns at once
    /// on `SQLite`, which has no other processes. The caller calls it again after a pause.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the connection is lost.
    pub async fn relay(&self) -> Result<()> {
        let Engine::Postgres(pool) = &self.engine else {
            return Ok(());
        };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(Wake::CHANNEL).await?;
        loop {
            let notification = listener.recv().await?;
            for wake in [Wake::Events, Wake::Work] {
                if notification.payload() == wake.word() {
                    self.bells.ring(wake);
                }
            }
        }
    }

    /// Closes all connections, after those in use are returned.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(path: &std::path::Path) -> Result<Engine> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A token that is shown once must not be lost with the power.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone())
        .await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(5))
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await?;
    Ok(Engine::Sqlite { readers, writer })
}

impl Tx {
    /// The executor for statements of this transaction.
    pub(crate) fn handle(&mut self) -> Handle<&mut SqliteConnection, &mut PgConnection> {
        match &mut self.inner {
            TxInner::Sqlite(tx) => Handle::Sqlite(tx),
            TxInner::Postgres(tx) => Handle::Postgres(tx),
        }
    }

    /// Wakes the waiters of that kind when this transaction is committed.
    pub fn wake(&mut self, wake: Wake) {
        if !self.wake.contains(&wake) {
            self.wake.push(wake);
        }
    }

    /// Makes everything done here true, then wakes the waiters.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is lost; then nothing was done.
    pub async fn commit(mut self) -> Result<()> {
        let wake = std::mem::take(&mut self.wake);
        if let TxInner::Postgres(tx) = &mut self.inner {
            for wake in &wake {
                sqlx::query(NOTIFY.postgres)
                    .bind(Wake::CHANNEL)
                    .bind(wake.word())
                    .execute(&mut **tx)
                    .await?;
            }
        }
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        for wake in wake {
            self.bells.ring(wake);
        }
        Ok(())
    }
}

/// A connection of its own, for the migrations.
pub(crate) async fn writer_of(
    db: &Db,
) -> Result<Handle<PoolConnection<Sqlite>, PoolConnection<Postgres>>> {
    Ok(match db.pools() {
        Engine::Sqlite { writer, .. } => Handle::Sqlite(writer.acquire().await?),
        Engine::Postgres(pool) => Handle::Postgres(pool.acquire().await?),
    })
}

impl Db {
    /// Prepares every registered statement on this engine; for the test that no text is broken.
    ///
    /// # Errors
    /// [`Error::Schema`] with the name of the first statement that cannot be prepared.
    pub async fn prepare_all(&self) -> Result<usize> {
        use sqlx::Executor as _;
        use sqlx::SqlSafeStr as _;
        let statements = crate::statements();
        for statement in &statements {
            let prepared = on!(self.read(), (c, sql) = statement => {
                c.prepare(sql.into_sql_str()).await.map(|_| ())
            });
            prepared.map_err(|error| Error::Schema(format!("{}: {error}", statement.name)))?;
        }
        Ok(statements.len())
    }
}
