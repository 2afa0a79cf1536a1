//! How long each proof of a gate took on its cluster, kept for a day, so that what a revocation takes
//! is published as it was measured and not as it was hoped for.

use std::time::Duration;

use model::Timestamp;
use model::cluster::ClusterName;
use model::enforcement::Latency;

use crate::gate::Held;
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    ADD = "insert into proof (cluster, at, instance_id, generation, millis) values ($1, $2, $3, $4, $5) \
        on conflict do nothing";
    SINCE = "select cluster, at, millis from proof where at >= $1 and ($2 = '' or cluster = $2) order by cluster, at";
    PRUNE = "delete from proof where at < $1";
}

/// Latencies are those of the last hour.
pub const WINDOW: Duration = Duration::from_hours(1);

/// Adds a proof that took so many milliseconds from the wish.
///
/// # Errors
/// As the database reports.
pub async fn add(
    tx: &mut Tx,
    held: &Held,
    cluster: &ClusterName,
    generation: i64,
    millis: u64,
    now: Timestamp,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = ADD => {
        sqlx::query(sql)
            .bind(cluster.as_str())
            .bind(now.micros())
            .bind(held.instance().as_str())
            .bind(generation)
            .bind(i64::try_from(millis).unwrap_or(i64::MAX))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// What revocations took in the last hour, by cluster; all of them, or one.
///
/// # Errors
/// As the database reports.
pub async fn latencies(
    db: &Db,
    cluster: Option<&ClusterName>,
    now: Timestamp,
) -> Result<Vec<(ClusterName, Latency)>> {
    let rows: Vec<(String, i64, i64)> = on!(db.read(), (c, sql) = SINCE => {
        sqlx::query_as(sql)
            .bind((now - WINDOW).micros())
            .bind(cluster.map_or("", ClusterName::as_str))
            .fetch_all(c)
            .await?
    });
    let mut all = Vec::new();
    for some in rows.chunk_by(|a, b| a.0 == b.0) {
        let name = &some[0].0;
        let name = name.parse().map_err(|e| Error::broken("proof", name, e))?;
        let millis = some
            .iter()
            .map(|(_, _, it)| u64::try_from(*it).unwrap_or(0));
        let as_of = some.iter().map(|(_, at, _)| *at).max().unwrap_or_default();
        let latency = Latency::of(millis.collect(), Timestamp::from_micros(as_of));
        all.extend(latency.map(|it| (name, it)));
    }
    Ok(all)
}

/// Throws away what was measured before then.
///
/// # Errors
/// As the database reports.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(on!(tx.handle(), (c, sql) = PRUNE => {
        sqlx::query(sql).bind(before.micros()).execute(c).await?.rows_affected()
    }))
}
