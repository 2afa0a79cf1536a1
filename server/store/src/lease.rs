//! Leases: who holds a duty that only one may hold at a time (watching a cluster), until when, and a
//! fence that grows whenever it changes hands. They run by the database's clock where several
//! processes share one (`PostgreSQL`), since the clocks of machines may differ by minutes. `SQLite`
//! belongs to one process, so the time that is passed in counts there, and tests can move it.

use std::time::Duration;

use model::Timestamp;

use crate::sql::{on, sql};
use crate::{Result, Tx};

sql! {
    NOW = {
        sqlite: "select cast($1 as integer)",
        postgres: "select (extract(epoch from clock_timestamp()) * 1000000)::bigint where $1::bigint is not null",
    };
    TAKE = "insert into lease (name, holder, until, fence) values ($1, $2, $3, 1) \
        on conflict (name) do update set holder = excluded.holder, until = excluded.until, \
        fence = lease.fence + 1 where lease.until < $4 returning fence";
    RENEW = "update lease set until = $3 where name = $1 and fence = $2";
    INHERIT = "update lease set until = 0 where holder not like $1";
    END = "update lease set until = 0 where name = $1 and fence = $2";
}

/// Proof that a duty was taken. Writes that belong to the duty demand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    name: String,
    fence: i64,
}

impl Lease {
    /// The duty.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often the duty has changed hands.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

/// The time that leases are compared with: the database's on `PostgreSQL`, `now` on `SQLite`.
pub(crate) async fn clock(tx: &mut Tx, now: Timestamp) -> Result<Timestamp> {
    let (micros,): (i64,) = on!(tx.handle(), (c, sql) = NOW => {
        sqlx::query_as(sql).bind(now.micros()).fetch_one(c).await?
    });
    Ok(Timestamp::from_micros(micros))
}

/// Takes the duty when nobody holds it; none when somebody does.
///
/// # Errors
/// As the database reports.
pub async fn take(
    tx: &mut Tx,
    name: &str,
    holder: &str,
    lasts: Duration,
    now: Timestamp,
) -> Result<Option<Lease>> {
    let now = clock(tx, now).await?;
    let row: Option<(i64,)> = on!(tx.handle(), (c, sql) = TAKE => {
        sqlx::query_as(sql)
            .bind(name)
            .bind(holder)
            .bind((now + lasts).micros())
            .bind(now.micros())
            .fetch_optional(c)
            .await?
    });
    Ok(row.map(|(fence,)| Lease {
        name: name.to_owned(),
        fence,
    }))
}

/// Makes the lease last from now on; false when somebody else has taken the duty meanwhile. Every
/// transaction that writes for the duty begins with it, so a holder that was asleep writes nothing.
///
/// # Errors
/// As the database reports.
pub async fn renew(tx: &mut Tx, lease: &Lease, lasts: Duration, now: Timestamp) -> Result<bool> {
    let now = clock(tx, now).await?;
    let changed = on!(tx.handle(), (c, sql) = RENEW => {
        sqlx::query(sql)
            .bind(&lease.name)
            .bind(lease.fence)
            .bind((now + lasts).micros())
            .execute(c)
            .await?
            .rows_affected()
    });
    Ok(changed == 1)
}

/// Gives the duty up, so that somebody else may take it at once.
///
/// # Errors
/// As the database reports.
pub async fn end(tx: &mut Tx, lease: &Lease) -> Result<()> {
    on!(tx.handle(), (c, sql) = END => {
        sqlx::query(sql).bind(&lease.name).bind(lease.fence).execute(c).await?;
    });
    Ok(())
}

/// Frees the duties of holders whose names lack `process`; see [`crate::operation::claim::inherit`].
///
/// # Errors
/// As the database reports.
pub async fn inherit(tx: &mut Tx, process: &str) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = INHERIT => {
        sqlx::query(sql).bind(format!("%{process}%")).execute(c).await?.rows_affected()
    }))
}
