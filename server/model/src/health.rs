//! Health: three opinions kept apart (what Argo CD says, what Kubernetes says, what a real request
//! says), a roll-up with a named cause, and the hysteresis that keeps a blip from being an incident.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cause::{Cause, CauseCode};
use crate::time::Timestamp;

/// The five words of health, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// As wished, seen by a real request.
    Healthy,
    /// On its way.
    Progressing,
    /// Answers, but something is wrong.
    Degraded,
    /// Does not answer.
    Down,
    /// Not known now; the age of the last knowledge is shown.
    Unknown,
}

impl HealthStatus {
    /// All five, best first.
    pub const ALL: [Self; 5] = [
        Self::Healthy,
        Self::Progressing,
        Self::Degraded,
        Self::Down,
        Self::Unknown,
    ];

    /// The word in API, database and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Progressing => "progressing",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One of the three opinions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// What it says.
    pub status: HealthStatus,
    /// In a few words, why.
    pub summary: String,
    /// When it was true; none when it was never formed.
    pub as_of: Option<Timestamp>,
}

impl Opinion {
    /// Nobody has looked yet.
    #[must_use]
    pub fn never() -> Self {
        Self {
            status: HealthStatus::Unknown,
            summary: "Not looked at yet".to_owned(),
            as_of: None,
        }
    }
}

/// The three, kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinions {
    /// What Argo CD says.
    pub deployment: Opinion,
    /// What Kubernetes says: pods, database, certificate, secrets.
    pub runtime: Opinion,
    /// What a real request through DNS, TLS, gateway and token says.
    pub reachability: Opinion,
}

/// What the rules make of one look: the opinions and every cause found, worst first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The three opinions.
    pub opinions: Opinions,
    /// Causes, in the order of the catalogue.
    pub causes: Vec<Cause>,
}

/// The health of an instance as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The roll-up.
    pub status: HealthStatus,
    /// Why it is not healthy.
    pub cause: Option<Cause>,
    /// Since when the status is what it is.
    pub since: Timestamp,
    /// When a trouble that has not yet become the status was first seen.
    pub trouble_since: Option<Timestamp>,
    /// The three opinions.
    pub opinions: Opinions,
    /// When this was true.
    pub as_of: Timestamp,
}

impl Health {
    /// Of an instance that nobody has looked at.
    #[must_use]
    pub fn unknown(now: Timestamp) -> Self {
        Self {
            status: HealthStatus::Unknown,
            cause: None,
            since: now,
            trouble_since: None,
            opinions: Opinions {
                deployment: Opinion::never(),
                runtime: Opinion::never(),
                reachability: Opinion::never(),
            },
            as_of: now,
        }
    }
}

/// How long a trouble must last before a healthy instance is called degraded or down; until then it
/// is progressing, with the cause already named.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Data older than this is marked stale on the screen.
pub const STALE_AFTER: Duration = Duration::from_secs(15);

/// Rolls one look up into the health that is kept. `changing` is true while an operation is under
/// way: then what is not there yet is progressing, not down.
#[must_use]
pub fn roll_up(before: &Health, look: Assessment, changing: bool, now: Timestamp) -> Health {
    let cause = look.causes.into_iter().min_by_key(|c| {
        CauseCode::ALL
            .iter()
            .position(|code| *code == c.code)
            .unwrap_or(usize::MAX)
    });
    let (target, cause) = judge(&look.opinions, cause);
    // A key that opens somebody else's instance is an incident from the first answer on.
    let broken = |cause: &Cause| cause.code == CauseCode::IsolationBroken;
    let at_once = cause.as_ref().is_some_and(broken);
    let target = if at_once { HealthStatus::Down } else { target };
    let trouble = matches!(target, HealthStatus::Degraded | HealthStatus::Down);
    let trouble_since = trouble.then(|| before.trouble_since.unwrap_or(now));
    let lasting = trouble_since.is_some_and(|since| now.since(since) >= PATIENCE);
    let already = matches!(before.status, HealthStatus::Degraded | HealthStatus::Down);
    let status = match target {
        HealthStatus::Degraded | HealthStatus::Down if changing && cause.is_none() => {
            HealthStatus::Progressing
        }
        HealthStatus::Degraded | HealthStatus::Down if !lasting && !already && !at_once => {
            HealthStatus::Progressing
        }
        other => other,
    };
    let since = if status == before.status {
        before.since
    } else {
        now
    };
    Health {
        status,
        cause,
        since,
        trouble_since,
        opinions: look.opinions,
        as_of: now,
    }
}

fn judge(opinions: &Opinions, cause: Option<Cause>) -> (HealthStatus, Option<Cause>) {
    use HealthStatus as S;
    let [d, r, p] = [
        opinions.deployment.status,
        opinions.runtime.status,
        opinions.reachability.status,
    ];
    if cause
        .as_ref()
        .is_some_and(|c| c.code.status() == S::Unknown)
    {
        return (S::Unknown, cause);
    }
    let status = match (d, r, p) {
        (S::Healthy, S::Healthy, S::Healthy) => S::Healthy,
        // Whatever the deployment says, a request that is answered is not down.
        (_, _, S::Healthy) if [d, r].iter().any(|s| matches!(s, S::Degraded | S::Down)) => {
            S::Degraded
        }
        (_, _, S::Healthy) => {
            if [d, r].contains(&S::Progressing) {
                S::Progressing
            } else {
                S::Unknown
            }
        }
        (_, _, S::Degraded) => S::Degraded,
        (_, _, S::Down) => S::Down,
        _ if [d, r].contains(&S::Down) => S::Down,
        _ if [d, r].contains(&S::Degraded) => S::Degraded,
        _ if [d, r, p].contains(&S::Progressing) => S::Progressing,
        _ => S::Unknown,
    };
    let named = cause.or_else(|| {
        let green = [d, r].iter().filter(|s| **s == S::Healthy).count();
        (green == 2 && matches!(status, S::Down | S::Degraded)).then(|| {
            Cause::new(
                CauseCode::OpinionsDisagree,
                "this instance",
                opinions.reachability.summary.clone(),
            )
        })
    });
    if status == S::Healthy {
        named.map_or((S::Healthy, None), |c| (S::Degraded, Some(c)))
    } else {
        (status, named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinion(status: HealthStatus) -> Opinion {
        Opinion {
            status,
            summary: String::new(),
            as_of: None,
        }
    }

    fn look(
        d: HealthStatus,
        r: HealthStatus,
        p: HealthStatus,
        cause: Option<CauseCode>,
    ) -> Assessment {
        Assessment {
            opinions: Opinions {
                deployment: opinion(d),
                runtime: opinion(r),
                reachability: opinion(p),
            },
            causes: cause
                .map(|code| Cause::new(code, "x", "y"))
                .into_iter()
                .collect(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    use HealthStatus as S;

    fn healthy() -> Health {
        roll_up(
            &Health::unknown(at(0)),
            look(S::Healthy, S::Healthy, S::Healthy, None),
            false,
            at(1),
        )
    }

    #[test]
    fn all_three_must_agree_on_healthy() {
        assert_eq!(healthy().status, S::Healthy);
        assert_eq!(healthy().since, at(1));
        let two = roll_up(
            &healthy(),
            look(S::Healthy, S::Healthy, S::Unknown, None),
            false,
            at(2),
        );
        assert_eq!(two.status, S::Unknown);
    }

    #[test]
    fn broken_isolation_is_an_incident_at_once() {
        let look = |code| look(S::Healthy, S::Healthy, S::Healthy, Some(code));
        let broken = roll_up(&healthy(), look(CauseCode::IsolationBroken), false, at(2));
        assert_eq!(broken.status, S::Down);
        let unproven = roll_up(&healthy(), look(CauseCode::IsolationUnproven), false, at(2));
        assert_eq!(unproven.status, S::Progressing);
    }

    #[test]
    fn a_blip_is_progressing_and_what_lasts_is_named() {
        let down = || {
            look(
                S::Healthy,
                S::Down,
                S::Down,
                Some(CauseCode::ContainerCrashes),
            )
        };
        let blip = roll_up(&healthy(), down(), false, at(10));
        assert_eq!(
            (blip.status, blip.cause.as_ref().map(|c| c.code)),
            (S::Progressing, Some(CauseCode::ContainerCrashes))
        );
        let still = roll_up(&blip, down(), false, at(20));
        assert_eq!((still.status, still.since), (S::Progressing, at(10)));
        let lasting = roll_up(&still, down(), false, at(25));
        assert_eq!((lasting.status, lasting.since), (S::Down, at(25)));
        let healed = roll_up(
            &lasting,
            look(S::Healthy, S::Healthy, S::Healthy, None),
            false,
            at(30),
        );
        assert_eq!(
            (healed.status, healed.cause, healed.trouble_since),
            (S::Healthy, None, None)
        );
    }

    #[test]
    fn an_unreachable_cluster_makes_unknown_never_failed() {
        let lost = look(
            S::Unknown,
            S::Unknown,
            S::Down,
            Some(CauseCode::ClusterUnreachable),
        );
        let health = roll_up(&healthy(), lost, false, at(100));
        assert_eq!((health.status, health.since), (S::Unknown, at(100)));
    }

    #[test]
    fn what_answers_is_not_down_and_a_silent_disagreement_is_named() {
        let mut health = healthy();
        for second in [5, 30] {
            health = roll_up(
                &health,
                look(
                    S::Healthy,
                    S::Degraded,
                    S::Healthy,
                    Some(CauseCode::SecretNotSynced),
                ),
                false,
                at(second),
            );
        }
        assert_eq!(health.status, S::Degraded);
        for second in [60, 90] {
            health = roll_up(
                &health,
                look(S::Healthy, S::Healthy, S::Down, None),
                false,
                at(second),
            );
        }
        assert_eq!(
            (health.status, health.cause.map(|c| c.code)),
            (S::Down, Some(CauseCode::OpinionsDisagree))
        );
    }

    #[test]
    fn what_is_being_made_is_progressing_until_a_cause_is_known() {
        let start = Health::unknown(at(0));
        let mut health = start;
        for second in [1, 60] {
            health = roll_up(
                &health,
                look(S::Down, S::Down, S::Down, None),
                true,
                at(second),
            );
        }
        assert_eq!(health.status, S::Progressing);
    }
}
