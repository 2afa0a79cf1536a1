//! How a keeper comes to hold a gate, keeps it and gives it back: as workers hold operations
//! ([`crate::operation::claim`]), by a lease and a fence that grows at every claim and stands in every
//! later write, so that a keeper which was replaced while it slept writes nothing.

use std::time::Duration;

use model::{InstanceId, Timestamp};

use crate::lease::clock;
use crate::sql::{on, sql};
use crate::{Error, Result, Tx};

sql! {
    CLAIM = {
        sqlite: "update gate set lease_owner = $1, lease_until = $2, fence = fence + 1, attempts = attempts + 1 \
            where instance_id in (select instance_id from gate \
            where (run_after <= $3 or (run_after > $6 and run_after < 9223372036854775807)) \
            and (lease_until is null or (lease_until < $4 and lease_owner <> $1)) order by run_after, instance_id limit $5) \
            returning instance_id, fence, attempts",
        postgres: "with due as (select instance_id from gate \
            where (run_after <= $3 or (run_after > $6 and run_after < 9223372036854775807)) \
            and (lease_until is null or (lease_until < $4 and lease_owner <> $1)) order by run_after, instance_id limit $5 \
            for update skip locked) \
            update gate set lease_owner = $1, lease_until = $2, fence = gate.fence + 1, \
            attempts = gate.attempts + 1 from due where gate.instance_id = due.instance_id \
            returning gate.instance_id, gate.fence, gate.attempts",
    };
    HOLD = "update gate set fence = fence where instance_id = $1 and fence = $2";
    HEARTBEAT = {
        sqlite: "update gate set lease_until = $2 where lease_owner = $1 and lease_until is not null",
        postgres: "with mine as (select instance_id from gate where lease_owner = $1 and lease_until is not null \
            order by instance_id for update) \
            update gate set lease_until = $2 from mine where gate.instance_id = mine.instance_id",
    };
    RELEASE = "update gate set lease_owner = null, lease_until = null, attempts = attempts * $5, \
        run_after = case when nudged <> $3 then run_after else $4 end where instance_id = $1 and fence = $2";
    LET_GO = "update gate set lease_owner = null, lease_until = null, run_after = $3 \
        where lease_owner = $1 and instance_id = $2";
    HAND_BACK = "update gate set lease_owner = null, lease_until = null, run_after = $2 where lease_owner = $1";
    INHERIT = "update gate set lease_owner = null, lease_until = null \
        where lease_owner is not null and lease_owner not like $1";
}

/// No gate rests for longer, but for one that is [`NEVER`] looked at by itself.
const FARTHEST: Duration = Duration::from_hours(1);

/// The next look at the gate of an instance that is gone.
pub const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Proof that a keeper holds a gate, for as long as nobody claims it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    instance: InstanceId,
    fence: i64,
}

impl Held {
    /// The instance.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        &self.instance
    }

    /// How often its gate has been claimed.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }
}

/// A gate that was just claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The proof.
    pub held: Held,
    /// Claims since the last that went well, this one included.
    pub attempts: u32,
}

/// Claims up to `limit` gates that are due and held by nobody else, longest due first; not those that the
/// owner itself holds, however late its heartbeat is. One whose next look
/// lies farther off than any pause was set by a clock that ran ahead, and is due as well.
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
    let rows: Vec<(String, i64, i64)> = on!(tx.handle(), (c, sql) = CLAIM => {
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
    rows.into_iter()
        .map(|(id, fence, attempts)| {
            let instance = id.parse().map_err(|e| Error::broken("gate", &id, e))?;
            Ok(Claimed {
                held: Held { instance, fence },
                attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
            })
        })
        .collect()
}

/// Takes the instance and its gate for this transaction if the claim still stands; false when another
/// keeper has taken over: stop at once and write nothing. First in every transaction of a keeper.
///
/// # Errors
/// As the database reports.
pub async fn hold(tx: &mut Tx, held: &Held) -> Result<bool> {
    crate::instance::lock(tx, &held.instance).await?;
    Ok(on!(tx.handle(), (c, sql) = HOLD => {
        sqlx::query(sql)
            .bind(held.instance.as_str())
            .bind(held.fence)
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
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

/// Gives a gate back, to be looked at again at `run_after`, or at once when it was nudged more often
/// than the `nudged` times that the keeper knows of. `good` forgets the attempts.
///
/// # Errors
/// As the database reports.
pub async fn release(
    tx: &mut Tx,
    held: &Held,
    nudged: i64,
    run_after: Timestamp,
    good: bool,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = RELEASE => {
        sqlx::query(sql)
            .bind(held.instance.as_str())
            .bind(held.fence)
            .bind(nudged)
            .bind(run_after.micros())
            .bind(i64::from(!good))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Frees a gate that the owner holds and has nothing in hand for, because a task of its own broke off;
/// attempts stay counted.
///
/// # Errors
/// As the database reports.
pub async fn let_go(
    tx: &mut Tx,
    owner: &str,
    instance: &InstanceId,
    run_after: Timestamp,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = LET_GO => {
        sqlx::query(sql)
            .bind(owner)
            .bind(instance.as_str())
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

/// Frees what other holders held whose names lack `process`; see
/// [`crate::operation::claim::inherit`].
///
/// # Errors
/// As the database reports.
pub async fn inherit(tx: &mut Tx, process: &str) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = INHERIT => {
        sqlx::query(sql).bind(format!("%{process}%")).execute(c).await?.rows_affected()
    }))
}
