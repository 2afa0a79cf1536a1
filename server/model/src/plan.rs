//! What to do next for an operation: a pure function from the wish and what is seen to one step.
//! The worker calls it again after every step and every look, so it holds no state; a step that was
//! done but not recorded is simply asked for again, and every step is idempotent.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cause::{Cause, CauseCode};
use crate::health::PATIENCE;
use crate::observation::{
    ApplicationFact, NamespaceFact, Observation, Probe, ProbeOutcome, ReadyFact,
};
use crate::operation::{OperationKind, StepName};
use crate::release::Version;
use crate::time::Timestamp;
use crate::token::UNPROVEN_AFTER;

/// What is known when the next step is chosen.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// What the instance is called in sentences.
    pub subject: &'a str,
    /// Whether a cluster was chosen.
    pub placed: bool,
    /// Steps of this operation that are recorded as done.
    pub done: &'a [StepName],
    /// When each step of this operation was begun.
    pub begun: &'a BTreeMap<StepName, Timestamp>,
    /// The look taken just now; none while no cluster is chosen.
    pub seen: Option<&'a Observation>,
    /// Why the cluster could not be looked at.
    pub unreachable: Option<&'a Cause>,
    /// The worst cause that the rules found in the look, and since when it has been found.
    pub cause: Option<(&'a Cause, Timestamp)>,
    /// The probe sent just now; none when none was due.
    pub probe: Option<&'a Probe>,
    /// Release wished for.
    pub release: Version,
    /// Generation of the gate that the rows ask for.
    pub gate_generation: i64,
    /// Until when a deletion can be undone.
    pub grace_until: Timestamp,
    /// How far the tokens of an instance that is deleted are.
    pub ending: Ending<'a>,
    /// What is left of a deleted instance; none before it was looked for.
    pub left: Option<&'a [String]>,
    /// Now.
    pub now: Timestamp,
}

/// How far the tokens of an instance that is deleted are; with nothing set, all are proven to be
/// refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending<'a> {
    /// Whether any is open that is to end.
    pub open: bool,
    /// What the proof that the gate refuses everybody waits for, as a sentence; none when there is none
    /// to wait for.
    pub waiting: Option<&'a str>,
    /// Whether that proof is overdue.
    pub overdue: bool,
    /// Whether somebody has said that it may go on without.
    pub gone_on: bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Carry out this step.
    Do(StepName),
    /// Nothing to do but wait.
    Wait {
        /// The step that is not finished.
        step: StepName,
        /// What for, as a sentence.
        reason: String,
        /// Until when.
        deadline: Timestamp,
    },
    /// A person is needed.
    Stuck {
        /// The step that does not finish.
        step: StepName,
        /// Why.
        cause: Cause,
    },
    /// Nothing left to do.
    Done,
}

/// How long a known cause must last before the operation is called stuck.
pub const STUCK_AFTER: Duration = Duration::from_secs(45);

/// Chooses the next step.
#[must_use]
pub fn plan(kind: OperationKind, facts: &Facts<'_>) -> Next {
    match kind {
        OperationKind::Create => create(facts),
        OperationKind::Upgrade | OperationKind::Reconfigure => change(facts),
        OperationKind::Delete => delete(facts),
    }
}

fn create(f: &Facts<'_>) -> Next {
    if !f.placed {
        return Next::Do(StepName::Place);
    }
    let seen = match f.look(StepName::Namespace) {
        Ok(seen) => seen,
        Err(next) => return next,
    };
    match &seen.namespace {
        NamespaceFact::Absent => return Next::Do(StepName::Namespace),
        NamespaceFact::Terminating { .. } => {
            return f.wait(StepName::Namespace, "The namespace is still being removed.");
        }
        NamespaceFact::Active => {}
    }
    if !f.done.contains(&StepName::Namespace) {
        return Next::Do(StepName::Namespace);
    }
    if !f.done.contains(&StepName::Secrets) {
        return Next::Do(StepName::Secrets);
    }
    if seen
        .gate
        .as_ref()
        .is_none_or(|g| g.generation < f.gate_generation)
        || !f.done.contains(&StepName::Gate)
    {
        return Next::Do(StepName::Gate);
    }
    deployed(f, seen).unwrap_or_else(|| reachable(f))
}

fn change(f: &Facts<'_>) -> Next {
    match f.look(StepName::Application) {
        Ok(seen) => deployed(f, seen).unwrap_or_else(|| reachable(f)),
        Err(next) => next,
    }
}

/// From the Application to the certificate; none when all of it is as wished.
fn deployed(f: &Facts<'_>, seen: &Observation) -> Option<Next> {
    let Some(app) = seen.application.as_ref().filter(|a| a.as_wished) else {
        return Some(Next::Do(StepName::Application));
    };
    if app.deleting.is_some() {
        return Some(f.wait(
            StepName::Application,
            "Somebody is deleting the Application.",
        ));
    }
    if !f.done.contains(&StepName::Application) {
        return Some(Next::Do(StepName::Application));
    }
    if !app.compared {
        return Some(f.wait(
            StepName::Synced,
            "Argo CD has not looked at the new specification yet.",
        ));
    }
    if app.sync != "Synced" {
        if exhausted(app) && !f.begun.contains_key(&StepName::Synced) {
            return Some(Next::Do(StepName::Synced));
        }
        let why = if app.message.is_empty() {
            "Argo CD is comparing."
        } else {
            &app.message
        };
        return Some(f.wait(StepName::Synced, why));
    }
    match seen.database.as_deref() {
        Some("Running") => {}
        Some("") | None => {
            return Some(f.wait(StepName::Database, "The Postgres operator has not begun."));
        }
        Some(other) => {
            return Some(f.wait(
                StepName::Database,
                &format!("The Postgres operator says {other}."),
            ));
        }
    }
    if let Some(certificate) = seen.certificate.as_ref().filter(|c| c.ready != "True") {
        return Some(f.wait(StepName::Certificate, &certificate_reason(certificate)));
    }
    if app.health != "Healthy" {
        let health = if app.health.is_empty() {
            "nothing"
        } else {
            &app.health
        };
        return Some(f.wait(StepName::Synced, &format!("Argo CD says {health}.")));
    }
    None
}

fn certificate_reason(certificate: &ReadyFact) -> String {
    if certificate.message.is_empty() {
        "The certificate is being issued.".to_owned()
    } else {
        certificate.message.clone()
    }
}

/// Argo CD gave up on this revision and will not try again by itself.
fn exhausted(app: &ApplicationFact) -> bool {
    matches!(app.phase.as_str(), "Failed" | "Error")
}

fn reachable(f: &Facts<'_>) -> Next {
    match f.probe.map(|p| &p.outcome) {
        Some(ProbeOutcome::Answered { version }) if *version == f.release.to_string() => Next::Done,
        Some(ProbeOutcome::Answered { version }) => f.wait(
            StepName::Reachable,
            &format!("{version} answers; {} is wished for.", f.release),
        ),
        Some(ProbeOutcome::Refused { status }) => f.wait(
            StepName::Reachable,
            &format!("The gateway answers {status}."),
        ),
        Some(ProbeOutcome::Failed { stage, detail }) => f.wait(
            StepName::Reachable,
            &format!("No answer yet ({stage}: {detail})."),
        ),
        None => f.wait(
            StepName::Reachable,
            "The first request through the gateway is under way.",
        ),
    }
}

fn delete(f: &Facts<'_>) -> Next {
    if !f.placed {
        return Next::Done;
    }
    let seen = match f.look(StepName::CloseDoor) {
        Ok(seen) => seen,
        Err(next) => return next,
    };
    let namespace_there = seen.namespace != NamespaceFact::Absent;
    let door_open = seen
        .gate
        .as_ref()
        .is_some_and(|g| g.generation < f.gate_generation || !g.open_to.is_empty());
    if namespace_there && door_open || !f.done.contains(&StepName::CloseDoor) {
        return Next::Do(StepName::CloseDoor);
    }
    if f.now < f.grace_until {
        return Next::Wait {
            step: StepName::Grace,
            reason: "The deletion can be undone until then; the data is kept.".to_owned(),
            deadline: f.grace_until,
        };
    }
    if !f.done.contains(&StepName::RevokeTokens) {
        return revoked(f, namespace_there);
    }
    if let Some(next) = removed(f, seen) {
        return next;
    }
    if !f.done.contains(&StepName::RemoveSecrets) {
        return Next::Do(StepName::RemoveSecrets);
    }
    match f.left {
        Some([]) => Next::Done,
        Some(left) if f.overdue(StepName::ProveEmpty) => Next::Stuck {
            step: StepName::ProveEmpty,
            cause: Cause::new(CauseCode::LeftBehind, f.subject, left.join(", ")),
        },
        _ => Next::Do(StepName::ProveEmpty),
    }
}

/// Every token ends first; then its key goes, but not before every gateway was seen to refuse it: later
/// there is no route left that could be asked.
fn revoked(f: &Facts<'_>, namespace_there: bool) -> Next {
    let step = StepName::RevokeTokens;
    match f.ending.waiting {
        Some(waiting) if !f.ending.open && namespace_there && !f.ending.gone_on => {
            if f.ending.overdue {
                let cause = Cause::new(CauseCode::ProofOverdue, f.subject, waiting);
                return Next::Stuck { step, cause };
            }
            Next::Wait {
                step,
                reason: format!("Every gateway is asked whether it refuses every token. {waiting}"),
                deadline: f.begun.get(&step).copied().unwrap_or(f.now) + UNPROVEN_AFTER,
            }
        }
        _ => Next::Do(step),
    }
}

/// From the Application to the namespace; none when both are gone.
fn removed(f: &Facts<'_>, seen: &Observation) -> Option<Next> {
    if let Some(app) = &seen.application {
        return Some(match &app.deleting {
            None => Next::Do(StepName::RemoveApplication),
            Some(finalizers) => f.wait(
                StepName::RemoveApplication,
                &format!(
                    "Argo CD removes what was deployed (finalizers: {}).",
                    finalizers.join(", ")
                ),
            ),
        });
    }
    match &seen.namespace {
        NamespaceFact::Absent => None,
        NamespaceFact::Active => Some(Next::Do(StepName::RemoveNamespace)),
        NamespaceFact::Terminating { blocked_by } => {
            let by = blocked_by.join("; ");
            let step = StepName::RemoveNamespace;
            Some(if blocked_by.iter().any(|by| names_a_blocker(by)) {
                f.blocked(step, &by)
            } else if by.is_empty() {
                f.wait(step, "Kubernetes empties the namespace.")
            } else {
                f.wait(step, &by)
            })
        }
    }
}

/// Whether what Kubernetes says of a namespace names something that keeps it, and not only what it is
/// still taking away.
fn names_a_blocker(said: &str) -> bool {
    !said.starts_with("Some resources are remaining")
}

impl<'a> Facts<'a> {
    /// The look, or what follows from there being none.
    fn look(&self, step: StepName) -> Result<&'a Observation, Next> {
        match (self.unreachable, self.seen) {
            (Some(cause), _) => {
                let since = self.cause.map_or(self.now, |(_, since)| since);
                if self.now.since(since) >= STUCK_AFTER {
                    Err(Next::Stuck {
                        step,
                        cause: cause.clone(),
                    })
                } else {
                    Err(Next::Wait {
                        step,
                        reason: cause.sentence(),
                        deadline: since + STUCK_AFTER,
                    })
                }
            }
            (None, Some(seen)) => Ok(seen),
            (None, None) => Err(self.wait(step, "The cluster is being looked at.")),
        }
    }

    fn deadline(&self, step: StepName) -> Timestamp {
        self.begun.get(&step).copied().unwrap_or(self.now) + step.deadline()
    }

    fn overdue(&self, step: StepName) -> bool {
        self.now >= self.deadline(step)
    }

    /// Waits, unless a cause has lasted too long or the deadline has passed.
    fn wait(&self, step: StepName, reason: &str) -> Next {
        let lasting = self
            .cause
            .filter(|(_, since)| self.now.since(*since) >= STUCK_AFTER.max(PATIENCE));
        if let Some((cause, _)) = lasting {
            return Next::Stuck {
                step,
                cause: cause.clone(),
            };
        }
        if self.overdue(step) {
            let cause = self.cause.map_or_else(
                || Cause::new(CauseCode::TakesTooLong, step.title(), reason),
                |(cause, _)| cause.clone(),
            );
            return Next::Stuck { step, cause };
        }
        let reason = self
            .cause
            .map_or_else(|| reason.to_owned(), |(cause, _)| cause.sentence());
        Next::Wait {
            step,
            reason,
            deadline: self.deadline(step),
        }
    }

    /// Waits for a deletion that something may block; past patience the blocker is the cause.
    fn blocked(&self, step: StepName, by: &str) -> Next {
        let begun = self.begun.get(&step).copied().unwrap_or(self.now);
        if self.now.since(begun) >= STUCK_AFTER {
            let cause = Cause::new(CauseCode::DeletionBlocked, self.subject, by);
            return Next::Stuck { step, cause };
        }
        Next::Wait {
            step,
            reason: by.to_owned(),
            deadline: begun + step.deadline(),
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
