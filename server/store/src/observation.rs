//! What the watch last saw of each instance, and what the last request through its gateway brought:
//! facts as JSON that only `model` reads. Written when they change; how fresh they are is told by
//! the sign of life of their cluster, so that a quiet fleet writes nothing.

use model::InstanceId;
use model::cluster::ClusterName;
use model::observation::{Observation, Probe};

use crate::lease::Lease;
use crate::operation::Held;
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    SAVE = "insert into observation (instance_id, seen, at) values ($1, $2, $3) \
        on conflict (instance_id) do update set seen = excluded.seen, at = excluded.at";
    SAVE_PROBE = "insert into probe (instance_id, outcome, at) values ($1, $2, $3) \
        on conflict (instance_id) do update set outcome = excluded.outcome, at = excluded.at";
    GET = "select i.id, o.seen, p.outcome from instance i left join observation o on o.instance_id = i.id \
        left join probe p on p.instance_id = i.id where i.id = $1";
    OF_CLUSTER = "select i.id, o.seen, p.outcome from instance i left join observation o on o.instance_id = i.id \
        left join probe p on p.instance_id = i.id where i.cluster = $1 and i.state <> 'deleted'";
    FORGET = "delete from observation where instance_id = $1";
    FORGET_PROBE = "delete from probe where instance_id = $1";
}

/// What is kept of one instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Which.
    pub instance: InstanceId,
    /// What was last seen.
    pub seen: Option<Observation>,
    /// What the last request brought.
    pub probe: Option<Probe>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    seen: Option<String>,
    outcome: Option<String>,
}

impl TryFrom<Row> for Known {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let instance = row
            .id
            .parse()
            .map_err(|e| Error::broken("instance", &row.id, e))?;
        // Facts are seen anew all the time: what an older program wrote is dropped, not refused.
        Ok(Self {
            instance,
            seen: row.seen.and_then(|text| serde_json::from_str(&text).ok()),
            probe: row
                .outcome
                .and_then(|text| serde_json::from_str(&text).ok()),
        })
    }
}

/// Writes what was seen.
///
/// # Errors
/// As the database reports.
pub async fn save(
    tx: &mut Tx,
    _held: &Lease,
    instance: &InstanceId,
    seen: &Observation,
) -> Result<()> {
    let text =
        serde_json::to_string(seen).map_err(|e| Error::broken("observation", instance, e))?;
    on!(tx.handle(), (c, sql) = SAVE => {
        sqlx::query(sql)
            .bind(instance.as_str())
            .bind(text)
            .bind(seen.at.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Writes what a request brought.
///
/// # Errors
/// As the database reports.
pub async fn save_probe(
    tx: &mut Tx,
    _held: &Lease,
    instance: &InstanceId,
    probe: &Probe,
) -> Result<()> {
    let text = serde_json::to_string(probe).map_err(|e| Error::broken("probe", instance, e))?;
    on!(tx.handle(), (c, sql) = SAVE_PROBE => {
        sqlx::query(sql)
            .bind(instance.as_str())
            .bind(text)
            .bind(probe.at.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// What is kept of one instance; none when there is no such instance.
///
/// # Errors
/// As the database reports.
pub async fn get(db: &Db, instance: &InstanceId) -> Result<Option<Known>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = GET => {
        sqlx::query_as(sql).bind(instance.as_str()).fetch_optional(c).await?
    });
    row.map(Known::try_from).transpose()
}

/// What is kept of every instance on a cluster; for a watch that begins.
///
/// # Errors
/// As the database reports.
pub async fn of_cluster(db: &Db, cluster: &ClusterName) -> Result<Vec<Known>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = OF_CLUSTER => {
        sqlx::query_as(sql).bind(cluster.as_str()).fetch_all(c).await?
    });
    rows.into_iter().map(Known::try_from).collect()
}

/// Forgets what was seen of an instance that is gone.
///
/// # Errors
/// As the database reports.
pub async fn forget(tx: &mut Tx, held: &Held) -> Result<()> {
    for statement in [FORGET, FORGET_PROBE] {
        on!(tx.handle(), (c, sql) = statement => {
            sqlx::query(sql).bind(held.instance().as_str()).execute(c).await?;
        });
    }
    Ok(())
}
