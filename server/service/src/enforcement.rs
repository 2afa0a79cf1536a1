//! Enforcement: what the rows say about tokens is made true at the gateway and proven there. The
//! [`Keeper`] holds each gate by lease and fence, writes it, sees to the keys behind it, and asks every
//! worker of every replica until all have shown the generation that was wished for; only then is a
//! token called revoked. [`EnforcementService`] tells how long that takes and what is overdue.

mod chores;
mod keeper;
mod key;
mod record;
mod repair;
mod turn;

use std::time::Duration;

use model::cluster::ClusterName;
use model::enforcement::Latency;
use model::{Actor, may};

pub use self::keeper::Keeper;
pub(crate) use self::repair::differs;
use crate::context::authorise;
use crate::{Context, Result};

/// How long revocations take and which are overdue.
#[derive(Clone, Debug)]
pub struct EnforcementService {
    context: Context,
}

/// Proofs that are overdue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Gates whose proof is overdue.
    pub gates: u32,
    /// How long ago the oldest of them became overdue.
    pub oldest: Option<Duration>,
}

impl EnforcementService {
    pub(crate) fn new(context: Context) -> Self {
        Self { context }
    }

    /// How long it takes on a cluster until a moved gate is proven everywhere, as measured in the last
    /// hour; none when nothing was. For those who may see something on that cluster.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latency(&self, cluster: &ClusterName) -> Result<Option<Latency>> {
        let now = self.context.now();
        let found = store::proof::latencies(&self.context.db, Some(cluster), now).await?;
        Ok(found.into_iter().next().map(|(_, latency)| latency))
    }

    /// The same of every cluster on which something was measured.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for people of tenants, who see no clusters.
    pub async fn latencies(&self, actor: &Actor) -> Result<Vec<(ClusterName, Latency)>> {
        authorise::<may::ReadCluster>(actor, None, "cluster")?;
        let now = self.context.now();
        Ok(store::proof::latencies(&self.context.db, None, now).await?)
    }

    /// How many proofs are overdue, and for how long.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for people of tenants, since it counts those of all.
    pub async fn overdue(&self, actor: &Actor) -> Result<Overdue> {
        authorise::<may::ReadCluster>(actor, None, "cluster")?;
        let (gates, since) = store::gate::unproven(&self.context.db).await?;
        let now = self.context.now();
        Ok(Overdue {
            gates,
            oldest: since.map(|since| now.since(since)),
        })
    }
}
