//! Lists of instances: pages with filters, what needs attention, and the cells of the fleet map.
//! Searches go over text that was folded before, and the caller's tenants limit every one of them.

use model::cluster::{ClusterName, Purpose};
use model::health::HealthStatus;
use model::instance::InstanceState;
use model::release::Version;
use model::{InstanceId, TenantId, Timestamp};

use super::{Instance, Row, tenant_list};
use crate::sql::{on, sql};
use crate::{Db, Error, Result};

sql! {
    LIST = "select i.id, i.tenant_id, t.name as tenant_name, i.name, i.purpose, i.region, i.cluster, i.host, \
        i.release, i.overrides, i.state, i.gate_generation, i.grace_until, i.health, i.running_version, \
        i.created_at, i.updated_at, i.deleted_at, c.settings, c.as_of, p.at as probe_at, \
        g.watchman_epoch, g.watchman_before, g.unproven_since, g.waiting as gate_waiting \
        from instance i join tenant t on t.id = i.tenant_id left join cluster c on c.name = i.cluster \
        left join probe p on p.instance_id = i.id left join gate g on g.instance_id = i.id \
        where ($1 = '' or i.tenant_id = $1) and ($2 = '' or i.cluster = $2) and ($3 = '' or i.purpose = $3) \
        and ($4 = '' or i.release = $4) and ($5 = '' or i.health_status = $5) \
        and (($6 = '' and i.state <> 'deleted') or i.state = $6) \
        and ($7 = '' or $7 like '%' || i.tenant_id || '%') \
        and (i.folded like $8 escape '\\' or t.name_folded like $8 escape '\\' or i.id like $8 escape '\\' \
            or i.host like $8 escape '\\') \
        and (i.created_at < $9 or (i.created_at = $9 and i.id < $10)) \
        order by i.created_at desc, i.id desc limit $11";
    ATTENTION = "select i.id, i.tenant_id, t.name as tenant_name, i.name, i.purpose, i.region, i.cluster, i.host, \
        i.release, i.overrides, i.state, i.gate_generation, i.grace_until, i.health, i.running_version, \
        i.created_at, i.updated_at, i.deleted_at, c.settings, c.as_of, p.at as probe_at, \
        g.watchman_epoch, g.watchman_before, g.unproven_since, g.waiting as gate_waiting \
        from instance i join tenant t on t.id = i.tenant_id left join cluster c on c.name = i.cluster \
        left join probe p on p.instance_id = i.id left join gate g on g.instance_id = i.id left join operation o on o.instance_id = i.id and o.state = 'stuck' \
        where i.state <> 'deleted' and (i.health_status in ('down', 'degraded') or o.id is not null \
            or (i.health_status = 'unknown' and i.state in ('running', 'changing'))) \
        and ($1 = '' or $1 like '%' || i.tenant_id || '%') \
        order by case i.health_status when 'down' then 0 when 'degraded' then 1 when 'unknown' then 2 else 3 end, \
        i.health_since, i.id limit $2";
    CELLS = "select i.id, i.name, t.name as tenant, i.cluster, i.health_status, i.health_since \
        from instance i join tenant t on t.id = i.tenant_id \
        where i.state <> 'deleted' and ($1 = '' or $1 like '%' || i.tenant_id || '%') order by i.id";
}

/// Which instances a list shows.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only this tenant's.
    pub tenant: Option<TenantId>,
    /// Only those on this cluster.
    pub cluster: Option<ClusterName>,
    /// Only with this purpose.
    pub purpose: Option<Purpose>,
    /// Only at this release.
    pub release: Option<Version>,
    /// Only with this health.
    pub health: Option<HealthStatus>,
    /// Only in this state; deleted ones are shown only when asked for.
    pub state: Option<InstanceState>,
    /// Folded pattern (with `\` as escape) for name, tenant, id or host; `%` for all.
    pub pattern: String,
    /// Only of these tenants; none for all.
    pub tenants: Option<Vec<TenantId>>,
    /// Only those behind this place in the order.
    pub after: Option<(Timestamp, InstanceId)>,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            tenant: None,
            cluster: None,
            purpose: None,
            release: None,
            health: None,
            state: None,
            pattern: "%".to_owned(),
            tenants: None,
            after: None,
        }
    }
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    Newest,
    /// What needs attention, worst first; other filters than the tenants do not count.
    Attention,
}

/// A cell of the fleet map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which instance.
    pub id: InstanceId,
    /// What it is called.
    pub name: String,
    /// What its tenant is called.
    pub tenant: String,
    /// Cluster; none until it is placed.
    pub cluster: Option<ClusterName>,
    /// Its status.
    pub status: HealthStatus,
    /// Since when.
    pub since: Timestamp,
}

#[derive(sqlx::FromRow)]
struct CellRow {
    id: String,
    name: String,
    tenant: String,
    cluster: Option<String>,
    health_status: String,
    health_since: i64,
}

impl TryFrom<CellRow> for Cell {
    type Error = Error;
    fn try_from(row: CellRow) -> Result<Self> {
        let broken = |why: &str| Error::broken("instance", &row.id, why);
        Ok(Self {
            id: row.id.parse().map_err(|_| broken("id"))?,
            cluster: row
                .cluster
                .as_ref()
                .map(|c| c.parse())
                .transpose()
                .map_err(|_| broken("cluster"))?,
            status: HealthStatus::parse(&row.health_status).ok_or_else(|| broken("health"))?,
            since: Timestamp::from_micros(row.health_since),
            name: row.name,
            tenant: row.tenant,
        })
    }
}

/// Instances in that order.
///
/// # Errors
/// As the database reports.
pub async fn list(db: &Db, filter: &Filter, order: Order, limit: u32) -> Result<Vec<Instance>> {
    let rows = match order {
        Order::Newest => newest(db, filter, limit).await?,
        Order::Attention => on!(db.read(), (c, sql) = ATTENTION => {
            sqlx::query_as(sql)
                .bind(tenant_list(filter.tenants.as_deref()))
                .bind(i64::from(limit))
                .fetch_all(c)
                .await?
        }),
    };
    rows.into_iter().map(Instance::try_from).collect()
}

async fn newest(db: &Db, filter: &Filter, limit: u32) -> Result<Vec<Row>> {
    let (at, id) = match &filter.after {
        Some((at, id)) => (at.micros(), id.as_str()),
        None => (i64::MAX, ""),
    };
    Ok(on!(db.read(), (c, sql) = LIST => {
        sqlx::query_as(sql)
            .bind(filter.tenant.map_or_else(String::new, |t| t.to_string()))
            .bind(filter.cluster.as_ref().map_or("", ClusterName::as_str))
            .bind(filter.purpose.map_or("", Purpose::as_str))
            .bind(filter.release.map_or_else(String::new, |r| r.to_string()))
            .bind(filter.health.map_or("", HealthStatus::as_str))
            .bind(filter.state.map_or("", InstanceState::as_str))
            .bind(tenant_list(filter.tenants.as_deref()))
            .bind(&filter.pattern)
            .bind(at)
            .bind(id)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await?
    }))
}

/// Every instance that is not deleted, as a cell of the map, by id.
///
/// # Errors
/// As the database reports.
pub async fn cells(db: &Db, tenants: Option<&[TenantId]>) -> Result<Vec<Cell>> {
    let rows: Vec<CellRow> = on!(db.read(), (c, sql) = CELLS => {
        sqlx::query_as(sql).bind(tenant_list(tenants)).fetch_all(c).await?
    });
    rows.into_iter().map(Cell::try_from).collect()
}
