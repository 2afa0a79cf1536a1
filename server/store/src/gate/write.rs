//! What the keeper that holds a gate writes of it: what the cluster has taken, how far the proof is,
//! that it is complete, and which watchman passes. The transaction has asked [`super::claim::hold`]
//! before, so a keeper that was replaced comes to none of these.

use model::Timestamp;
use model::enforcement::Progress;

use super::Held;
use crate::sql::{on, sql};
use crate::{Error, Result, Tx};

sql! {
    NOTE = "update gate set written_generation = $3, progress = $4, waiting = $5, unproven_since = $6 \
        where instance_id = $1 and fence = $2";
    PROVE = "update gate set proven_generation = $3, proven_at = $4, written_generation = $3, progress = $5, \
        waiting = null, unproven_since = null where instance_id = $1 and fence = $2";
    TOUCH = "update instance set updated_at = $2 where id = $1";
    MOVED = "update gate set moved_at = $3 where instance_id = $1 and moved_at = $2";
    ROTATE = "update gate set watchman_before = watchman_epoch, watchman_epoch = watchman_epoch + 1, \
        watchman_since = $3 where instance_id = $1 and fence = $2 and watchman_before is null";
    SETTLE = "update gate set watchman_before = null where instance_id = $1 and fence = $2";
}

/// How far a gate is, as long as it is not proven.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Generation that the cluster has taken.
    pub written: i64,
    /// How far the proof is.
    pub progress: Option<Progress>,
    /// What it waits for, as a sentence.
    pub waiting: Option<String>,
    /// Since when it has been overdue.
    pub unproven_since: Option<Timestamp>,
}

fn text(progress: Option<&Progress>, held: &Held) -> Result<Option<String>> {
    let text = progress.map(serde_json::to_string).transpose();
    text.map_err(|e| Error::broken("gate", held.instance(), e))
}

/// Records how far a gate is. With `tell` whoever reads instances by their changes reads this one.
///
/// # Errors
/// As the database reports.
pub async fn note(tx: &mut Tx, held: &Held, seen: &Seen, tell: bool, now: Timestamp) -> Result<()> {
    let progress = text(seen.progress.as_ref(), held)?;
    on!(tx.handle(), (c, sql) = NOTE => {
        sqlx::query(sql)
            .bind(held.instance().as_str())
            .bind(held.fence())
            .bind(seen.written)
            .bind(&progress)
            .bind(&seen.waiting)
            .bind(seen.unproven_since.map(Timestamp::micros))
            .execute(c)
            .await?;
    });
    if tell {
        touch(tx, held, now).await?;
    }
    Ok(())
}

async fn touch(tx: &mut Tx, held: &Held, now: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = TOUCH => {
        sqlx::query(sql).bind(held.instance().as_str()).bind(now.micros()).execute(c).await?;
    });
    Ok(())
}

/// Records that a generation is proven; without progress when nothing was left that could be asked.
/// `tell` as in [`note`].
///
/// # Errors
/// As the database reports.
pub async fn prove(
    tx: &mut Tx,
    held: &Held,
    generation: i64,
    progress: Option<&Progress>,
    tell: bool,
    now: Timestamp,
) -> Result<()> {
    let progress = text(progress, held)?;
    on!(tx.handle(), (c, sql) = PROVE => {
        sqlx::query(sql)
            .bind(held.instance().as_str())
            .bind(held.fence())
            .bind(generation)
            .bind(now.micros())
            .bind(&progress)
            .execute(c)
            .await?;
    });
    if tell {
        touch(tx, held, now).await?;
    }
    Ok(())
}

/// Records that a gate is moved to measure how long that takes; false when somebody else was first.
/// The caller has taken the instance, and moves it with [`super::bump`].
///
/// # Errors
/// As the database reports.
pub async fn moved(
    tx: &mut Tx,
    instance: &model::InstanceId,
    before: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    Ok(on!(tx.handle(), (c, sql) = MOVED => {
        sqlx::query(sql)
            .bind(instance.as_str())
            .bind(before.micros())
            .bind(now.micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1)
}

/// Gives the watchman its next epoch; the one before passes too until [`settle_watchman`]. The caller
/// moves the gate with [`super::bump`]. False while the one before still passes.
///
/// # Errors
/// As the database reports.
pub async fn rotate(tx: &mut Tx, held: &Held, now: Timestamp) -> Result<bool> {
    let rotated = on!(tx.handle(), (c, sql) = ROTATE => {
        sqlx::query(sql)
            .bind(held.instance().as_str())
            .bind(held.fence())
            .bind(now.micros())
            .execute(c)
            .await?
            .rows_affected()
    }) == 1;
    if rotated {
        touch(tx, held, now).await?;
    }
    Ok(rotated)
}

/// The watchman of the epoch before passes no more. The caller moves the gate with [`super::bump`].
///
/// # Errors
/// As the database reports.
pub async fn settle_watchman(tx: &mut Tx, held: &Held, now: Timestamp) -> Result<()> {
    on!(tx.handle(), (c, sql) = SETTLE => {
        sqlx::query(sql).bind(held.instance().as_str()).bind(held.fence()).execute(c).await?;
    });
    touch(tx, held, now).await
}
