//! Facts about this deployment itself, each written once: the first process to say something wins,
//! and all others read what it said.

use crate::sql::{on, sql};
use crate::{Db, Result, Tx};

sql! {
    GET = "select value from setting where name = $1";
    CLAIM = "insert into setting (name, value) values ($1, $2) on conflict (name) do nothing";
}

/// Name of the setting that holds the fingerprint of the server key.
pub const SERVER_KEY: &str = "server_key_fingerprint";

/// What was said; none when nothing was.
///
/// # Errors
/// As the database reports.
pub async fn get(db: &Db, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = on!(db.read(), (c, sql) = GET => {
        sqlx::query_as(sql).bind(name).fetch_optional(c).await?
    });
    Ok(row.map(|(value,)| value))
}

/// Says something unless it was said before.
///
/// # Errors
/// As the database reports.
pub async fn claim(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    on!(tx.handle(), (c, sql) = CLAIM => {
        sqlx::query(sql).bind(name).bind(value).execute(c).await?;
    });
    Ok(())
}
