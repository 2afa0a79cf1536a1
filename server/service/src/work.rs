//! The worker: claims operations that are due and carries them as far as they go now, several at a
//! time, none waiting for another. What it holds, it holds by lease and fence (`store::operation`),
//! so that any number of workers may run, any of them may be killed at any instruction, and the next
//! one goes on. Bells wake it early; polling is the safety net.

mod cancel;
mod carry;
mod effect;
mod ending;
mod job;
mod place;

use std::sync::Arc;
use std::time::Duration;

use model::Entropy;
use store::Wake;
use store::operation::{Claimed, claim};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

pub(crate) use self::cancel::settle;
use self::carry::carry;
use crate::{Result, Services};

/// Operations carried at the same time by one worker.
const SLOTS: usize = 16;
/// Longest pause between two looks for work.
const POLL: Duration = Duration::from_secs(1);
/// How long operations in hand may take to come to rest when the worker is stopped.
const DRAIN: Duration = Duration::from_secs(8);
/// An operation is set aside when its worker ended so often without any progress.
pub const MAX_ATTEMPTS: u32 = 5;

/// Claims operations and carries them out.
#[derive(Clone, Debug)]
pub struct Worker {
    services: Arc<Services>,
    name: String,
    slots: usize,
}

/// Eight characters that no other process has.
pub(crate) fn nonce(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 4];
    entropy.fill(&mut bytes);
    format!("{:08x}", u32::from_be_bytes(bytes))
}

/// The name of a holder: what it is, in which process, and which one.
pub(crate) fn holder(services: &Services, name: &str) -> String {
    let one = nonce(&*services.context.entropy);
    format!("{name}/{}/{one}", services.process)
}

impl Worker {
    /// A worker; `name` is what its claims show, made unique here.
    pub fn new(services: Arc<Services>, name: impl Into<String>) -> Self {
        Self {
            name: holder(&services, &name.into()),
            services,
            slots: SLOTS,
        }
    }

    /// The same worker with another number of operations at the same time.
    #[must_use]
    pub fn with_slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// What its leases show.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works until `stop` turns true, then brings what is in hand to rest and hands the rest back.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let db = &self.services.context.db;
        let mut bell = db.listen(Wake::Work);
        self.inherit().await;
        let mut hand = JoinSet::new();
        let mut beat = interval(self.services.context.settings.lease / 3);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stop.borrow() {
            let free = self.slots.saturating_sub(hand.len());
            let claimed = if free == 0 {
                Ok(Vec::new())
            } else {
                self.claim(free).await
            };
            let idle = match claimed {
                Ok(claimed) => {
                    let full = claimed.len() == free;
                    for one in claimed {
                        let context = self.services.context.clone();
                        let history = Arc::clone(&self.services.history);
                        hand.spawn(carry(context, history, one, stop.clone()));
                    }
                    if full { POLL } else { self.idle().await }
                }
                Err(error) => {
                    tracing::warn!(%error, "No work could be claimed.");
                    POLL
                }
            };
            tokio::select! {
                _ = stop.changed() => {}
                Some(ended) = hand.join_next() => self.ended(ended),
                Ok(()) = bell.changed(), if hand.len() < self.slots => {}
                _ = beat.tick(), if !hand.is_empty() => self.beat().await,
                () = sleep(idle) => {}
            }
        }
        let drained = timeout(DRAIN, async {
            while let Some(ended) = hand.join_next().await {
                self.ended(ended);
            }
        });
        if drained.await.is_err() {
            hand.shutdown().await;
        }
        self.hand_back().await;
    }

    /// Claims what is due now, carries all of it to rest and says how many operations that were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn turn(&self) -> Result<usize> {
        let claimed = self.claim(self.slots).await?;
        let many = claimed.len();
        let (_keep, stop) = watch::channel(false);
        let mut hand = JoinSet::new();
        for one in claimed {
            let context = self.services.context.clone();
            hand.spawn(carry(
                context,
                Arc::clone(&self.services.history),
                one,
                stop.clone(),
            ));
        }
        while let Some(ended) = hand.join_next().await {
            self.ended(ended);
        }
        Ok(many)
    }

    async fn claim(&self, free: usize) -> Result<Vec<Claimed>> {
        let context = &self.services.context;
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let mut tx = context.db.begin().await?;
        let lease = context.settings.lease;
        let claimed = claim::claim(&mut tx, &self.name, lease, context.now(), limit).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    /// How long nothing is due.
    async fn idle(&self) -> Duration {
        let context = &self.services.context;
        match store::operation::next_due(&context.db).await {
            Ok(Some(due)) => due
                .since(context.now())
                .clamp(Duration::from_millis(5), POLL),
            _ => POLL,
        }
    }

    /// A task that panicked leaves its claim to run out, with the attempt counted.
    fn ended(&self, ended: std::result::Result<(), tokio::task::JoinError>) {
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(worker = self.name, %error, "An operation ended its task; its claim runs out.");
        }
    }

    async fn beat(&self) {
        let context = &self.services.context;
        let beat = async {
            let mut tx = context.db.begin().await?;
            claim::heartbeat(&mut tx, &self.name, context.settings.lease, context.now()).await?;
            tx.commit().await
        };
        if let Err(error) = beat.await {
            tracing::warn!(%error, "The claims could not be renewed.");
        }
    }

    /// A `SQLite` database belongs to one process, so what another one held is held by nobody now.
    async fn inherit(&self) {
        let db = &self.services.context.db;
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
            Ok(many) => tracing::info!(many, "Operations of the process before go on."),
            Err(error) => tracing::warn!(%error, "Claims of the process before run out first."),
        }
    }

    async fn hand_back(&self) {
        let context = &self.services.context;
        let handed = async {
            let mut tx = context.db.begin().await?;
            let many = claim::hand_back(&mut tx, &self.name, context.now()).await?;
            tx.wake(Wake::Work);
            tx.commit().await?;
            Ok::<_, store::Error>(many)
        };
        match handed.await {
            Ok(0) => {}
            Ok(many) => tracing::info!(many, "Operations were handed back."),
            Err(error) => {
                tracing::warn!(%error, "Claims run out by themselves; none could be handed back.");
            }
        }
    }
}
