//! One instance as a watch knows it: the wish, what was seen, what the last request brought, and the
//! health that follows. Judged anew when something changes and from time to time, since patience and
//! trust run out by themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Timestamp;
use model::cause::{Cause, CauseCode};
use model::health::{Health, HealthStatus, Opinion, roll_up};
use model::instance::InstanceState;
use model::observation::{ClusterFact, Observation, Probe, ProbeOutcome, assess};
use store::instance::{HealthChange, Instance};

use crate::ports::Target;

/// An untroubled instance is judged again so often, in case its facts have grown too old.
const CALM: Duration = Duration::from_secs(15);
/// A troubled one so often, since its patience may have run out.
const TROUBLED: Duration = Duration::from_secs(1);
/// An unchanged outcome of a probe is written again so often.
const PROBE_KEPT: Duration = Duration::from_mins(1);

/// Its key is tried on a neighbour's instance so often.
const KNOCK: Duration = Duration::from_mins(1);
/// So often while the answer is not the refusal that it should be.
const KNOCK_AGAIN: Duration = Duration::from_secs(5);

/// How long an Application may differ from the wish before it is written again.
const UNLIKE: Duration = Duration::from_secs(10);

/// An instance on the watched cluster.
#[derive(Debug)]
pub(super) struct Tile {
    pub instance: Instance,
    pub target: Option<Arc<Target>>,
    pub seen: Option<Observation>,
    pub probe: Option<Probe>,
    pub health: Health,
    /// Reported by this watch, or looked at since it began.
    pub fresh: bool,
    /// What is to be written.
    pub open: Open,
    /// When to look by reading the cluster, should the watch not report by then.
    pub look_at: Option<Instant>,
    /// When to probe next; none while one is under way.
    pub probe_at: Option<Instant>,
    /// The gate's object changed since it was last compared with the wish.
    pub gate_news: bool,
    /// When its key may be tried on a neighbour's instance again; none while that is under way.
    pub knock_at: Option<Instant>,
    /// What a neighbour's instance answered that it should not have.
    pub isolation: Option<Cause>,
    probe_written: Timestamp,
    due: Timestamp,
    /// Since when the Application is not what would be written now.
    unlike_since: Option<Instant>,
}

/// What of a tile is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// The facts differ from what is kept.
    pub seen: bool,
    /// The outcome of the probe differs from what is kept, or that is old.
    pub probe: bool,
    /// The active operation should look.
    pub nudge: bool,
}

impl Tile {
    pub fn new(instance: Instance, target: Option<Arc<Target>>) -> Self {
        Self {
            health: instance.health.clone(),
            probe_written: instance.probe_at.unwrap_or_default(),
            instance,
            target,
            seen: None,
            probe: None,
            fresh: false,
            open: Open::default(),
            look_at: None,
            probe_at: Some(Instant::now()),
            gate_news: false,
            knock_at: Some(Instant::now()),
            isolation: None,
            due: Timestamp::default(),
            unlike_since: None,
        }
    }

    /// Whether its health is judged: not while it is going, and not when it was never made.
    pub fn is_judged(&self) -> bool {
        matches!(
            self.instance.state,
            InstanceState::Creating | InstanceState::Running | InstanceState::Changing
        )
    }

    pub fn is_changing(&self) -> bool {
        matches!(
            self.instance.state,
            InstanceState::Creating | InstanceState::Changing
        )
    }

    /// Takes the row as it is now, when its wish or state changed.
    pub fn take(&mut self, instance: Instance, target: Option<Arc<Target>>) {
        self.health = instance.health.clone();
        self.instance = instance;
        self.target = target;
        self.due = Timestamp::default();
        self.probe_soon();
        self.look_at = Some(Instant::now() + Duration::from_secs(1));
    }

    fn probe_soon(&mut self) {
        if self.probe_at.is_some() {
            self.probe_at = Some(Instant::now());
        }
    }

    /// Takes what was seen.
    pub fn see(&mut self, seen: Observation) {
        let changed = self.seen.as_ref().is_none_or(|before| {
            Observation {
                at: seen.at,
                ..before.clone()
            } != seen
        });
        self.fresh = true;
        self.look_at = None;
        self.gate_news |= self
            .seen
            .as_ref()
            .is_none_or(|before| before.gate != seen.gate);
        if changed {
            self.open.seen = true;
            self.open.nudge = true;
            self.hurry();
            // What changed inside may show outside: asked now, not when the schedule says.
            self.probe_soon();
        }
        let unlike = seen.outside_changes.is_empty()
            && seen.application.as_ref().is_some_and(|app| !app.as_wished);
        self.unlike_since = unlike.then(|| self.unlike_since.unwrap_or_else(Instant::now));
        self.seen = Some(seen);
    }

    /// Whether it runs with another specification than would be written now, for longer than a change
    /// takes to show, and by nobody else's doing.
    pub fn is_outdated(&self) -> bool {
        self.instance.state == InstanceState::Running
            && self
                .unlike_since
                .is_some_and(|since| since.elapsed() >= UNLIKE)
    }

    /// Takes what a request brought.
    pub fn probed(&mut self, probe: Probe) {
        let same = self
            .probe
            .as_ref()
            .is_some_and(|before| before.outcome == probe.outcome);
        if !same || probe.at.since(self.probe_written) >= PROBE_KEPT {
            self.open.probe = true;
        }
        self.open.nudge |= !same && self.is_changing();
        self.due = Timestamp::default();
        self.probe = Some(probe);
    }

    /// Everything was written.
    pub fn saved(&mut self) {
        if self.open.probe {
            self.probe_written = self.probe.as_ref().map(|it| it.at).unwrap_or_default();
        }
        self.open = Open::default();
    }

    /// How long until the next request.
    pub fn probe_pause(&self) -> Duration {
        if self.is_changing() {
            Duration::from_secs(1)
        } else if self.health.status == HealthStatus::Healthy {
            Duration::from_secs(15)
        } else {
            Duration::from_secs(3)
        }
    }

    /// Whether a request can be answered at all: something was deployed, and the door is there.
    pub fn is_deployed(&self) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|seen| seen.application.is_some() && seen.gate.is_some())
    }

    /// Judged anew as soon as possible.
    pub fn hurry(&mut self) {
        self.due = Timestamp::default();
    }

    /// Judges the instance when it is time to; says what is to be written, and what was before.
    pub fn judge(
        &mut self,
        cluster: &ClusterFact,
        alive: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<(HealthChange, Health)> {
        if !self.is_judged() || now < self.due {
            return None;
        }
        // A watch that lives reports every change, so what was seen is as fresh as its last sign.
        let seen = self.seen.as_ref().map(|seen| Observation {
            at: alive.map_or(seen.at, |alive| alive.max(seen.at)),
            ..seen.clone()
        });
        let wished = self.instance.release;
        let mut look = assess(cluster, seen.as_ref(), self.probe.as_ref(), wished, now);
        look.causes.extend(self.gate_causes());
        let health = roll_up(&self.health, look, self.is_changing(), now);
        let pause = if health.trouble_since.is_some() {
            TROUBLED
        } else {
            CALM
        };
        self.due = now + pause;
        let before = std::mem::replace(&mut self.health, health);
        let health = &self.health;
        if same(&before, health) {
            return None;
        }
        let code = |health: &Health| health.cause.as_ref().map(|cause| cause.code);
        let version = match self.probe.as_ref().map(|probe| &probe.outcome) {
            Some(ProbeOutcome::Answered { version }) => Some(version.clone()),
            _ => None,
        };
        self.instance.health = health.clone();
        let change = HealthChange {
            instance: self.instance.id.clone(),
            health: health.clone(),
            running_version: version,
            transition: before.status != health.status || code(&before) != code(health),
        };
        Some((change, before))
    }

    /// What is wrong with its gate although everything is deployed and runs.
    fn gate_causes(&self) -> Vec<Cause> {
        let name = self.instance.name.as_str();
        let overdue =
            |(_, why): &(Timestamp, String)| Cause::new(CauseCode::ProofOverdue, name, why);
        let overdue = self.instance.unproven.as_ref().map(overdue);
        self.isolation.iter().cloned().chain(overdue).collect()
    }

    /// Whether a neighbour's key may be tried on it: it answers, so that a refusal is the gate's.
    pub fn is_answering(&self) -> bool {
        self.instance.state == InstanceState::Running
            && self
                .probe
                .as_ref()
                .is_some_and(|probe| matches!(probe.outcome, ProbeOutcome::Answered { .. }))
    }

    /// Takes what a neighbour's instance answered to its key; says whether that opened it, and did not
    /// before.
    pub fn knocked(&mut self, neighbour: &str, status: Option<u16>) -> bool {
        let name = self.instance.name.as_str();
        let said = |status: u16| format!("{neighbour} answered {status} to its key");
        let before = self.isolation.take();
        self.isolation = match status {
            None => before.clone(),
            Some(403) => None,
            Some(status @ 200..=299) => {
                Some(Cause::new(CauseCode::IsolationBroken, name, said(status)))
            }
            Some(status) => Some(Cause::new(CauseCode::IsolationUnproven, name, said(status))),
        };
        let again = if self.isolation.is_some() {
            KNOCK_AGAIN
        } else {
            KNOCK
        };
        self.knock_at = Some(Instant::now() + again);
        if self.isolation != before {
            self.hurry();
        }
        let broken = |cause: &Option<Cause>| {
            cause
                .as_ref()
                .is_some_and(|it| it.code == CauseCode::IsolationBroken)
        };
        broken(&self.isolation) && !broken(&before)
    }

    /// The change was not written; it is found again at the next judgement.
    pub fn forget(&mut self, before: Health) {
        self.health = before.clone();
        self.instance.health = before;
        self.due = Timestamp::default();
    }
}

/// Whether two healths say the same to a reader; times and milliseconds of what is well do not count.
fn same(a: &Health, b: &Health) -> bool {
    let opinion = |a: &Opinion, b: &Opinion| {
        a.status == b.status && (a.status == HealthStatus::Healthy || a.summary == b.summary)
    };
    a.status == b.status
        && a.cause == b.cause
        && a.trouble_since == b.trouble_since
        && opinion(&a.opinions.deployment, &b.opinions.deployment)
        && opinion(&a.opinions.runtime, &b.opinions.runtime)
        && opinion(&a.opinions.reachability, &b.opinions.reachability)
}
