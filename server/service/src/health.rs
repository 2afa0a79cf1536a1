//! From the health that is kept to the health that is shown. A watch writes nothing while nothing
//! changes, so how fresh it is follows from the cluster's last sign of life; past fifteen seconds
//! without one it is marked stale, whatever its colour.

use model::Timestamp;
use model::health::STALE_AFTER;
use model::instance::InstanceState;
use model::view::{CauseView, HealthView};
use store::instance::Instance;

/// The health of an instance as it is shown at `now`.
#[must_use]
pub(crate) fn view(instance: &Instance, now: Timestamp) -> HealthView {
    let health = &instance.health;
    let watched = instance.cluster.is_some()
        && matches!(
            instance.state,
            InstanceState::Creating | InstanceState::Running | InstanceState::Changing
        );
    let as_of = if watched {
        instance.cluster_as_of.unwrap_or(health.as_of)
    } else {
        now
    };
    let mut opinions = health.opinions.clone();
    for opinion in [&mut opinions.deployment, &mut opinions.runtime] {
        opinion.as_of = opinion.as_of.map(|at| at.max(as_of.min(now)));
    }
    opinions.reachability.as_of = opinions.reachability.as_of.max(instance.probe_at);
    HealthView {
        status: health.status,
        cause: health.cause.as_ref().map(CauseView::from),
        since: health.since,
        as_of,
        stale: watched && now.since(as_of) > STALE_AFTER,
        opinions,
    }
}
