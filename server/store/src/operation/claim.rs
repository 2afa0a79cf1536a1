//! How a worker comes to hold an operation, keeps it and gives it back. The claim is one statement
//! (on `PostgreSQL` with SKIP LOCKED, so that workers do not wait for each other). The fence grows at
//! every claim and stands in every later write; attempts are counted here, before anything is done,
//! so that an operation that ends its worker is counted too. Leases run by the clock of
//! [`crate::lease`]; `run_after` is only a hint when to look, so the caller's clock is good enough.

use std::time::Duration;

use model::{InstanceId, OperationId, Timestamp};

use crate::lease::clock;
use crate::sql::{on, sql};
use crate::{Error, Result, Tx};

sql! {
    CLAIM = {
        sqlite: "update operation set lease_owner = $1, lease_until = $2, fence = fence + 1, \
            attempts = attempts + 1, nudged = 0 where id in (select id from operation \
            where state in ('queued', 'running', 'waiting', 'stuck') and (run_after <= $3 or (run_after > $6 and run_after < 9223372036854775807)) \
            and (lease_until is null or lease_until < $4) order by run_after, id limit $5) \
            returning id, instance_id, fence, attempts",
        postgres: "with due as (select id from operation \
            where state in ('queued', 'running', 'waiting', 'stuck') and (run_after <= $3 or (run_after > $6 and run_after < 9223372036854775807)) \
            and (lease_until is null or lease_until < $4) order by run_after, id limit $5 \
            for update skip locked) \
            update operation set lease_owner = $1, lease_until = $2, fence = operation.fence + 1, \
            attempts = operation.attempts + 1, nudged = 0 from due where operation.id = due.id \
            returning operation.id, operation.instance_id, operation.fence, operation.attempts",
    };
    HOLD = "update operation set fence = fence where id = $1 and fence = $2 \
        returning case when cancel_requested_at is null then 0 else 1 end as cancel";
    HEARTBEAT = "update operation set lease_until = $2 where lease_owner = $1 and lease_until is not null";
    RELEASE = "update operation set lease_owner = null, lease_until = null, attempts = attempts * $3, \
        run_after = case when nudged = 1 then run_after else $4 end \
        where id = $1 and fence = $2";
    HAND_BACK = "update operation set lease_owner = null, lease_until = null, run_after = $2 \
        where lease_owner = $1";
    INHERIT = "update operation set lease_owner = null, lease_until = null \
        where lease_owner is not null and lease_owner not like $1";
    LOCK = "update operation set fence = fence where id = $1";
    NUDGE = "update operation set run_after = $2, nudged = 1 where instance_id = $1 \
        and state in ('queued', 'running', 'waiting', 'stuck')";
}

/// No operation pauses for longer, but for one that is [`NEVER`] looked at by itself.
const FARTHEST: Duration = Duration::from_hours(1);

/// The next look at an operation that waits for a person.
pub const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Proof that a worker holds an operation, for as long as nobody claims it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    operation: OperationId,
    instance: InstanceId,
    fence: i64,
}

impl Held {
    /// The operation.
    #[must_use]
    pub fn operation(&self) -> OperationId {
        self.operation
    }

    /// Its instance.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// How often it has been claimed.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

/// An operation that was just claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The proof.
    pub held: Held,
    /// Claims since the last progress, this one included.
    pub attempts: u32,
}

/// Whether a claim still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It does.
    Kept,
    /// It does, and somebody has asked for the operation to be cancelled.
    Cancelling,
    /// Another worker has taken over: stop at once and write nothing.
    Lost,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    instance_id: String,
    fence: i64,
    attempts: i64,
}

impl TryFrom<Row> for Claimed {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let broken = |why: &str| Error::broken("operation", &row.id, why);
        Ok(Self {
            held: Held {
                operation: row.id.parse().map_err(|_| broken("id"))?,
                instance: row.instance_id.parse().map_err(|_| broken("instance_id"))?,
                fence: row.fence,
            },
            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        })
    }
}

/// Claims up to `limit` operations that are due and held by nobody, longest due first. One whose next
/// look lies farther off than any pause was set by a clock that ran ahead, and is due as well.
///
/// # Errors
/// As the database reports.
pub async fn claim(
    tx: &mut Tx,
    owner: &str,
    lasts: Duration,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Claimed>> {
    let lease_now = clock(tx, now).await?;
    let rows: Vec<Row> = on!(tx.handle(), (c, sql) = CLAIM => {
        sqlx::query_as(sql)
            .bind(owner)
            .bind((lease_now + lasts).micros())
            .bind(now.micros())
            .bind(lease_now.micros())
            .bind(i64::from(limit))
            .bind((now + FARTHEST).micros())
            .fetch_all(c)
            .await?
    });
    rows.into_iter().map(Claimed::try_from).collect()
}

/// Takes the row for this transaction if the claim still stands. First statement of every
/// transaction of a worker.
///
/// # Errors
/// As the database reports.
pub async fn hold(tx: &mut Tx, held: &Held) -> Result<Hold> {
    let row: Option<(i32,)> = on!(tx.handle(), (c, sql) = HOLD => {
        sqlx::query_as(sql)
            .bind(held.operation.to_string())
            .bind(held.fence)
            .fetch_optional(c)
            .await?
    });
    Ok(match row {
        None => Hold::Lost,
        Some((0,)) => Hold::Kept,
        Some(_) => Hold::Cancelling,
    })
}

/// Makes everything that the owner holds last from now on.
///
/// # Errors
/// As the database reports.
pub async fn heartbeat(tx: &mut Tx, owner: &str, lasts: Duration, now: Timestamp) -> Result<u64> {
    let now = clock(tx, now).await?;
    Ok(on!(tx.handle(), (c, sql) = HEARTBEAT => {
        sqlx::query(sql)
            .bind(owner)
            .bind((now + lasts).micros())
            .execute(c)
            .await?
            .rows_affected()
    }))
}

/// Gives an operation back, to be looked at again at `run_after`, or at once when it was nudged
/// while it was held. `progress` forgets the attempts; for a worker that failed it is false.
///
/// # Errors
/// As the database reports.
pub async fn release(tx: &mut Tx, held: &Held, run_after: Timestamp, progress: bool) -> Result<()> {
    on!(tx.handle(), (c, sql) = RELEASE => {
        sqlx::query(sql)
            .bind(held.operation.to_string())
            .bind(held.fence)
            .bind(i64::from(!progress))
            .bind(run_after.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Gives back everything that the owner holds, for whoever comes next; attempts stay counted.
///
/// # Errors
/// As the database reports.
pub async fn hand_back(tx: &mut Tx, owner: &str, now: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = HAND_BACK => {
        sqlx::query(sql).bind(owner).bind(now.micros()).execute(c).await?.rows_affected()
    }))
}

/// Has the active operation of an instance looked at now, because something changed.
///
/// # Errors
/// As the database reports.
pub async fn nudge(tx: &mut Tx, instance: &InstanceId, now: Timestamp) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = NUDGE => {
        sqlx::query(sql)
            .bind(instance.as_str())
            .bind(now.micros())
            .execute(c)
            .await?
            .rows_affected()
            > 0
    }))
}

/// Frees what other holders held whose names lack `process`. Only for a database that belongs to one
/// process: then those holders are gone, and their claims need not run out.
///
/// # Errors
/// As the database reports.
pub async fn inherit(tx: &mut Tx, process: &str) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = INHERIT => {
        sqlx::query(sql).bind(format!("%{process}%")).execute(c).await?.rows_affected()
    }))
}

/// Takes the row for this transaction. Whoever takes an operation and its instance takes them in that
/// order.
///
/// # Errors
/// As the database reports.
pub async fn lock(tx: &mut Tx, id: OperationId) -> Result<()> {
    on!(tx.handle(), (c, sql) = LOCK => {
        sqlx::query(sql).bind(id.to_string()).execute(c).await?;
    });
    Ok(())
}
