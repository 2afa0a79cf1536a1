//! One gate in hand: written, proven, its keys seen to, until nothing is left to do or to wait for soon.
//! The gate comes first and the look follows at once; keys and clean-up run beside, so that neither
//! External Secrets nor Secrets Manager delays a proof. A gate that is moved meanwhile is written again
//! in the same turn. Whoever lost the claim writes nothing more: every transaction asks for it first.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use model::enforcement::{GatewayLook, Progress, judge};
use model::instance::InstanceState;
use model::observation::NamespaceFact;
use model::token::TokenState;
use model::{InstanceId, Timestamp};
use store::gate::claim::{self, Claimed};
use store::gate::token::Key;
use store::gate::{Gate, Held};
use store::instance::Instance;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::key::Work;
use super::repair::differs;
use crate::ports::{self, ClusterError, Target};
use crate::{Context, Error, target};

/// A call to the cluster may take so long; the ports have shorter deadlines of their own.
const CALL: Duration = Duration::from_secs(15);
/// First pause between two looks; each is longer by two thirds, up to the longest.
const FIRST: Duration = Duration::from_millis(30);
const LONGEST: Duration = Duration::from_secs(1);
/// A proof that has not come by then is gone on with later, so that others get their turn.
const TURN: Duration = Duration::from_secs(2);
/// Keys and clean-up that are under way may take longer.
const WORK: Duration = Duration::from_secs(15);
/// Attempts to write a gate in one turn that the cluster says is behind.
const JUMPS: u32 = 3;

type Looking = Pin<Box<dyn Future<Output = (i64, Result<GatewayLook, ClusterError>)> + Send>>;

/// What stopped a turn.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Another keeper holds the gate now.
    Lost,
    /// There is nothing to enforce any more.
    Gone,
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

/// A gate in hand.
pub(super) struct Turn {
    pub context: Context,
    pub held: Held,
    pub attempts: u32,
    pub instance: Instance,
    pub target: Target,
    pub gate: Gate,
    pub keys: Vec<Key>,
    pub work: Work,
    /// The generation that this turn has written.
    pub in_place: Option<i64>,
    /// How far the proof is.
    pub progress: Option<Progress>,
    /// Why the cluster cannot be written or asked.
    pub trouble: Option<String>,
    /// What is recorded of both, and when that was.
    pub noted: (Option<Progress>, Option<String>),
    pub noted_at: Instant,
    pause: Duration,
    look_at: Instant,
    since: Instant,
}

/// Sees to a gate and never fails: what went wrong is logged, and the claim says the rest.
pub(super) async fn see_to(
    context: Context,
    claimed: Claimed,
    nudges: watch::Receiver<i64>,
    stop: watch::Receiver<bool>,
) {
    let held = claimed.held.clone();
    let id = held.instance().clone();
    let outcome = match Turn::load(context.clone(), claimed).await {
        Ok(Some(mut turn)) => turn.go(nudges, stop).await,
        Ok(None) => {
            give_back(&context, &held, claim::NEVER, true).await;
            Ok(())
        }
        Err(error) => Err(Stopped::Error(error)),
    };
    match outcome {
        Ok(()) => {}
        Err(Stopped::Gone) => give_back(&context, &held, claim::NEVER, true).await,
        Err(Stopped::Lost) => tracing::info!(%id, "Another keeper has taken this gate over."),
        Err(Stopped::Error(error)) => {
            tracing::error!(%id, error = &error as &dyn std::error::Error, "A gate could not be seen to.");
            let again = context.now() + Duration::from_secs(2);
            give_back(&context, &held, again, false).await;
        }
    }
}

async fn give_back(context: &Context, held: &Held, run_after: Timestamp, good: bool) {
    let back = async {
        let mut tx = context.db.begin().await?;
        let nudged = store::gate::by_id_in(&mut tx, held.instance()).await?;
        let nudged = nudged.map_or(0, |gate| gate.nudged);
        claim::release(&mut tx, held, nudged, run_after, good).await?;
        tx.commit().await
    };
    if let Err(error) = back.await {
        tracing::warn!(%error, "A gate could not be given back; its claim runs out by itself.");
    }
}

/// The rows of an instance's gate; none when there is nothing to enforce: it is not set up yet, gone,
/// or its cluster was removed.
async fn rows(
    context: &Context,
    id: &InstanceId,
) -> crate::Result<Option<(Instance, Target, Gate, Vec<Key>)>> {
    use InstanceState as S;
    let db = &context.db;
    // The gate before the keys: a key of a token that is newer than the wish waits for the next one.
    let Some(gate) = store::gate::by_id(db, id).await? else {
        return Ok(None);
    };
    if matches!(gate.state, S::Creating | S::Failed | S::Deleted) {
        return Ok(None);
    }
    let Some(instance) = store::instance::by_id(db, id).await? else {
        return Ok(None);
    };
    let release = target::release(context, instance.release).await?;
    let Some(target) = target::of(&instance, &release)? else {
        return Ok(None);
    };
    let keys = store::gate::token::of_instance(db, id).await?;
    Ok(Some((instance, target, gate, keys)))
}

impl Turn {
    async fn load(context: Context, claimed: Claimed) -> crate::Result<Option<Self>> {
        let found = rows(&context, claimed.held.instance()).await?;
        let Some((instance, target, gate, keys)) = found else {
            return Ok(None);
        };
        let now = Instant::now();
        Ok(Some(Self {
            work: Work::new(&context, &target),
            noted: (gate.progress.clone(), gate.waiting.clone()),
            context,
            held: claimed.held,
            attempts: claimed.attempts,
            instance,
            target,
            gate,
            keys,
            in_place: None,
            progress: None,
            trouble: None,
            noted_at: now,
            pause: FIRST,
            look_at: now,
            since: now,
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    pub fn is_going(&self) -> bool {
        self.gate.state == InstanceState::Deleting
    }

    /// Reads the rows again, because somebody else, or this turn, has written them.
    pub async fn refresh(&mut self) -> Result<(), Stopped> {
        let Some((instance, target, gate, keys)) =
            rows(&self.context, self.held.instance()).await?
        else {
            return Err(Stopped::Gone);
        };
        self.instance = instance;
        self.target = target;
        self.gate = gate;
        self.keys = keys;
        Ok(())
    }

    /// Whether nothing is wished for that is not so, as far as rows know.
    fn is_calm(&self) -> bool {
        let calm = |key: &Key| key.state == TokenState::Active || !key.written && !key.is_over();
        self.gate.is_proven() && self.keys.iter().all(calm)
    }

    async fn go(
        &mut self,
        mut nudges: watch::Receiver<i64>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Stopped> {
        if self.is_calm() {
            self.repair().await?;
        }
        let mut looking: Option<Looking> = None;
        loop {
            if !self.gate.is_proven() && self.in_place != Some(self.gate.wish.generation) {
                self.write().await?;
            }
            self.plan_work();
            let unproven = self.in_place.is_some_and(|it| it > self.gate.proven);
            let limit = if self.work.is_busy() && !unproven {
                WORK
            } else {
                TURN
            };
            let over = self.since.elapsed() >= limit || self.trouble.is_some();
            if *stop.borrow() || over || !unproven && looking.is_none() && self.work.is_done() {
                break;
            }
            let facts_at = self.work.facts_at();
            tokio::select! {
                biased;
                _ = stop.changed() => {}
                Ok(()) = nudges.changed() => {
                    let count = *nudges.borrow_and_update();
                    if count != self.gate.nudged {
                        self.refresh().await?;
                    }
                }
                (generation, found) = finished(&mut looking) => {
                    looking = None;
                    self.looked(generation, found).await?;
                }
                () = sleep_until(self.look_at), if unproven && looking.is_none() => {
                    looking = self.begin_look();
                }
                Some(done) = self.work.next(), if self.work.is_busy() => self.worked(done).await?,
                () = sleep_until(facts_at.unwrap_or(self.look_at)), if facts_at.is_some() => {
                    self.work.ask();
                }
                () = sleep_until(self.since + limit) => {}
            }
        }
        self.rest().await
    }

    /// Writes the gate as the rows ask for it.
    async fn write(&mut self) -> Result<(), Stopped> {
        let port = self.context.clusters.clone();
        for _ in 0..JUMPS {
            let gate = ports::Gate {
                generation: self.gate.wish.generation,
                open_to: self.gate.wish.open_to.clone(),
            };
            match call(port.apply_gate(&self.target, &gate)).await {
                Ok(()) => {
                    self.in_place = Some(gate.generation);
                    self.trouble = None;
                    self.pause = FIRST;
                    self.since = Instant::now();
                    self.look_at = self.since;
                    return Ok(());
                }
                Err(error) => {
                    if !self.overcome(&error).await? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds out why the gate was not taken; says whether to write again.
    async fn overcome(&mut self, error: &ClusterError) -> Result<bool, Stopped> {
        self.trouble = Some(self.troubled(error));
        if !matches!(error, ClusterError::Refused(_)) {
            return Ok(false);
        }
        let port = self.context.clusters.clone();
        let Ok(seen) = call(port.observe(&self.target)).await else {
            return Ok(false);
        };
        if seen.namespace != NamespaceFact::Active {
            if self.is_going() {
                self.nothing_to_prove().await?;
            }
            return Ok(false);
        }
        let there = seen.gate.as_ref().map_or(0, |gate| gate.generation);
        if there < self.gate.wish.generation || !differs(seen.gate.as_ref(), &self.gate.wish) {
            return Ok(false);
        }
        self.jump(there).await?;
        self.trouble = None;
        Ok(true)
    }

    /// The sentence for what a call to the cluster came to.
    pub fn troubled(&self, error: &ClusterError) -> String {
        let why = error.to_string();
        let why = why.trim_end_matches('.');
        match error {
            ClusterError::Refused(_) => format!("The cluster refuses it: {why}."),
            ClusterError::SecretsManager(_) => format!("Secrets Manager does not answer: {why}."),
            _ => format!(
                "The cluster {} cannot be reached: {why}.",
                self.target.cluster.name
            ),
        }
    }

    fn begin_look(&self) -> Option<Looking> {
        let generation = self.in_place?;
        let (port, target) = (self.context.clusters.clone(), self.target.clone());
        Some(Box::pin(async move {
            (generation, call(port.look(&target, generation)).await)
        }))
    }

    /// Takes what a look brought: a proof, or how far it is.
    async fn looked(
        &mut self,
        generation: i64,
        found: Result<GatewayLook, ClusterError>,
    ) -> Result<(), Stopped> {
        let look = match found {
            Ok(look) => look,
            Err(error) => {
                self.trouble = Some(self.troubled(&error));
                return Ok(());
            }
        };
        if look.routes.is_empty() && self.is_going() && self.is_undeployed().await {
            return self.nothing_to_prove().await;
        }
        let shown = look.replicas.iter().flat_map(|replica| &replica.answers);
        let top = shown.filter_map(|answer| answer.generation).max();
        if let Some(top) = top.filter(|top| *top > self.gate.wish.generation) {
            self.refresh().await?;
            if top > self.gate.wish.generation {
                // Nobody here has written that, so nothing is known of what it lets in.
                return self.jump(top).await;
            }
        }
        let progress = judge(&look, generation, self.now());
        if progress.is_proven() {
            self.progress = None;
            return self.proven(generation, &look, progress).await;
        }
        self.progress = Some(progress);
        self.look_at = Instant::now() + jittered(&self.context, self.pause);
        self.pause = (self.pause * 5 / 3).min(LONGEST);
        self.note(false).await
    }

    /// Whether an instance that is going has nothing deployed that a gateway could serve.
    async fn is_undeployed(&self) -> bool {
        let port = self.context.clusters.clone();
        let seen = call(port.observe(&self.target)).await;
        seen.is_ok_and(|seen| seen.application.is_none())
    }
}

/// Waits for the look that is under way, for ever when none is.
async fn finished(looking: &mut Option<Looking>) -> (i64, Result<GatewayLook, ClusterError>) {
    match looking {
        Some(look) => look.await,
        None => pending().await,
    }
}

/// A call that may not take for ever.
pub(super) async fn call<T>(
    call: impl Future<Output = Result<T, ClusterError>>,
) -> Result<T, ClusterError> {
    let late = |_| {
        Err(ClusterError::Unreachable(
            "no answer within 15 s".to_owned(),
        ))
    };
    timeout(CALL, call).await.unwrap_or_else(late)
}

/// A fifth less or more, so that what began together does not go on together.
pub(super) fn jittered(context: &Context, pause: Duration) -> Duration {
    let mut byte = [0];
    context.entropy.fill(&mut byte);
    pause * (80 * 255 + 40 * u32::from(byte[0])) / (100 * 255)
}
