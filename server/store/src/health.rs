//! Transitions of health, kept for uptime, incidents and the history strip. One row per change of
//! status; two changes within one microsecond are one.

use model::cause::Cause;
use model::health::{Health, HealthStatus};
use model::{InstanceId, Timestamp};

use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    ADD = "insert into health_transition (instance_id, at, status, cause) values ($1, $2, $3, $4) \
        on conflict (instance_id, at) do update set status = excluded.status, cause = excluded.cause";
    SINCE = "select at, status, cause from health_transition where instance_id = $1 and at >= $2 \
        order by at desc limit $3";
    BEFORE = "select at, status, cause from health_transition where instance_id = $1 and at < $2 \
        order by at desc limit 1";
    PRUNE = "delete from health_transition where at < $1 and exists (select 1 from health_transition later \
        where later.instance_id = health_transition.instance_id and later.at > health_transition.at and later.at < $1)";
}

/// A change of status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// To what.
    pub status: HealthStatus,
    /// Why.
    pub cause: Option<Cause>,
}

#[derive(sqlx::FromRow)]
struct Row {
    at: i64,
    status: String,
    cause: Option<String>,
}

impl TryFrom<Row> for Transition {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let broken = |why: &str| Error::broken("health_transition", row.at, why);
        Ok(Self {
            at: Timestamp::from_micros(row.at),
            status: HealthStatus::parse(&row.status).ok_or_else(|| broken("status"))?,
            // A cause that this program no longer knows is left out of the history.
            cause: row
                .cause
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok()),
        })
    }
}

/// Keeps a change of status.
pub(crate) async fn add(tx: &mut Tx, instance: &InstanceId, health: &Health) -> Result<()> {
    let cause = health
        .cause
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(|e| Error::broken("health_transition", instance, e))?;
    on!(tx.handle(), (c, sql) = ADD => {
        sqlx::query(sql)
            .bind(instance.as_str())
            .bind(health.since.micros())
            .bind(health.status.as_str())
            .bind(cause)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The changes since then, oldest first, led by the last one before; at most `limit` of the newest.
///
/// # Errors
/// As the database reports.
pub async fn since(
    db: &Db,
    instance: &InstanceId,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Transition>> {
    let mut rows: Vec<Row> = on!(db.read(), (c, sql) = SINCE => {
        sqlx::query_as(sql)
            .bind(instance.as_str())
            .bind(since.micros())
            .bind(i64::from(limit))
            .fetch_all(c)
            .await?
    });
    let before: Option<Row> = on!(db.read(), (c, sql) = BEFORE => {
        sqlx::query_as(sql)
            .bind(instance.as_str())
            .bind(since.micros())
            .fetch_optional(c)
            .await?
    });
    rows.extend(before);
    rows.into_iter().rev().map(Transition::try_from).collect()
}

/// Forgets changes from before then, but for the last one of each instance.
///
/// # Errors
/// As the database reports.
pub async fn prune(tx: &mut Tx, _held: &crate::lease::Lease, before: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => {
        sqlx::query(sql).bind(before.micros()).execute(c).await?.rows_affected()
    }))
}
