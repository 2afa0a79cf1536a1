//! How often tokens are used, as the gateway's counters tell. What is kept is the counter as it was
//! last read, so that an increase can be told from a counter that began again.

use model::cluster::ClusterName;
use model::{InstanceId, Timestamp, TokenId};

use super::TABLE;
use crate::lease::Lease;
use crate::sql::{on, sql};
use crate::{Db, Result, Tx, row};

sql! {
    COUNTED = "select t.id, t.instance_id, t.consumer, t.counted, t.created_at, t.usage_at from token t \
        join instance i on i.id = t.instance_id where i.cluster = $1 and t.state in ('issuing', 'active', 'revoking')";
    REFRESH = "update token set usage_at = $2 where state in ('issuing', 'active', 'revoking') \
        and instance_id in (select i.id from instance i where i.cluster = $1)";
    SEE = "update token set counted = $2, uses = uses + $3, last_used_at = coalesce($4, last_used_at) where id = $1";
}

/// A token as its use was last counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub id: TokenId,
    /// Its instance.
    pub instance: InstanceId,
    /// Its consumer at the gateway.
    pub consumer: String,
    /// The counter as it was read last; none when it never was.
    pub counted: Option<u64>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was asked last.
    pub asked_at: Option<Timestamp>,
}

/// What a counter says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which token.
    pub id: TokenId,
    /// The counter.
    pub counted: u64,
    /// Requests that were made since it was read last.
    pub more: u64,
    /// When it was used, if that follows.
    pub used_at: Option<Timestamp>,
}

/// The live tokens of a cluster and their counters.
///
/// # Errors
/// When the database fails or a row is broken.
pub async fn counted(db: &Db, cluster: &ClusterName) -> Result<Vec<Counted>> {
    type Found = (String, String, String, Option<i64>, i64, Option<i64>);
    let rows: Vec<Found> = on!(db.read(), (c, sql) = COUNTED => {
        sqlx::query_as(sql).bind(cluster.as_str()).fetch_all(c).await?
    });
    rows.into_iter()
        .map(|(id, instance, consumer, counted, created_at, asked_at)| {
            Ok(Counted {
                id: row::read(TABLE, &id, &id)?,
                instance: row::read(TABLE, &id, &instance)?,
                consumer,
                counted: counted.map(|number| u64::try_from(number).unwrap_or(0)),
                created_at: Timestamp::from_micros(created_at),
                asked_at: asked_at.map(Timestamp::from_micros),
            })
        })
        .collect()
}

/// Notes for all live tokens of a cluster that their use was asked now.
///
/// # Errors
/// When the database fails.
pub async fn refresh(
    tx: &mut Tx,
    _held: &Lease,
    cluster: &ClusterName,
    now: Timestamp,
) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = REFRESH => {
        sqlx::query(sql).bind(cluster.as_str()).bind(now.micros()).execute(c).await?.rows_affected()
    }))
}

/// Notes what a counter says.
///
/// # Errors
/// When the database fails.
pub async fn see(tx: &mut Tx, _held: &Lease, seen: Seen) -> Result<()> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    on!(tx.handle(), (c, sql) = SEE => {
        sqlx::query(sql)
            .bind(seen.id.to_string())
            .bind(number(seen.counted))
            .bind(number(seen.more))
            .bind(seen.used_at.map(Timestamp::micros))
            .execute(c)
            .await?;
    });
    Ok(())
}
