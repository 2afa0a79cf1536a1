//! Which replica suffers from which fault of the gateway.
//!
//! A fault names no replica, because the names of pods differ from sandbox to sandbox: one in the
//! middle lags, the last one is stuck or gone, a worker of the first one restarts.

use crate::fault::ClusterFault;
use std::collections::BTreeSet;
use std::time::Duration;

/// Where a worker stands among the replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the replica.
    pub number: usize,
    /// How many replicas there are.
    pub of: usize,
    pub worker: usize,
}

/// What keeps an item from a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It comes, later by so much.
    Late(Duration),
    /// It does not come while this lasts.
    Ever,
}

impl Place {
    fn is_last(self) -> bool {
        self.number + 1 == self.of
    }

    /// Whether its replica accepts no connections.
    pub fn is_gone(self, faults: &BTreeSet<ClusterFault>) -> bool {
        self.is_last() && faults.contains(&ClusterFault::GatewayGone)
    }

    /// Whether its replica takes no new state, though it answers.
    pub fn is_stuck(self, faults: &BTreeSet<ClusterFault>) -> bool {
        self.is_last() && faults.contains(&ClusterFault::GatewayStuck)
    }

    /// Whether one of its replica's workers ends again and again.
    pub fn is_restarting(self, faults: &BTreeSet<ClusterFault>) -> bool {
        self.number == 0 && faults.contains(&ClusterFault::GatewayWorkerRestarts)
    }

    /// What keeps items from it at this moment; `lag` is how late a replica is that lags.
    pub fn hold(self, faults: &BTreeSet<ClusterFault>, lag: Duration) -> Hold {
        if self.is_gone(faults) || self.is_stuck(faults) {
            return Hold::Ever;
        }
        let lags = self.number == self.of / 2 && faults.contains(&ClusterFault::GatewayLagging);
        Hold::Late(if lags { lag } else { Duration::ZERO })
    }

    /// How long an item of a kind takes to reach it (at pace 1): half of the workers hear of routes
    /// first, the others of consumers.
    pub fn delay(self, consumers: bool) -> Duration {
        let step = 5 + 17 * self.worker + 9 * self.number;
        let second = consumers == (self.worker + self.number).is_multiple_of(2);
        let millis = if second { step + 30 } else { step };
        Duration::from_millis(u64::try_from(millis).unwrap_or(200).min(200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_own_replica() {
        let place = |number| Place {
            number,
            of: 3,
            worker: 0,
        };
        let lag = Duration::from_secs(15);
        let holds = |fault: ClusterFault| {
            let faults = BTreeSet::from([fault]);
            [0, 1, 2].map(|number| place(number).hold(&faults, lag))
        };
        let free = Hold::Late(Duration::ZERO);
        assert_eq!(
            holds(ClusterFault::GatewayLagging),
            [free, Hold::Late(lag), free]
        );
        assert_eq!(holds(ClusterFault::GatewayStuck), [free, free, Hold::Ever]);
        assert_eq!(holds(ClusterFault::GatewayGone), [free, free, Hold::Ever]);
        let alone = Place {
            number: 0,
            of: 1,
            worker: 0,
        };
        assert!(alone.is_gone(&BTreeSet::from([ClusterFault::GatewayGone])));
    }

    #[test]
    fn no_two_workers_hear_of_a_change_at_the_same_moment() {
        let mut seen = BTreeSet::new();
        for (number, worker) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
            let place = Place {
                number,
                of: 3,
                worker,
            };
            assert_ne!(place.delay(true), place.delay(false));
            assert!(seen.insert(place.delay(false)));
        }
    }
}
