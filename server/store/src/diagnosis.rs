//! What `doctor` asks a database about itself. Reads only: looking for what is wrong must not change
//! anything, not even bring the schema up.

use model::Timestamp;

use crate::sql::{on, sql};
use crate::{Db, Result};

sql! {
    ENGINE = {
        sqlite: "select 'SQLite ' || sqlite_version()",
        postgres: "select 'PostgreSQL ' || current_setting('server_version')",
    };
    CLOCK = {
        sqlite: "select cast($1 as integer)",
        postgres: "select (extract(epoch from clock_timestamp()) * 1000000)::bigint where $1::bigint is not null",
    };
}

/// Engine and version, in words.
///
/// # Errors
/// As the database reports.
pub async fn engine(db: &Db) -> Result<String> {
    let (text,): (String,) = on!(db.read(), (c, sql) = ENGINE => {
        sqlx::query_as(sql).fetch_one(c).await?
    });
    Ok(text)
}

/// The database's clock; `now` where it has none of its own.
///
/// # Errors
/// As the database reports.
pub async fn clock(db: &Db, now: Timestamp) -> Result<Timestamp> {
    let (micros,): (i64,) = on!(db.read(), (c, sql) = CLOCK => {
        sqlx::query_as(sql).bind(now.micros()).fetch_one(c).await?
    });
    Ok(Timestamp::from_micros(micros))
}
