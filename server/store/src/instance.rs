//! Instances as rows: the wish and where it stands. The wish changes only in transactions that hold
//! the instance's one active operation (a person's that has just written it, or the worker's that
//! holds it); health is written by the holder of the cluster's watch alone.

mod list;
mod write;

use model::cluster::{ClusterName, ClusterSettings, Purpose, Region};
use model::health::Health;
use model::instance::InstanceState;
use model::name::InstanceName;
use model::release::Version;
use model::{InstanceId, TenantId, Timestamp};

use crate::sql::{on, sql};
use crate::{Db, Error, Result, Tx};

pub use self::list::{Cell, Filter, Order, cells, list};
pub use self::write::{
    HealthChange, InstanceProof, NewInstance, insert, lock, rename, save, save_health, set_health,
};
pub(crate) use self::{list::STATEMENTS as LIST, write::STATEMENTS as WRITE};

sql! {
    BY_ID = "select i.id, i.tenant_id, t.name as tenant_name, i.name, i.purpose, i.region, i.cluster, i.host, \
        i.release, i.overrides, i.state, i.gate_generation, i.grace_until, i.health, i.running_version, \
        i.created_at, i.updated_at, i.deleted_at, c.settings, c.as_of, p.at as probe_at, \
        g.watchman_epoch, g.watchman_before, g.unproven_since, g.waiting as gate_waiting \
        from instance i join tenant t on t.id = i.tenant_id left join cluster c on c.name = i.cluster \
        left join probe p on p.instance_id = i.id left join gate g on g.instance_id = i.id where i.id = $1";
    CHANGED = "select i.id, i.tenant_id, t.name as tenant_name, i.name, i.purpose, i.region, i.cluster, i.host, \
        i.release, i.overrides, i.state, i.gate_generation, i.grace_until, i.health, i.running_version, \
        i.created_at, i.updated_at, i.deleted_at, c.settings, c.as_of, p.at as probe_at, \
        g.watchman_epoch, g.watchman_before, g.unproven_since, g.waiting as gate_waiting \
        from instance i join tenant t on t.id = i.tenant_id left join cluster c on c.name = i.cluster \
        left join probe p on p.instance_id = i.id left join gate g on g.instance_id = i.id where i.cluster = $1 and i.updated_at >= $2";
    NAMES = "select folded from instance where tenant_id = $1 and state <> 'deleted'";
    COUNT_RELEASES = "select release, count(*) from instance where state <> 'deleted' group by release";
}

/// An instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the tenant is called.
    pub tenant_name: String,
    /// What it is called.
    pub name: InstanceName,
    /// Development or production.
    pub purpose: Purpose,
    /// Region.
    pub region: Region,
    /// Cluster; none until it is placed.
    pub cluster: Option<ClusterName>,
    /// Host name; none until it is placed.
    pub host: Option<String>,
    /// Release it is wished at.
    pub release: Version,
    /// Console overrides, as YAML.
    pub overrides: String,
    /// Where it is in its life.
    pub state: InstanceState,
    /// Generation of its gate.
    pub gate_generation: i64,
    /// Until when a deletion can be undone.
    pub grace_until: Timestamp,
    /// Its health as it was last rolled up.
    pub health: Health,
    /// Version that answered last.
    pub running_version: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its wish or state last changed.
    pub updated_at: Timestamp,
    /// When it was gone.
    pub deleted_at: Option<Timestamp>,
    /// The settings of its cluster; none until it is placed, or when the cluster was removed since.
    pub settings: Option<ClusterSettings>,
    /// When its cluster last gave a sign of life.
    pub cluster_as_of: Option<Timestamp>,
    /// When a request last went through its gateway.
    pub probe_at: Option<Timestamp>,
    /// Epoch of its watchman.
    pub watchman: u32,
    /// Epoch of the watchman before, while that one still passes.
    pub watchman_before: Option<u32>,
    /// Since when the proof of its gate has been overdue, and what it waits for.
    pub unproven: Option<(Timestamp, String)>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    id: String,
    tenant_id: String,
    tenant_name: String,
    name: String,
    purpose: String,
    region: String,
    cluster: Option<String>,
    host: Option<String>,
    release: String,
    overrides: String,
    state: String,
    gate_generation: i64,
    grace_until: i64,
    health: String,
    running_version: Option<String>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    settings: Option<String>,
    as_of: Option<i64>,
    probe_at: Option<i64>,
    watchman_epoch: Option<i64>,
    watchman_before: Option<i64>,
    unproven_since: Option<i64>,
    gate_waiting: Option<String>,
}

impl TryFrom<Row> for Instance {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let id = row.id.clone();
        let broken = |why: &dyn std::fmt::Display| Error::broken("instance", &id, why);
        let at = Timestamp::from_micros;
        Ok(Self {
            id: row.id.parse().map_err(|e| broken(&e))?,
            tenant_id: row.tenant_id.parse().map_err(|e| broken(&e))?,
            tenant_name: row.tenant_name,
            name: InstanceName::parse(&row.name).map_err(|e| broken(&e))?,
            purpose: row.purpose.parse().map_err(|e| broken(&e))?,
            region: row.region.parse().map_err(|e| broken(&e))?,
            cluster: row
                .cluster
                .map(|c| c.parse())
                .transpose()
                .map_err(|e| broken(&e))?,
            host: row.host,
            release: row.release.parse().map_err(|e| broken(&e))?,
            overrides: row.overrides,
            state: InstanceState::parse(&row.state).ok_or_else(|| broken(&"state"))?,
            gate_generation: row.gate_generation,
            grace_until: at(row.grace_until),
            health: serde_json::from_str(&row.health).map_err(|e| broken(&e))?,
            running_version: row.running_version,
            created_at: at(row.created_at),
            updated_at: at(row.updated_at),
            deleted_at: row.deleted_at.map(at),
            settings: row
                .settings
                .as_deref()
                .map(crate::cluster::settings)
                .transpose()?,
            cluster_as_of: row.as_of.map(at),
            probe_at: row.probe_at.map(at),
            watchman: row.watchman_epoch.map_or(1, crate::gate::epoch),
            watchman_before: row.watchman_before.map(crate::gate::epoch),
            unproven: row
                .unproven_since
                .map(|since| (at(since), row.gate_waiting.unwrap_or_default())),
        })
    }
}

/// Tenant ids as one text that statements search in, so that none stands for all: empty.
pub(crate) fn tenant_list(tenants: Option<&[TenantId]>) -> String {
    match tenants {
        None => String::new(),
        Some([]) => "none".to_owned(),
        Some(some) => some
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// One instance, deleted ones included.
///
/// # Errors
/// As the database reports.
pub async fn by_id(db: &Db, id: &InstanceId) -> Result<Option<Instance>> {
    let row: Option<Row> = on!(db.read(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.as_str()).fetch_optional(c).await?
    });
    row.map(Instance::try_from).transpose()
}

/// One instance, as this transaction sees it.
///
/// # Errors
/// As the database reports.
pub async fn by_id_in(tx: &mut Tx, id: &InstanceId) -> Result<Option<Instance>> {
    let row: Option<Row> = on!(tx.handle(), (c, sql) = BY_ID => {
        sqlx::query_as(sql).bind(id.as_str()).fetch_optional(c).await?
    });
    row.map(Instance::try_from).transpose()
}

/// The instances of a cluster whose wish or state changed since then, deleted ones included.
///
/// # Errors
/// As the database reports.
pub async fn changed(db: &Db, cluster: &ClusterName, since: Timestamp) -> Result<Vec<Instance>> {
    let rows: Vec<Row> = on!(db.read(), (c, sql) = CHANGED => {
        sqlx::query_as(sql).bind(cluster.as_str()).bind(since.micros()).fetch_all(c).await?
    });
    rows.into_iter().map(Instance::try_from).collect()
}

/// The folded names that a tenant's instances have.
///
/// # Errors
/// As the database reports.
pub async fn names(tx: &mut Tx, tenant: TenantId) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = on!(tx.handle(), (c, sql) = NAMES => {
        sqlx::query_as(sql).bind(tenant.to_string()).fetch_all(c).await?
    });
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// How many instances are wished at each release.
///
/// # Errors
/// As the database reports.
pub async fn count_releases(db: &Db) -> Result<Vec<(Version, u32)>> {
    let rows: Vec<(String, i64)> = on!(db.read(), (c, sql) = COUNT_RELEASES => {
        sqlx::query_as(sql).fetch_all(c).await?
    });
    rows.into_iter()
        .map(|(version, count)| {
            let version = version
                .parse()
                .map_err(|e| Error::broken("instance", &version, e))?;
            Ok((version, u32::try_from(count).unwrap_or(u32::MAX)))
        })
        .collect()
}
