//! Buckets that leak: per key the time at which the bucket will be empty. A row whose time has
//! passed says nothing more and may go; one whose time lies ahead is never evicted.

use std::time::Duration;

use model::Timestamp;

use crate::sql::{on, sql};
use crate::{Result, Tx, row};

sql! {
    // A time beyond any the bucket can have was written before the clock was set back: it starts anew.
    TAKE = "update sign_in set due = case when due > $2 and due <= $3 then due + $4 else $5 end
        where key = $1 and (due <= $6 or due > $3)";
    DUE = "select due from sign_in where key = $1";
    INSERT = "insert into sign_in (key, due) values ($1, $2) on conflict (key) do nothing";
    COUNT = "select count(*) from sign_in";
    FORGET = "delete from sign_in where key = $1";
    PRUNE = "delete from sign_in where due <= $1";
}

/// How a bucket leaks.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Now.
    pub now: Timestamp,
    /// Time for one use to leak out.
    pub interval: Duration,
    /// Time for a full bucket to leak out: the burst times the interval.
    pub window: Duration,
}

/// Counts one use of a key that has a row and room. False when it has no row or no room.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, key: &str, bucket: Bucket) -> Result<bool> {
    let Bucket {
        now,
        interval,
        window,
    } = bucket;
    let step = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
    Ok(on!(tx.handle(), (c, sql) = TAKE => sqlx::query(sql)
        .bind(key)
        .bind(now.micros())
        .bind((now + window).micros())
        .bind(step)
        .bind((now + interval).micros())
        .bind((now + window - interval).micros())
        .execute(c).await?.rows_affected() > 0))
}

/// When the bucket of a key will be empty.
///
/// # Errors
/// When the database fails.
pub async fn due(tx: &mut Tx, key: &str) -> Result<Option<Timestamp>> {
    let due: Option<i64> = on!(tx.handle(), (c, sql) = DUE => {
        sqlx::query_scalar(sql).bind(key).fetch_optional(c).await?
    });
    Ok(due.map(Timestamp::from_micros))
}

/// Begins a bucket. False when the key has a row.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, key: &str, due: Timestamp) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = INSERT => sqlx::query(sql)
        .bind(key)
        .bind(due.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// Rows there are.
///
/// # Errors
/// When the database fails.
pub async fn count(tx: &mut Tx) -> Result<u32> {
    let number: i64 = on!(tx.handle(), (c, sql) = COUNT => {
        sqlx::query_scalar(sql).fetch_one(c).await?
    });
    Ok(row::count(number))
}

/// Empties the bucket of a key.
///
/// # Errors
/// When the database fails.
pub async fn forget(tx: &mut Tx, key: &str) -> Result<()> {
    on!(tx.handle(), (c, sql) = FORGET => { sqlx::query(sql).bind(key).execute(c).await?; });
    Ok(())
}

/// Drops the rows that say nothing more; how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => {
        sqlx::query(sql).bind(now.micros()).execute(c).await?.rows_affected()
    }))
}
