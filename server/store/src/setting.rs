//! Facts about this deployment itself, each written once: the first process to say something wins,
//! and all others read what it said.

use crate::sql::{on, sql};
use crate::{Db, Result, Tx};

sql! {
    GET = "select value from setting where name = $1";
    CLAIM = "insert into setting (name, value) values ($1, $2) on conflict (name) do nothing";
    PUT = "insert into setting (name, value) values ($1, $2) on conflict (name) do update set value = $2";
    CONSUME = "delete from setting where name = $1 and value = $2";
    REMOVE = "delete from setting where name = $1";
}

/// Name of the setting that holds the fingerprint of the server key.
pub const SERVER_KEY: &str = "server_key_fingerprint";

/// Name of the setting that holds the hash of the token which makes the first owner.
pub const SET_UP_TOKEN: &str = "set_up_token_hash";

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

/// Says something, whatever was said before.
///
/// # Errors
/// As the database reports.
pub async fn put(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    on!(tx.handle(), (c, sql) = PUT => {
        sqlx::query(sql).bind(name).bind(value).execute(c).await?;
    });
    Ok(())
}

/// Takes back what was said, if it was exactly this. Of several at once one is told so.
///
/// # Errors
/// As the database reports.
pub async fn consume(tx: &mut Tx, name: &str, value: &str) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = CONSUME => sqlx::query(sql)
        .bind(name).bind(value).execute(c).await?.rows_affected() > 0))
}

/// Takes back whatever was said.
///
/// # Errors
/// As the database reports.
pub async fn remove(tx: &mut Tx, name: &str) -> Result<()> {
    on!(tx.handle(), (c, sql) = REMOVE => { sqlx::query(sql).bind(name).execute(c).await?; });
    Ok(())
}
