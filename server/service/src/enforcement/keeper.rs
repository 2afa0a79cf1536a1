//! The keeper: claims gates that are due and sees to each in a task of its own, many at a time. A bell
//! wakes it as soon as a gate is moved; what it holds it holds by lease and fence, so that any number of
//! keepers may run, any of them may be killed at any instruction, and the next one goes on. A gate that
//! is moved while it is in hand is told so; it need not be claimed anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::InstanceId;
use store::Wake;
use store::gate::claim::{self, Claimed};
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{chores, turn};
use crate::work::holder;
use crate::{Context, Result, Services};

/// Gates in hand at the same time.
const SLOTS: usize = 64;
/// Longest pause between two looks for work.
const POLL: Duration = Duration::from_secs(1);
/// How long gates in hand may take to come to rest when the keeper is stopped.
const DRAIN: Duration = Duration::from_secs(5);
/// A gate whose task broke off is seen to again after so long.
const AGAIN: Duration = Duration::from_secs(2);
/// How often it is asked whether a gate is to be moved for measuring.
const CHORES: Duration = Duration::from_secs(5);

/// Enforces gates.
#[derive(Clone, Debug)]
pub struct Keeper {
    services: Arc<Services>,
    name: String,
}

/// A gate in hand: whose it is, and how it is told of nudges.
struct InHand {
    instance: InstanceId,
    told: watch::Sender<i64>,
    task: AbortHandle,
}

/// Everything in hand. What is dropped with it ends, as if the process had been killed.
#[derive(Default)]
struct Hand {
    tasks: JoinSet<()>,
    gates: HashMap<Id, InHand>,
    claimed_at: Option<Instant>,
}

impl Keeper {
    /// A keeper; `name` is what its claims show, made unique here.
    pub fn new(services: Arc<Services>, name: impl Into<String>) -> Self {
        let name = holder(&services, &name.into());
        Self { services, name }
    }

    fn context(&self) -> &Context {
        &self.services.context
    }

    /// Works until `stop` turns true, then brings what is in hand to rest and hands the rest back.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut bell = self.context().db.listen(Wake::Work);
        self.inherit().await;
        let mut hand = Hand::default();
        let mut beat = interval(self.context().settings.lease / 3);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut chores = interval(CHORES);
        chores.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stop.borrow() {
            let idle = self.round(&mut hand, &stop).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "No gate could be claimed.");
                POLL
            });
            tokio::select! {
                _ = stop.changed() => {}
                Some(ended) = hand.tasks.join_next_with_id() => hand.ended(ended),
                Ok(()) = bell.changed() => {}
                _ = beat.tick(), if !hand.tasks.is_empty() => self.beat().await,
                _ = chores.tick() => chores::round(self.context()).await,
                () = sleep(idle) => {}
            }
        }
        let drained = timeout(DRAIN, async {
            while let Some(ended) = hand.tasks.join_next_with_id().await {
                hand.ended(ended);
            }
        });
        if drained.await.is_err() {
            hand.tasks.shutdown().await;
        }
        self.hand_back().await;
    }

    /// Sees to every gate that is due now, brings all of them to rest and says how many that were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn turn(&self) -> Result<usize> {
        let (_keep, stop) = watch::channel(false);
        let mut hand = Hand::default();
        let claimed = self.claim(SLOTS).await?;
        let many = claimed.len();
        for one in claimed {
            hand.take(self.context(), one, &stop);
        }
        while let Some(ended) = hand.tasks.join_next_with_id().await {
            hand.ended(ended);
        }
        Ok(many)
    }

    /// Tells gates in hand that they were nudged, claims what is due, and says how long nothing is.
    async fn round(&self, hand: &mut Hand, stop: &watch::Receiver<bool>) -> Result<Duration> {
        let context = self.context();
        let held = store::gate::nudged(&context.db, &self.name).await?;
        hand.tell(&held);
        self.let_go(hand, &held).await?;
        let free = SLOTS.saturating_sub(hand.tasks.len());
        let now = context.now();
        // Asked before it is claimed: the bell rings for others too, and a look costs no turn of the writer.
        let due = store::gate::next_due(&context.db).await?;
        // Once in a while in any case: leases run by the database's clock, and clocks jump.
        let long = hand.claimed_at.is_none_or(|at| at.elapsed() >= POLL);
        if free > 0 && (long || due.is_some_and(|due| due <= now)) {
            hand.claimed_at = Some(Instant::now());
            let claimed = self.claim(free).await?;
            let any = !claimed.is_empty();
            for one in claimed {
                hand.take(context, one, stop);
            }
            if any {
                return Ok(Duration::from_millis(1));
            }
        }
        let pause = due.map_or(POLL, |due| due.since(now));
        Ok(pause.clamp(Duration::from_millis(5), POLL))
    }

    /// What is held and not in hand was left behind by a task that broke off; heartbeats would keep it.
    async fn let_go(&self, hand: &Hand, held: &[(InstanceId, i64)]) -> Result<()> {
        let context = self.context();
        for (instance, _) in held {
            if hand.gates.values().all(|it| it.instance != *instance) {
                let mut tx = context.db.begin().await?;
                let again = context.now() + AGAIN;
                claim::let_go(&mut tx, &self.name, instance, again).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    async fn claim(&self, free: usize) -> Result<Vec<Claimed>> {
        let context = self.context();
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let mut tx = context.db.begin().await?;
        let lease = context.settings.lease;
        let claimed = claim::claim(&mut tx, &self.name, lease, context.now(), limit).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn beat(&self) {
        let context = self.context();
        let beat = async {
            let mut tx = context.db.begin().await?;
            claim::heartbeat(&mut tx, &self.name, context.settings.lease, context.now()).await?;
            tx.commit().await
        };
        if let Err(error) = beat.await {
            tracing::warn!(%error, "The claims on gates could not be renewed.");
        }
    }

    /// A `SQLite` database belongs to one process, so what another one held is held by nobody now.
    async fn inherit(&self) {
        let db = &self.context().db;
        if db.engine() != "sqlite" {
            return;
        }
        let inherited = async {
            let mut tx = db.begin().await?;
            let many = claim::inherit(&mut tx, &self.services.process).await?;
            tx.commit().await?;
            Ok::<_, store::Error>(many)
        };
        match inherited.await {
            Ok(0) => {}
            Ok(many) => tracing::info!(many, "Gates that the process before held are taken over."),
            Err(error) => tracing::warn!(%error, "Claims of the process before run out first."),
        }
    }

    async fn hand_back(&self) {
        let context = self.context();
        let handed = async {
            let mut tx = context.db.begin().await?;
            let many = claim::hand_back(&mut tx, &self.name, context.now()).await?;
            tx.wake(Wake::Work);
            tx.commit().await?;
            Ok::<_, store::Error>(many)
        };
        match handed.await {
            Ok(0) => {}
            Ok(many) => tracing::info!(many, "Gates were handed back."),
            Err(error) => {
                tracing::warn!(%error, "Claims run out by themselves; none could be handed back.");
            }
        }
    }
}

impl Hand {
    fn take(&mut self, context: &Context, claimed: Claimed, stop: &watch::Receiver<bool>) {
        let instance = claimed.held.instance().clone();
        // Claimed again after its lease ran out: whoever had it here before writes nothing any more.
        for before in self.gates.values().filter(|it| it.instance == instance) {
            before.task.abort();
        }
        let (told, nudges) = watch::channel(0);
        let task = turn::see_to(context.clone(), claimed, nudges, stop.clone());
        let task = self.tasks.spawn(task);
        self.gates.insert(
            task.id(),
            InHand {
                instance,
                told,
                task,
            },
        );
    }

    fn tell(&self, nudged: &[(InstanceId, i64)]) {
        for (instance, count) in nudged {
            for gate in self.gates.values().filter(|it| it.instance == *instance) {
                gate.told.send_if_modified(|known| {
                    let news = *known != *count;
                    *known = *count;
                    news
                });
            }
        }
    }

    /// A task that panicked leaves its claim behind, with the attempt counted.
    fn ended(&mut self, ended: std::result::Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.gates.remove(&id);
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(%error, "A gate ended its task; it is seen to again.");
        }
    }
}
