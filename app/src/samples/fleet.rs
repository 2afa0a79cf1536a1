//! Fleets from none to ten thousand instances, mostly healthy, the same every time.

use model::cluster::Purpose;
use model::health::HealthStatus;
use model::operation::{OperationKind, OperationState};
use model::view::{FleetCell, FleetCluster, FleetView};

use super::{HOSTILE, NAMES, TENANTS, before, instance, instance_id, operation, read};

/// A status that is mostly healthy, the same for the same `n`.
fn status(n: usize) -> HealthStatus {
    match n * 7 % 83 {
        5 => HealthStatus::Down,
        11 | 12 => HealthStatus::Degraded,
        23 | 24 => HealthStatus::Progressing,
        31 => HealthStatus::Unknown,
        _ => HealthStatus::Healthy,
    }
}

/// A fleet of `count` instances on `clusters` clusters.
#[must_use]
pub fn fleet(count: usize, clusters: usize) -> FleetView {
    let statuses: Vec<HealthStatus> = (0..count)
        .map(|n| {
            if count < 9 {
                HealthStatus::ALL[n % 5]
            } else {
                status(n)
            }
        })
        .collect();
    let number = |wanted: HealthStatus| {
        u32::try_from(statuses.iter().filter(|s| **s == wanted).count()).unwrap_or(0)
    };
    let share = count.div_ceil(clusters.max(1));
    let map = (0..clusters)
        .map(|cluster| fleet_cluster(cluster, share, &statuses))
        .collect();
    let mut bad: Vec<(usize, HealthStatus)> = statuses
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, s)| !matches!(s, HealthStatus::Healthy | HealthStatus::Progressing))
        .collect();
    bad.sort_by_key(|(_, s)| std::cmp::Reverse((*s == HealthStatus::Down, *s)));
    let moving: Vec<usize> = (0..count)
        .filter(|n| statuses[*n] == HealthStatus::Progressing)
        .take(4)
        .collect();
    FleetView {
        instances: u32::try_from(count).unwrap_or(0),
        not_healthy: u32::try_from(count).unwrap_or(0) - number(HealthStatus::Healthy),
        operations_running: u32::try_from(moving.len()).unwrap_or(0),
        oldest_unknown: (number(HealthStatus::Unknown) > 0).then(|| before(260)),
        by_status: HealthStatus::ALL.iter().map(|s| (*s, number(*s))).collect(),
        map,
        attention: bad
            .into_iter()
            .take(6)
            .map(|(n, s)| instance(n, s))
            .collect(),
        operations: moving
            .into_iter()
            .enumerate()
            .map(|(at, n)| {
                operation(
                    n,
                    OperationKind::ALL[at % 4],
                    OperationState::Running,
                    2 + at % 2,
                )
            })
            .collect(),
        as_of: before(2),
    }
}

fn fleet_cluster(cluster: usize, share: usize, statuses: &[HealthStatus]) -> FleetCluster {
    let regions = [
        "eu-west-1",
        "eu-central-1",
        "us-east-1",
        "ap-south-1",
        "sa-east-1",
    ];
    let purpose = Purpose::ALL[cluster % 2];
    let region = regions[cluster / 2 % regions.len()];
    let mut cells: Vec<FleetCell> = (cluster * share..((cluster + 1) * share).min(statuses.len()))
        .map(|n| FleetCell {
            id: instance_id(n),
            name: NAMES[n % NAMES.len()].to_owned(),
            tenant: if n == 0 {
                HOSTILE.to_owned()
            } else {
                TENANTS[n % 9].to_owned()
            },
            status: statuses[n],
        })
        .collect();
    cells.sort_by(|a, b| a.id.cmp(&b.id));
    let short = if purpose == Purpose::Development {
        "dev"
    } else {
        "prod"
    };
    FleetCluster {
        name: Some(read(&format!("{region}-{short}"))),
        purpose: Some(purpose),
        region: Some(read(region)),
        capacity: u32::try_from(share + share / 2 + 10).unwrap_or(0),
        reachable: cluster != 5,
        cells,
    }
}
