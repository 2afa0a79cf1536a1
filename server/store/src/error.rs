//! What can go wrong below the services. A broken row is told apart from a database that is away,
//! because the first is our mistake and the second passes.

/// An error of the store; its text is for logs, never for people outside.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is too busy or went away in between.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// A row does not hold what its type says.
    #[error("row {row} of {table} is broken: {why}")]
    BrokenRow {
        /// Table.
        table: &'static str,
        /// Its key.
        row: String,
        /// What is wrong with it.
        why: String,
    },
    /// A unique constraint; which one is for the statement's function to know.
    #[error("a row with that key exists")]
    Taken(#[source] sqlx::Error),
    /// The schema is newer than this program, or broken.
    #[error("{0}")]
    Schema(String),
    /// Everything else the driver reports: our mistake.
    #[error("the statement failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Database(db) if db.is_unique_violation() => Self::Taken(error),
            // SQLITE_BUSY (5), LOCKED (6), FULL (13), IOERR (10), CANTOPEN (14) and PostgreSQL's
            // classes 08 (connection), 53 (resources), 57 (operator intervention), 40 (serialisation).
            E::Database(db) => match db.code().as_deref() {
                Some("5" | "6" | "10" | "13" | "14" | "261" | "517") => Self::Unavailable(error),
                Some(code)
                    if code.len() == 5
                        && ["08", "53", "57", "40"].iter().any(|c| code.starts_with(c)) =>
                {
                    Self::Unavailable(error)
                }
                _ => Self::Sql(error),
            },
            E::Io(_)
            | E::Tls(_)
            | E::PoolTimedOut
            | E::PoolClosed
            | E::WorkerCrashed
            | E::Protocol(_) => Self::Unavailable(error),
            _ => Self::Sql(error),
        }
    }
}

impl Error {
    /// A row that does not hold what its type says.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers hand over errors that they are done with"
    )]
    pub fn broken(table: &'static str, row: impl ToString, why: impl ToString) -> Self {
        Self::BrokenRow {
            table,
            row: row.to_string(),
            why: why.to_string(),
        }
    }

    /// Whether a unique constraint refused the write.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Taken(_))
    }
}
