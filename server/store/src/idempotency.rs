//! Answers kept for requests that are repeated with the same key. A key is taken by one request at a
//! time; the ticket tells it from one that held the key before and comes back late.

use model::Timestamp;

use crate::sql::{on, sql};
use crate::{Result, Tx};

sql! {
    // Taken when new, when what was kept has expired, or when the holder of the same request let its
    // lease run out before anything was done.
    TAKE = "insert into idempotency (actor, route, key, body_hash, state, ticket, lease_until, expires_at, status, body)
        values ($1, $2, $3, $4, 'running', $5, $6, $7, 0, '')
        on conflict (actor, route, key) do update set body_hash = $4, state = 'running', ticket = $5,
            lease_until = $6, expires_at = $7, status = 0, body = '', done = ''
        where idempotency.expires_at <= $8
            or (idempotency.state = 'running' and idempotency.lease_until <= $8 and idempotency.body_hash = $4
                and idempotency.done = '')";
    HELD = "select body_hash, state, status, body, done, lease_until from idempotency
        where actor = $1 and route = $2 and key = $3";
    DID = "update idempotency set done = $2 where ticket = $1 and state = 'running'";
    FINISH = "update idempotency set state = 'done', status = $2, body = $3, expires_at = $4
        where ticket = $1 and state = 'running'";
    ABANDON = "delete from idempotency where ticket = $1 and state = 'running' and done = ''";
    INHERIT = "update idempotency set lease_until = 0 where state = 'running'";
    PRUNE = "delete from idempotency where expires_at <= $1";
}

/// Which request: the same actor, route and key.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// Who asks.
    pub actor: &'a str,
    /// Method and path.
    pub route: &'a str,
    /// What the caller chose.
    pub key: &'a str,
    /// Hash of the body.
    pub body_hash: &'a str,
}

/// The times of a key that is taken.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Now.
    pub now: Timestamp,
    /// Until when the request may go without an answer.
    pub lease_until: Timestamp,
    /// Until when all is kept.
    pub expires_at: Timestamp,
}

/// What is kept under a key that is not to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Hash of the body it came with.
    pub body_hash: String,
    /// The answer; none while it is still running, and for ever when it was lost.
    pub answer: Option<(u16, String)>,
    /// What was done; empty until it is.
    pub done: String,
    /// Until when an answer may still come.
    pub lease_until: Timestamp,
}

/// Takes a key for a request. False when it is held or answered.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &mut Tx, key: Key<'_>, ticket: &str, times: Times) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = TAKE => sqlx::query(sql)
        .bind(key.actor)
        .bind(key.route)
        .bind(key.key)
        .bind(key.body_hash)
        .bind(ticket)
        .bind(times.lease_until.micros())
        .bind(times.expires_at.micros())
        .bind(times.now.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// What is kept under a key.
///
/// # Errors
/// When the database fails.
pub async fn held(tx: &mut Tx, key: Key<'_>) -> Result<Option<Held>> {
    let row: Option<(String, String, i64, String, String, i64)> = on!(tx.handle(), (c, sql) = HELD => {
        sqlx::query_as(sql).bind(key.actor).bind(key.route).bind(key.key).fetch_optional(c).await?
    });
    Ok(
        row.map(|(body_hash, state, status, body, done, lease_until)| Held {
            body_hash,
            answer: (state == "done").then(|| (u16::try_from(status).unwrap_or(500), body)),
            done,
            lease_until: Timestamp::from_micros(lease_until),
        }),
    )
}

/// Says what was done, in the transaction that does it, if the ticket still holds the key.
///
/// # Errors
/// When the database fails.
pub async fn did(tx: &mut Tx, ticket: &str, what: &str) -> Result<()> {
    on!(tx.handle(), (c, sql) = DID => {
        sqlx::query(sql).bind(ticket).bind(what).execute(c).await?;
    });
    Ok(())
}

/// Keeps the answer, if the ticket still holds the key.
///
/// # Errors
/// When the database fails.
pub async fn finish(
    tx: &mut Tx,
    ticket: &str,
    status: u16,
    body: &str,
    expires_at: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = FINISH => sqlx::query(sql)
        .bind(ticket).bind(i64::from(status)).bind(body).bind(expires_at.micros())
        .execute(c).await?.rows_affected() > 0))
}

/// Gives the key back, if the ticket still holds it and nothing was done.
///
/// # Errors
/// When the database fails.
pub async fn abandon(tx: &mut Tx, ticket: &str) -> Result<()> {
    on!(tx.handle(), (c, sql) = ABANDON => {
        sqlx::query(sql).bind(ticket).execute(c).await?;
    });
    Ok(())
}

/// Ends the leases of all requests without an answer. Only for a database that belongs to one process,
/// before it takes requests: then nobody can answer them any more.
///
/// # Errors
/// When the database fails.
pub async fn inherit(tx: &mut Tx) -> Result<()> {
    on!(tx.handle(), (c, sql) = INHERIT => {
        sqlx::query(sql).execute(c).await?;
    });
    Ok(())
}

/// Drops what has expired; how many.
///
/// # Errors
/// When the database fails.
pub async fn prune(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => {
        sqlx::query(sql).bind(now.micros()).execute(c).await?.rows_affected()
    }))
}
