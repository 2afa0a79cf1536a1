//! Clusters: the settings that a person made, what the watch last saw, and the candidates for a new
//! instance. The columns region, purpose, capacity and cordoned repeat what the settings say, for
//! the statements that ask for them; they are written together, always.

use model::cluster::{Candidate, ClusterName, ClusterSettings, Purpose, Region};
use model::permission::Authorised;
use model::{Timestamp, may};

use crate::lease::Lease;
use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

sql! {
    INSERT = "insert into cluster (name, region, purpose, capacity, cordoned, settings, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $7) on conflict (name) do nothing";
    UPDATE = "update cluster set capacity = $2, cordoned = $3, settings = $4, updated_at = $5 where name = $1";
    LOCK = "update cluster set placed_at = $2 where name = $1";
    REMOVE = "delete from cluster where name = $1";
    LIST = "select c.settings, c.reachable, c.reachable_since, c.as_of, c.why, c.kubernetes, \
        c.overrides_trouble, c.updated_at, \
        (select count(*) from instance i where i.cluster = c.name and i.state <> 'deleted') as load \
        from cluster c where ($1 = '' or c.name = $1) order by c.created_at, c.name";
    TURN = "update cluster set placed_at = $3 where name = \
        (select min(name) from cluster where region = $1 and purpose = $2)";
    SEEN = "update cluster set reachable = $2, reachable_since = $3, as_of = $4, why = $5, \
        kubernetes = $6, overrides_trouble = $7 where name = $1";
}

/// A cluster and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// What a person set.
    pub settings: ClusterSettings,
    /// What the watch saw.
    pub sight: Sight,
    /// Instances on it that are not deleted.
    pub load: u32,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// What the watch saw of a cluster itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether it answered at the last look; none before the first.
    pub reachable: Option<bool>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it last gave a sign of life.
    pub as_of: Option<Timestamp>,
    /// Why it does not answer; empty when it does.
    pub why: String,
    /// Kubernetes version it reported; empty before that.
    pub kubernetes: String,
    /// What Argo CD says of the override repository; empty when nothing is wrong.
    pub overrides_trouble: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    settings: String,
    reachable: String,
    reachable_since: Option<i64>,
    as_of: Option<i64>,
    why: String,
    kubernetes: String,
    overrides_trouble: String,
    updated_at: i64,
    load: i64,
}

impl TryFrom<Row> for Cluster {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let settings = settings(&row.settings)?;
        Ok(Self {
            settings,
            sight: Sight {
                reachable: reachable(&row.reachable),
                since: row.reachable_since.map(Timestamp::from_micros),
                as_of: row.as_of.map(Timestamp::from_micros),
                why: row.why,
                kubernetes: row.kubernetes,
                overrides_trouble: row.overrides_trouble,
            },
            load: u32::try_from(row.load).unwrap_or(u32::MAX),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

pub(crate) fn settings(text: &str) -> Result<ClusterSettings> {
    serde_json::from_str(text).map_err(|error| Error::broken("cluster", "settings", error))
}

pub(crate) fn reachable(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn text(settings: &ClusterSettings) -> Result<String> {
    serde_json::to_string(settings).map_err(|error| Error::broken("cluster", &settings.name, error))
}

/// Adds a cluster; false when one of that name exists.
///
/// # Errors
/// As the database reports.
pub async fn insert(
    tx: &mut Tx,
    _may: &Authorised<may::ChangeCluster>,
    cluster: &ClusterSettings,
    now: Timestamp,
) -> Result<bool> {
    let text = text(cluster)?;
    let added = on!(tx.handle(), (c, sql) = INSERT => {
        sqlx::query(sql)
            .bind(cluster.name.as_str())
            .bind(cluster.region.as_str())
            .bind(cluster.purpose.as_str())
            .bind(i64::from(cluster.capacity))
            .bind(cluster.cordoned)
            .bind(text)
            .bind(now.micros())
            .execute(c)
            .await?
            .rows_affected()
    });
    Ok(added == 1)
}

/// Writes changed settings; name, region, purpose and zone never change.
///
/// # Errors
/// As the database reports.
pub async fn update(
    tx: &mut Tx,
    _may: &Authorised<may::ChangeCluster>,
    cluster: &ClusterSettings,
    now: Timestamp,
) -> Result<()> {
    let text = text(cluster)?;
    on!(tx.handle(), (c, sql) = UPDATE => {
        sqlx::query(sql)
            .bind(cluster.name.as_str())
            .bind(i64::from(cluster.capacity))
            .bind(cluster.cordoned)
            .bind(text)
            .bind(now.micros())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Takes the row for this transaction and reads it; none when there is no such cluster.
///
/// # Errors
/// As the database reports.
pub async fn lock(tx: &mut Tx, name: &ClusterName, now: Timestamp) -> Result<Option<Cluster>> {
    on!(tx.handle(), (c, sql) = LOCK => {
        sqlx::query(sql).bind(name.as_str()).bind(now.micros()).execute(c).await?;
    });
    let row: Option<Row> = on!(tx.handle(), (c, sql) = LIST => {
        sqlx::query_as(sql).bind(name.as_str()).fetch_optional(c).await?
    });
    row.map(Cluster::try_from).transpose()
}

/// Removes a cluster; the caller has locked it and found it empty.
///
/// # Errors
/// As the database reports.
pub async fn remove(
    tx: &mut Tx,
    _may: &Authorised<may::ChangeCluster>,
    name: &ClusterName,
) -> Result<()> {
    on!(tx.handle(), (c, sql) = REMOVE => {
        sqlx::query(sql).bind(name.as_str()).execute(c).await?;
    });
    Ok(())
}

/// All clusters, oldest first.
///
/// # Errors
/// As the database reports.
pub async fn list(db: &Db) -> Result<Vec<Cluster>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = LIST => {
        sqlx::query_as(sql).bind("").fetch_all(c).await?
    });
    rows.into_iter().map(Cluster::try_from).collect()
}

/// One cluster.
///
/// # Errors
/// As the database reports.
pub async fn get(db: &Db, name: &ClusterName) -> Result<Option<Cluster>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = LIST => {
        sqlx::query_as(sql).bind(name.as_str()).fetch_optional(c).await?
    });
    row.map(Cluster::try_from).transpose()
}

/// All clusters for the placement of one instance. Placements of the same region and purpose take
/// turns from here to the end of their transactions, so that no two count the same free place.
///
/// # Errors
/// As the database reports.
pub async fn candidates(
    tx: &mut Tx,
    region: &Region,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Vec<Cluster>> {
    on!(tx.handle(), (c, sql) = TURN => {
        sqlx::query(sql)
            .bind(region.as_str())
            .bind(purpose.as_str())
            .bind(now.micros())
            .execute(c)
            .await?;
    });
    let rows: Vec<Row> = on!(tx.handle(), (c, sql) = LIST => {
        sqlx::query_as(sql).bind("").fetch_all(c).await?
    });
    rows.into_iter().map(Cluster::try_from).collect()
}

/// Writes what the watch saw of the cluster itself.
///
/// # Errors
/// As the database reports.
pub async fn seen(tx: &mut Tx, _held: &Lease, name: &ClusterName, sight: &Sight) -> Result<()> {
    let word = match sight.reachable {
        None => "unknown",
        Some(true) => "yes",
        Some(false) => "no",
    };
    on!(tx.handle(), (c, sql) = SEEN => {
        sqlx::query(sql)
            .bind(name.as_str())
            .bind(word)
            .bind(sight.since.map(Timestamp::micros))
            .bind(sight.as_of.map(Timestamp::micros))
            .bind(&sight.why)
            .bind(&sight.kubernetes)
            .bind(&sight.overrides_trouble)
            .execute(c)
            .await?;
    });
    Ok(())
}

impl Cluster {
    /// The cluster as the placement rule sees it.
    #[must_use]
    pub fn candidate(&self) -> Candidate {
        Candidate {
            name: self.settings.name.clone(),
            region: self.settings.region.clone(),
            purpose: self.settings.purpose,
            capacity: self.settings.capacity,
            load: self.load,
            cordoned: self.settings.cordoned,
            reachable: self.sight.reachable != Some(false),
        }
    }
}
