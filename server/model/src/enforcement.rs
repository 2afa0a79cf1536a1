//! Enforcement: the proof that a gate's generation holds at every worker of every replica of a
//! gateway. A look is what one round of requests without a key brought; [`judge`] says what it proves.
//! Nothing but an answer that carries the generation is believed: a push that succeeded, an accepted
//! object or one worker of a replica prove nothing about the others.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What one answer of a worker said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerAnswer {
    /// The keyed route that was asked, as `METHOD path`.
    pub route: String,
    /// What tells the worker from others of its replica; empty when the answer did not say.
    pub worker: String,
    /// HTTP status.
    pub status: u16,
    /// Generation that it carried, if any.
    pub generation: Option<i64>,
}

/// What one round at one replica brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaLook {
    /// Name of the replica: its pod or address.
    pub name: String,
    /// Whether Kubernetes calls it ready; a replica that is not ready may still answer somebody.
    pub ready: bool,
    /// How many workers it has; none where that is unknown.
    pub workers: Option<u32>,
    /// What was answered.
    pub answers: Vec<WorkerAnswer>,
    /// Why it could not be asked to the end.
    pub trouble: Option<String>,
}

/// What one round at every replica brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayLook {
    /// The keyed routes of the instance, as `METHOD path`.
    pub routes: Vec<String>,
    /// Every replica that may answer.
    pub replicas: Vec<ReplicaLook>,
}

/// A replica and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaProgress {
    /// Its name.
    pub name: String,
    /// Whether all its workers refuse.
    pub proven: bool,
    /// Workers that were seen to refuse on every keyed route.
    pub workers_proven: u32,
    /// Workers seen.
    pub workers_seen: u32,
    /// What is missing, as a sentence without its end; empty when proven.
    pub why: String,
}

/// How far a proof is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The generation that is being proven.
    pub generation: i64,
    /// Every replica.
    pub replicas: Vec<ReplicaProgress>,
    /// When this was seen.
    pub at: Timestamp,
}

impl Progress {
    /// Whether every replica is proven; with no replica at all nothing is.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        !self.replicas.is_empty() && self.replicas.iter().all(|replica| replica.proven)
    }

    /// What is missing, as one sentence; none when proven.
    #[must_use]
    pub fn waiting(&self) -> Option<String> {
        if self.replicas.is_empty() {
            return Some("No replica of the gateway was found.".to_owned());
        }
        let missing: Vec<String> = self
            .replicas
            .iter()
            .filter(|replica| !replica.proven)
            .map(|replica| format!("{}: {}", replica.name, replica.why))
            .collect();
        (!missing.is_empty()).then(|| format!("{}.", missing.join("; ")))
    }
}

/// The proof that a generation holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The generation that was proven; at or above the one that was wished for.
    pub generation: i64,
    /// Keyed routes asked.
    pub routes: u32,
    /// Replicas asked, all of them proven.
    pub replicas: u32,
    /// Workers that were seen to refuse, over all replicas.
    pub workers: u32,
    /// Whether the number of workers was known; if not, it was asked until no new one appeared.
    pub workers_known: bool,
    /// From the wish to the proof, in milliseconds.
    pub millis: u64,
    /// When it was proven.
    pub at: Timestamp,
}

/// What a look proves for a generation: a worker counts when it answered 401 with that generation or a
/// later one on every keyed route and with nothing older anywhere; a replica when all its workers do.
#[must_use]
pub fn judge(look: &GatewayLook, generation: i64, at: Timestamp) -> Progress {
    let routes: BTreeSet<&str> = look.routes.iter().map(String::as_str).collect();
    let replicas = look
        .replicas
        .iter()
        .map(|replica| judge_replica(replica, &routes, generation))
        .collect();
    Progress {
        generation,
        replicas,
        at,
    }
}

fn judge_replica(look: &ReplicaLook, routes: &BTreeSet<&str>, generation: i64) -> ReplicaProgress {
    let mut proven: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut stale: BTreeMap<&str, String> = BTreeMap::new();
    for answer in &look.answers {
        let shown = answer.generation.filter(|_| answer.status == 401);
        if shown.is_some_and(|it| it >= generation) {
            proven
                .entry(&answer.worker)
                .or_default()
                .insert(&answer.route);
        } else {
            proven.entry(&answer.worker).or_default();
            stale
                .entry(&answer.worker)
                .or_insert_with(|| said(answer, generation));
        }
    }
    let holds = |(worker, seen): &(&&str, &BTreeSet<&str>)| {
        !stale.contains_key(**worker) && routes.iter().all(|route| seen.contains(route))
    };
    let workers_proven = count(proven.iter().filter(holds).count());
    let workers_seen = count(proven.len());
    let why = missing(look, routes, &stale, workers_proven, workers_seen);
    ReplicaProgress {
        name: look.name.clone(),
        proven: why.is_none(),
        workers_proven,
        workers_seen,
        why: why.unwrap_or_default(),
    }
}

fn missing(
    look: &ReplicaLook,
    routes: &BTreeSet<&str>,
    stale: &BTreeMap<&str, String>,
    proven: u32,
    seen: u32,
) -> Option<String> {
    if let Some(why) = stale.values().next() {
        return Some(why.clone());
    }
    if let Some(trouble) = &look.trouble {
        return Some(trouble.clone());
    }
    if routes.is_empty() {
        return Some("no keyed route is known".to_owned());
    }
    let expected = look.workers.unwrap_or(seen).max(1);
    (proven < expected || proven < seen)
        .then(|| format!("{proven} of {expected} workers have shown it"))
}

fn said(answer: &WorkerAnswer, generation: i64) -> String {
    match (answer.status, answer.generation) {
        (401, Some(shown)) => format!("a worker still has generation {shown} of {generation}"),
        (401, None) => "a worker refuses without showing a generation".to_owned(),
        (status, _) => format!("{} is answered with {status}", answer.route),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The receipt of a proof that is complete; `millis` counts from the wish.
#[must_use]
pub fn receipt(look: &GatewayLook, progress: &Progress, millis: u64) -> Receipt {
    Receipt {
        generation: progress.generation,
        routes: count(look.routes.len()),
        replicas: count(progress.replicas.len()),
        workers: progress
            .replicas
            .iter()
            .map(|replica| replica.workers_proven)
            .sum(),
        workers_known: look
            .replicas
            .iter()
            .all(|replica| replica.workers.is_some()),
        millis,
        at: progress.at,
    }
}

/// How long it takes on a cluster until a moved gate is proven everywhere, as measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Median of the last hour, in milliseconds.
    pub median_ms: u64,
    /// 99th percentile of the last hour, in milliseconds.
    pub p99_ms: u64,
    /// Proofs it was taken from.
    pub samples: u32,
    /// The latest of them.
    pub as_of: Timestamp,
}

impl Latency {
    /// From the measured times in milliseconds, in any order; none when there are none.
    #[must_use]
    pub fn of(mut millis: Vec<u64>, as_of: Timestamp) -> Option<Self> {
        millis.sort_unstable();
        let last = millis.len().checked_sub(1)?;
        // Nearest rank.
        let rank =
            |percent: usize| millis[(millis.len() * percent).div_ceil(100).clamp(1, last + 1) - 1];
        Some(Self {
            median_ms: rank(50),
            p99_ms: rank(99),
            samples: count(millis.len()),
            as_of,
        })
    }
}

#[cfg(test)]
#[path = "enforcement_tests.rs"]
mod tests;
