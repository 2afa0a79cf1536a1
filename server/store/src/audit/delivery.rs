//! How far the trail was handed on to each collector outside: a mark per collector and chain. Places
//! of a chain are given under its lock and seen in their order, so a mark passes over nothing; a mark
//! over all chains at once would need one lock for every change there is.
//! Invariant: marks only grow, and only for whoever holds the lease.

use model::Timestamp;

use crate::lease::Lease;
use crate::sql::{on, sql};
use crate::{Db, Result, Tx};

sql! {
    BEHIND = "select h.chain, coalesce(d.sequence, 0)
        from audit_head h
        left join audit_delivery d on d.chain = h.chain and d.sink = $1
        left join audit a on a.chain = h.chain and a.sequence = coalesce(d.sequence, 0) + 1
        where h.sequence > coalesce(d.sequence, 0)
        order by coalesce(a.at, 0), h.chain limit $2";
    LAG = "select cast(coalesce(sum(h.sequence - coalesce(d.sequence, 0)), 0) as bigint),
            cast(coalesce(min(a.at), 0) as bigint)
        from audit_head h
        left join audit_delivery d on d.chain = h.chain and d.sink = $1
        left join audit a on a.chain = h.chain and a.sequence = coalesce(d.sequence, 0) + 1
        where h.sequence > coalesce(d.sequence, 0)";
    STATE = "select delivered_at, failing_since, failure from audit_sink where name = $1";
    MARK = "insert into audit_delivery (sink, chain, sequence) values ($1, $2, $3)
        on conflict (sink, chain) do update set sequence = excluded.sequence
        where audit_delivery.sequence < excluded.sequence";
    DELIVERED = "insert into audit_sink (name, delivered_at, failing_since, failure)
        values ($1, $2, 0, '') on conflict (name) do update
        set delivered_at = excluded.delivered_at, failing_since = 0, failure = ''";
    FAILED = "insert into audit_sink (name, delivered_at, failing_since, failure)
        values ($1, 0, $2, $3) on conflict (name) do update
        set failure = excluded.failure, failing_since = case
            when audit_sink.failing_since = 0 then excluded.failing_since
            else audit_sink.failing_since end";
}

/// How a collector stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Rows that were not handed on yet.
    pub rows: u64,
    /// When the oldest of them was written.
    pub oldest: Option<Timestamp>,
    /// When something was handed on last.
    pub delivered_at: Option<Timestamp>,
    /// Since when it takes nothing.
    pub failing_since: Option<Timestamp>,
    /// What it said then; empty while all is well.
    pub failure: String,
}

/// Chains with rows that were not handed on, those with the oldest ones first, and the place up to
/// which each was.
///
/// # Errors
/// As the database reports.
pub async fn behind(db: &Db, sink: &str, limit: u32) -> Result<Vec<(String, i64)>> {
    Ok(on!(db.read(), (c, sql) = BEHIND => {
        sqlx::query_as(sql).bind(sink).bind(i64::from(limit)).fetch_all(c).await?
    }))
}

/// How a collector stands.
///
/// # Errors
/// As the database reports.
pub async fn lag(db: &Db, sink: &str) -> Result<Lag> {
    let (rows, oldest): (i64, i64) = on!(db.read(), (c, sql) = LAG => {
        sqlx::query_as(sql).bind(sink).fetch_one(c).await?
    });
    let state: Option<(i64, i64, String)> = on!(db.read(), (c, sql) = STATE => {
        sqlx::query_as(sql).bind(sink).fetch_optional(c).await?
    });
    let (delivered_at, failing_since, failure) = state.unwrap_or_default();
    let time = |micros| (micros > 0).then(|| Timestamp::from_micros(micros));
    Ok(Lag {
        rows: u64::try_from(rows).unwrap_or(0),
        oldest: time(oldest),
        delivered_at: time(delivered_at),
        failing_since: time(failing_since),
        failure,
    })
}

/// Moves the marks of a collector to these places, for whoever holds `lease`, and notes that it takes
/// what it is given.
///
/// # Errors
/// As the database reports.
pub async fn mark(
    tx: &mut Tx,
    _held: &Lease,
    sink: &str,
    places: &[(String, i64)],
    now: Timestamp,
) -> Result<()> {
    for (chain, sequence) in places {
        on!(tx.handle(), (c, sql) = MARK => {
            sqlx::query(sql).bind(sink).bind(chain).bind(*sequence).execute(c).await?;
        });
    }
    on!(tx.handle(), (c, sql) = DELIVERED => {
        sqlx::query(sql).bind(sink).bind(now.micros()).execute(c).await?;
    });
    Ok(())
}

/// Notes that a collector took nothing, and what it said.
///
/// # Errors
/// As the database reports.
pub async fn failed(
    tx: &mut Tx,
    _held: &Lease,
    sink: &str,
    failure: &str,
    now: Timestamp,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = FAILED => {
        sqlx::query(sql).bind(sink).bind(now.micros()).bind(failure).execute(c).await?;
    });
    Ok(())
}
