//! An operation in hand: its rows, the latest look, and the record of how it goes, kept in memory
//! and written whenever it differs from what was written last. Every write begins by asking whether
//! the claim still stands; a worker that lost it writes nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use model::cause::{Cause, CauseCode};
use model::event::Subject;
use model::observation::{ClusterFact, NamespaceFact, Observation, Probe, assess};
use model::operation::{OperationKind, OperationState, StepName, StepState};
use model::plan::{Facts, Next, STUCK_AFTER, plan};
use model::release::Release;
use store::instance::Instance;
use store::operation::{Held, Hold, Operation, Step, claim};
use store::{Tx, Wake};

use super::ending::Tokens;
use crate::operation::history::{History, Usual};
use crate::operation::view;
use crate::ports::{ClusterError, Target};
use crate::{Context, Error, Result, event, instance, target};

/// A look may take so long; the ports have shorter deadlines of their own.
const LOOK: Duration = Duration::from_secs(15);

/// What stopped a transaction of the worker.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Another worker holds the operation now.
    Lost,
    /// Somebody asked for the cancellation; the rows must be read again.
    Cancelling,
    /// The database, or our own mistake.
    Error(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<store::Error> for Stopped {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

/// An operation in hand.
pub(super) struct Job {
    pub context: Context,
    pub history: Arc<History>,
    pub held: Held,
    pub operation: Operation,
    pub instance: Instance,
    release: Release,
    written: Operation,
    pub seen: Option<Observation>,
    pub probe: Option<Probe>,
    pub left: Option<Vec<String>>,
    pub tokens: Tokens,
    usual: Usual,
    repeated: (Option<StepName>, u32),
}

impl Job {
    /// Reads the rows; none when the operation has ended.
    pub async fn load(context: Context, history: Arc<History>, held: Held) -> Result<Option<Self>> {
        let db = &context.db;
        let Some(operation) = store::operation::by_id(db, held.operation()).await? else {
            return Ok(None);
        };
        let Some(instance) = store::instance::by_id(db, held.instance()).await? else {
            return Ok(None);
        };
        if !operation.state.is_active() {
            return Ok(None);
        }
        let release = target::release(&context, instance.release).await?;
        let usual = history.usual(db).await?;
        Ok(Some(Self {
            context,
            history,
            held,
            written: operation.clone(),
            operation,
            instance,
            release,
            seen: None,
            probe: None,
            left: None,
            tokens: Tokens::default(),
            usual,
            repeated: (None, 0),
        }))
    }

    /// Reads the rows again, because somebody else has written them.
    pub async fn reload(&mut self) -> Result<bool> {
        let fresh = Self::load(
            self.context.clone(),
            Arc::clone(&self.history),
            self.held.clone(),
        )
        .await?;
        let Some(fresh) = fresh else { return Ok(false) };
        let seen = self.seen.take();
        *self = Self { seen, ..fresh };
        Ok(true)
    }

    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    pub fn kind(&self) -> OperationKind {
        self.operation.kind
    }

    /// What the adapters are asked for; none while the instance is not placed.
    pub fn target(&self) -> Result<Option<Target>> {
        target::of(&self.instance, &self.release)
    }

    /// Looks at the cluster when there is no look that still holds, and chooses what to do next.
    pub async fn next(&mut self) -> Result<Next> {
        let target = self.target()?;
        let unreachable = self.look(target.as_ref()).await;
        if self.kind() == OperationKind::Delete {
            self.tokens = Tokens::read(self).await?;
        }
        let found = self.found(unreachable.as_ref());
        let next = self.plan(found.as_ref(), unreachable.as_ref());
        let near = matches!(
            &next,
            Next::Wait {
                step: StepName::Reachable,
                ..
            } | Next::Stuck {
                step: StepName::Reachable,
                ..
            }
        );
        if let (true, Some(target)) = (near && self.probe.is_none(), &target) {
            let key = crate::watchman::key(
                &self.context.settings.server_key,
                &self.instance.id,
                self.instance.watchman,
            );
            self.probe = Some(self.context.clusters.probe(target, &key).await);
        }
        self.note(self.found(unreachable.as_ref()));
        Ok(self.plan(self.operation.cause.as_ref(), unreachable.as_ref()))
    }

    /// Takes a look unless one is at hand; says why none could be taken.
    async fn look(&mut self, target: Option<&Target>) -> Option<Cause> {
        let cluster = self.instance.cluster.clone()?;
        let Some(target) = target else {
            let why = "it was removed from this control plane";
            return Some(Cause::new(
                CauseCode::ClusterUnreachable,
                cluster.as_str(),
                why,
            ));
        };
        if self.seen.is_some() {
            return None;
        }
        let looked = tokio::time::timeout(LOOK, self.context.clusters.observe(target)).await;
        match looked {
            Ok(Ok(seen)) => {
                self.seen = Some(seen);
                None
            }
            Ok(Err(error)) => Some(Cause::new(
                CauseCode::ClusterUnreachable,
                cluster.as_str(),
                error.to_string(),
            )),
            Err(_) => {
                let why = "no answer within 15 s";
                Some(Cause::new(
                    CauseCode::ClusterUnreachable,
                    cluster.as_str(),
                    why,
                ))
            }
        }
    }

    /// The worst cause that matters to this operation; a step's own stays until the step is done.
    fn found(&self, unreachable: Option<&Cause>) -> Option<Cause> {
        if let Some(cause) = unreachable {
            return Some(cause.clone());
        }
        let kept = self
            .operation
            .cause
            .as_ref()
            .filter(|cause| of_a_step(cause.code))
            .cloned();
        let Some(seen) = &self.seen else { return kept };
        let cluster = ClusterFact {
            name: self
                .instance
                .cluster
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            unreachable: None,
            overrides_unreachable: None,
        };
        let look = assess(
            &cluster,
            Some(seen),
            self.probe.as_ref(),
            self.instance.release,
            self.now(),
        );
        let deleting = self.kind() == OperationKind::Delete;
        let matters = |cause: &Cause| !deleting || cause.code == CauseCode::DeletionBlocked;
        look.causes.into_iter().find(matters).or(kept)
    }

    /// Remembers a cause, and since when it has been found.
    pub fn note(&mut self, cause: Option<Cause>) {
        let code = |cause: &Option<Cause>| cause.as_ref().map(|c| c.code);
        if code(&self.operation.cause) != code(&cause) {
            // Found again after a moment without it, within one turn: it was there all along.
            let all_along = code(&self.written.cause) == code(&cause);
            let since = self.written.cause_since.filter(|_| all_along);
            self.operation.cause_since = cause.is_some().then(|| since.unwrap_or(self.now()));
        }
        self.operation.cause = cause;
    }

    fn plan(&self, cause: Option<&Cause>, unreachable: Option<&Cause>) -> Next {
        let same = self.operation.cause.as_ref().map(|c| c.code) == cause.map(|c| c.code);
        let since = self
            .operation
            .cause_since
            .filter(|_| same)
            .unwrap_or_else(|| self.now());
        let begun: BTreeMap<StepName, Timestamp> = self
            .operation
            .steps
            .iter()
            .filter_map(|step| step.started_at.map(|at| (step.name, at)))
            .collect();
        let facts = Facts {
            subject: self.instance.name.as_str(),
            placed: self.instance.cluster.is_some(),
            done: &self.operation.done(),
            begun: &begun,
            seen: self.seen.as_ref(),
            unreachable,
            cause: cause.map(|cause| (cause, since)),
            probe: self.probe.as_ref(),
            release: self.instance.release,
            gate_generation: self.instance.gate_generation,
            grace_until: self.instance.grace_until,
            ending: self.tokens.ending(),
            left: self.left.as_deref(),
            now: self.now(),
        };
        plan(self.kind(), &facts)
    }

    /// The step of this operation that stands for `name`: itself, or the last one before it that this
    /// kind of operation has.
    fn standing_for(&mut self, name: StepName) -> Option<&mut Step> {
        let place = |wanted: StepName| StepName::ALL.iter().position(|it| *it == wanted);
        let at = self
            .operation
            .steps
            .iter()
            .rposition(|step| place(step.name) <= place(name))?;
        self.operation.steps.get_mut(at)
    }

    /// Everything before `name` is done; what was open behind it is done or not reached again.
    fn pass(&mut self, name: StepName) {
        let now = self.now();
        let seen = self.seen.clone();
        let Some(at) = self.standing_for(name).map(|step| step.ordinal) else {
            return;
        };
        for step in &mut self.operation.steps {
            let open = matches!(step.state, StepState::Running | StepState::Waiting);
            if step.ordinal < at && step.state != StepState::Succeeded {
                close(step, now);
            } else if step.ordinal > at && open {
                if reached(step.name, seen.as_ref()) {
                    close(step, now);
                } else {
                    step.state = StepState::Pending;
                    step.message = None;
                }
            }
        }
    }

    /// Records that a step is being carried out.
    pub fn begin(&mut self, name: StepName) {
        let now = self.now();
        self.pass(name);
        self.operation.started_at.get_or_insert(now);
        // A step that is tried again shows why, not a flicker, until it is done.
        let troubled = self.operation.cause.is_some();
        let Some(step) = self.standing_for(name) else {
            return;
        };
        let tried_again = troubled && step.state == StepState::Waiting;
        if !tried_again {
            let begun = *step.started_at.get_or_insert(now);
            step.state = StepState::Running;
            step.finished_at = None;
            step.deadline_at = Some(begun + name.deadline());
            self.operation.state = OperationState::Running;
        }
    }

    /// The first step that is not done.
    pub fn current(&self) -> Option<StepName> {
        let open = |step: &&Step| step.state != StepState::Succeeded;
        self.operation.steps.iter().find(open).map(|step| step.name)
    }

    /// Counts how often a step was asked for in a row; what was written should show the second time.
    pub fn repeats(&mut self, name: StepName) -> u32 {
        self.repeated = match self.repeated {
            (Some(last), times) if last == name => (Some(name), times + 1),
            _ => (Some(name), 0),
        };
        self.repeated.1
    }

    /// Records that a step is done, and that there is progress.
    pub fn succeed(&mut self, name: StepName) {
        let now = self.now();
        self.operation.attempts = 0;
        if self
            .operation
            .cause
            .as_ref()
            .is_some_and(|cause| of_a_step(cause.code))
        {
            self.note(None);
        }
        if let Some(step) = self.standing_for(name) {
            close(step, now);
        }
    }

    /// Records what a step waits for.
    pub fn wait(
        &mut self,
        name: StepName,
        reason: String,
        deadline: Timestamp,
        state: OperationState,
    ) {
        let now = self.now();
        self.pass(name);
        self.operation.state = state;
        self.operation.started_at.get_or_insert(now);
        if let Some(step) = self.standing_for(name) {
            step.started_at.get_or_insert(now);
            step.state = StepState::Waiting;
            step.finished_at = None;
            step.message = Some(reason);
            step.deadline_at = Some(deadline);
        }
    }

    /// Says something beside a step.
    pub fn tell(&mut self, name: StepName, message: Option<String>) {
        if let Some(step) = self.standing_for(name) {
            step.message = message;
        }
    }

    /// When a step was begun.
    pub fn begun(&self, name: StepName) -> Option<Timestamp> {
        self.operation.step(name).and_then(|step| step.started_at)
    }

    /// Records that a step failed, and says when it is tried again: soon, then less and less often.
    /// What lasts, or takes longer than it may, needs a person.
    pub fn fail(&mut self, name: StepName, error: &ClusterError) -> Duration {
        let cluster = self
            .instance
            .cluster
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let subject = self.instance.name.to_string();
        let why = error.to_string();
        let cause = match error {
            ClusterError::Unreachable(_) | ClusterError::Misconfigured(_) => {
                Some(Cause::new(CauseCode::ClusterUnreachable, cluster, &why))
            }
            ClusterError::Refused(_) => Some(Cause::new(CauseCode::StepRefused, subject, &why)),
            ClusterError::SecretsManager(_) => Some(Cause::new(
                CauseCode::SecretsManagerUnavailable,
                subject,
                &why,
            )),
            ClusterError::Busy(_) => None,
        };
        if cause.is_some() {
            self.note(cause);
        }
        let begun = self.begun(name).unwrap_or_else(|| self.now());
        let lasting = self
            .operation
            .cause_since
            .is_some_and(|at| self.now().since(at) >= STUCK_AFTER);
        let overdue = self.now() >= begun + name.deadline();
        let stuck = lasting || overdue;
        if stuck && self.operation.cause.is_none() {
            self.note(Some(Cause::new(
                CauseCode::TakesTooLong,
                name.title(),
                &why,
            )));
        }
        let state = if stuck {
            OperationState::Stuck
        } else {
            OperationState::Waiting
        };
        self.wait(name, why, begun + name.deadline(), state);
        let since = self.operation.cause_since.unwrap_or(begun);
        let pause =
            (self.now().since(since) / 4).clamp(Duration::from_millis(500), super::carry::AGAIN);
        self.jittered(pause)
    }

    /// A fifth less or more, so that what failed together is not tried again together.
    fn jittered(&self, pause: Duration) -> Duration {
        let mut byte = [0];
        self.context.entropy.fill(&mut byte);
        pause * (80 * 255 + 40 * u32::from(byte[0])) / (100 * 255)
    }

    /// Opens a transaction of this worker, if the claim still stands.
    pub async fn open(&self) -> std::result::Result<Tx, Stopped> {
        let mut tx = self.context.db.begin().await?;
        match claim::hold(&mut tx, &self.held).await? {
            Hold::Kept => Ok(tx),
            Hold::Cancelling if self.operation.cancel_requested_at.is_some() => Ok(tx),
            Hold::Cancelling => Err(Stopped::Cancelling),
            Hold::Lost => Err(Stopped::Lost),
        }
    }

    /// Whether the record differs from what was written last.
    pub fn is_dirty(&self) -> bool {
        self.operation != self.written
    }

    /// Writes the record and says so in the event stream; the caller commits.
    pub async fn write(&mut self, tx: &mut Tx) -> std::result::Result<(), Stopped> {
        if !store::operation::save(tx, &self.held, &self.operation).await? {
            return Err(Stopped::Lost);
        }
        for (step, before) in self.operation.steps.iter().zip(&self.written.steps) {
            if step != before {
                store::operation::save_step(tx, &self.held, step).await?;
            }
        }
        Ok(())
    }

    /// Announces the operation, and the instance when its state changed, as the last thing before the
    /// commit.
    pub async fn announce(&self, tx: &mut Tx, with_instance: bool) -> Result<()> {
        let now = self.now();
        if with_instance {
            instance::announce(tx, &self.instance, now).await?;
        }
        let shown = view::view(&self.operation, &self.usual, now);
        let data = serde_json::to_value(&shown).map_err(Error::internal)?;
        let key = self.operation.id.to_string();
        let tenant = Some(self.operation.tenant_id);
        event::append(tx, now, Subject::Operation, &key, tenant, &data).await?;
        Ok(())
    }

    /// The record is what was written.
    pub fn is_written(&mut self) {
        self.written = self.operation.clone();
    }

    /// Writes the record in a transaction of its own, when it changed; asks in any case whether the claim
    /// still stands.
    pub async fn flush(&mut self) -> std::result::Result<(), Stopped> {
        let mut tx = self.open().await?;
        if self.is_dirty() {
            self.write(&mut tx).await?;
            self.announce(&mut tx, false).await?;
        }
        tx.commit().await?;
        self.is_written();
        Ok(())
    }

    /// Writes what changed and gives the operation back until then.
    pub async fn rest(&mut self, pause: Duration) -> std::result::Result<(), Stopped> {
        let mut tx = self.open().await?;
        let dirty = self.is_dirty();
        if dirty {
            self.write(&mut tx).await?;
        }
        claim::release(&mut tx, &self.held, self.now() + pause, true).await?;
        if dirty {
            self.announce(&mut tx, false).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Reads the instance in this transaction, for a change to it.
    pub async fn lock_instance(&mut self, tx: &mut Tx) -> Result<()> {
        store::instance::lock(tx, &self.instance.id).await?;
        let fresh = store::instance::by_id_in(tx, &self.instance.id).await?;
        self.instance = fresh.ok_or(Error::NotFound { what: "instance" })?;
        Ok(())
    }

    /// Writes the instance and what ended the operation, and gives it back.
    pub async fn end(&mut self, mut tx: Tx) -> std::result::Result<(), Stopped> {
        store::instance::save(&mut tx, &self.held, &self.instance, self.now()).await?;
        self.write(&mut tx).await?;
        claim::release(&mut tx, &self.held, self.now(), true).await?;
        self.announce(&mut tx, true).await?;
        tx.wake(Wake::Work);
        tx.commit().await?;
        self.is_written();
        Ok(())
    }
}

/// Causes that a failed step gives; a later look does not see them.
fn of_a_step(code: CauseCode) -> bool {
    matches!(
        code,
        CauseCode::NoRoom | CauseCode::StepRefused | CauseCode::SecretsManagerUnavailable
    )
}

fn close(step: &mut Step, now: Timestamp) {
    step.state = StepState::Succeeded;
    step.started_at.get_or_insert(now);
    step.finished_at.get_or_insert(now);
    step.message = None;
}

/// Whether the look shows that a step which was waited for has come true.
fn reached(name: StepName, seen: Option<&Observation>) -> bool {
    seen.is_some_and(|seen| match name {
        StepName::Database => seen.database.as_deref() == Some("Running"),
        StepName::Certificate => seen.certificate.as_ref().is_none_or(|c| c.ready == "True"),
        StepName::RemoveApplication => seen.application.is_none(),
        StepName::RemoveNamespace => seen.namespace == NamespaceFact::Absent,
        _ => false,
    })
}
