//! The fleet on one page, and the search over everything in it. A handful of statements whatever the
//! size of the fleet; people of a tenant see the part of it that is theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::cluster::ClusterName;
use model::health::HealthStatus;
use model::page::MAX_LIMIT;
use model::view::{FleetCell, FleetCluster, FleetView};
use model::{Actor, may};
use store::cluster::Cluster;
use store::instance::{Cell, Order};

use crate::context::authorise;
use crate::instance::{InstanceFilter, InstanceService};
use crate::operation::history::History;
use crate::operation::visible;
use crate::tenant::{TenantFilter, TenantService};
use crate::token::{TokenFilter, TokenService};
use crate::{Context, Result};

/// Most entries of the lists on the page.
const MOST: u32 = 20;
/// Most hits of one kind.
const HITS: u32 = 8;
const MOST_HITS: usize = HITS as usize;

/// Shows and searches the fleet.
#[derive(Clone, Debug)]
pub struct FleetService {
    context: Context,
    history: Arc<History>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// What it is called.
    pub title: String,
    /// What it is.
    pub detail: String,
    /// Where its page is.
    pub path: String,
}

impl FleetService {
    pub(crate) fn new(context: Context, history: Arc<History>) -> Self {
        Self { context, history }
    }

    /// The fleet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn fleet(&self, actor: &Actor) -> Result<FleetView> {
        authorise::<may::ReadInstance>(actor, None, "fleet")?;
        let (db, now) = (&self.context.db, self.context.now());
        let tenants = visible(actor);
        let cells = store::instance::cells(db, tenants.as_deref()).await?;
        let clusters = store::cluster::list(db).await?;
        let limited = store::instance::Filter {
            tenants: tenants.clone(),
            ..Default::default()
        };
        let attention = store::instance::list(db, &limited, Order::Attention, MOST).await?;
        let wanted = store::operation::Filter {
            active: Some(true),
            tenants: tenants.clone(),
            ..Default::default()
        };
        let operations = store::operation::list(db, &wanted, MOST).await?;
        let running = store::operation::count_active(db, tenants.as_deref()).await?;
        let usual = self.history.usual(db).await?;
        let instances = InstanceService::new(self.context.clone(), Arc::clone(&self.history));
        let count = |status| number(cells.iter().filter(|cell| cell.status == status).count());
        let by_status: Vec<_> = HealthStatus::ALL
            .into_iter()
            .map(|status| (status, count(status)))
            .collect();
        let unknown = cells
            .iter()
            .filter(|cell| cell.status == HealthStatus::Unknown);
        Ok(FleetView {
            instances: number(cells.len()),
            not_healthy: number(cells.len())
                - count(HealthStatus::Healthy)
                - count(HealthStatus::Progressing),
            operations_running: running,
            oldest_unknown: unknown.map(|cell| cell.since).min(),
            by_status,
            map: map(cells, &clusters, actor.staff().is_some()),
            attention: instances.shown(&attention).await?,
            operations: operations
                .iter()
                .map(|operation| crate::operation::view::view(operation, &usual, now))
                .collect(),
            as_of: now,
        })
    }

    /// Finds instances, tokens, tenants and clusters by a part of their names, ids, hosts or hints.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on `q`.
    pub async fn search(&self, actor: &Actor, q: &str) -> Result<Vec<SearchHit>> {
        let mut hits = Vec::new();
        let wanted = model::name::fold(q.trim());
        if wanted.is_empty() {
            return Ok(hits);
        }
        let instances = InstanceService::new(self.context.clone(), Arc::clone(&self.history));
        let q = Some(q.trim().to_owned());
        let filter = InstanceFilter {
            q: q.clone(),
            limit: Some(HITS),
            ..Default::default()
        };
        for one in instances.list(actor, filter).await?.items {
            hits.push(SearchHit {
                detail: format!("Instance of {}, {}", one.tenant_name, one.health.status),
                path: format!("/instances/{}", one.id),
                title: format!("{} ({})", one.name, one.id),
            });
        }
        hits.extend(self.tokens(actor, q.clone(), &wanted).await?);
        let tenants = TenantService::new(self.context.clone());
        let filter = TenantFilter {
            q,
            limit: Some(HITS),
            ..Default::default()
        };
        for one in tenants.list(actor, filter).await?.items {
            hits.push(SearchHit {
                title: one.name,
                detail: "Tenant".to_owned(),
                path: format!("/tenants/{}", one.id),
            });
        }
        if authorise::<may::ReadCluster>(actor, None, "cluster").is_ok() {
            for one in store::cluster::list(&self.context.db).await? {
                let settings = one.settings;
                if settings.name.as_str().contains(&wanted)
                    || settings.region.as_str().contains(&wanted)
                {
                    hits.push(SearchHit {
                        detail: format!("Cluster for {} in {}", settings.purpose, settings.region),
                        path: format!("/clusters/{}", settings.name),
                        title: settings.name.to_string(),
                    });
                }
            }
        }
        Ok(hits)
    }

    /// Tokens whose own name or hint matches; those of an instance that does are on its page.
    async fn tokens(
        &self,
        actor: &Actor,
        q: Option<String>,
        wanted: &str,
    ) -> Result<Vec<SearchHit>> {
        if authorise::<may::ReadToken>(actor, None, "token").is_err() {
            return Ok(Vec::new());
        }
        let filter = TokenFilter {
            q,
            limit: Some(MAX_LIMIT),
            ..Default::default()
        };
        let found = TokenService::new(self.context.clone())
            .list(actor, filter)
            .await?;
        let own = |text: &str| model::name::fold(text).contains(wanted);
        let hits = found
            .items
            .into_iter()
            .filter(|one| own(&one.name) || own(&one.hint));
        Ok(hits
            .take(MOST_HITS)
            .map(|one| SearchHit {
                title: format!("{} ({})", one.name, one.hint),
                detail: format!("Token of {}, {}", one.instance_name, one.state),
                path: format!("/tokens/{}", one.id),
            })
            .collect())
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The clusters by name, each with its cells; what is not placed yet comes last. Who may not see
/// clusters sees no more of them than where their own instances are.
fn map(cells: Vec<Cell>, clusters: &[Cluster], staff: bool) -> Vec<FleetCluster> {
    let mut placed: BTreeMap<Option<ClusterName>, Vec<FleetCell>> = BTreeMap::new();
    if staff {
        for cluster in clusters {
            placed.insert(Some(cluster.settings.name.clone()), Vec::new());
        }
    }
    for Cell {
        id,
        name,
        tenant,
        cluster,
        status,
        ..
    } in cells
    {
        placed.entry(cluster).or_default().push(FleetCell {
            id,
            name,
            tenant,
            status,
        });
    }
    let homeless = placed.remove(&None).map(|cells| (None, cells));
    placed
        .into_iter()
        .chain(homeless)
        .map(|(name, cells)| {
            let cluster = clusters
                .iter()
                .find(|c| Some(&c.settings.name) == name.as_ref());
            let settings = cluster.map(|c| &c.settings);
            let capacity = settings
                .filter(|_| staff)
                .map_or(number(cells.len()), |s| s.capacity);
            FleetCluster {
                purpose: settings.map(|s| s.purpose),
                region: settings.map(|s| s.region.clone()),
                capacity,
                reachable: cluster.is_none_or(|c| c.sight.reachable != Some(false)),
                name,
                cells,
            }
        })
        .collect()
}
