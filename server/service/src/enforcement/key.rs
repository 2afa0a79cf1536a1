//! The keys behind a gate, seen to beside the proof and never in its way: keys of tokens that are being
//! issued are put on the cluster until they have arrived, and what is left of tokens that ended goes, on
//! the cluster first and then in Secrets Manager. A few at a time; what fails is left to a later turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::TokenId;
use model::secret_text::PlainToken;
use model::token::TokenState;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::turn::{Stopped, Turn, call};
use crate::ports::{ClusterError, ClusterPort, KeyFact, KeyWish, Target};
use crate::{Context, watchman};

/// Chores of one gate under way at the same time.
const MOST: usize = 8;
/// First pause before it is asked whether keys have arrived; each is twice as long, up to the longest.
const FIRST: Duration = Duration::from_millis(30);
const LONGEST: Duration = Duration::from_secs(1);

/// Something to do for a key.
enum Chore {
    /// Put it on the cluster.
    Apply(KeyWish),
    /// Take away what is left of a token.
    Clean(TokenId, String),
    /// Take a key away that is nobody's.
    Remove(String),
    /// Put a watchman's key on the cluster.
    Watchman(String, PlainToken),
    /// Ask what is there.
    Ask,
}

/// What became of it.
pub(super) enum Done {
    /// Of one key, by the name of its consumer.
    Key(String, Result<(), ClusterError>),
    /// Of what was left of a token.
    Clean(TokenId, String, Result<(), ClusterError>),
    /// What is there.
    Facts(Result<Vec<KeyFact>, ClusterError>),
}

/// The chores of one gate.
pub(super) struct Work {
    port: Arc<dyn ClusterPort>,
    target: Arc<Target>,
    queue: VecDeque<Chore>,
    tasks: JoinSet<Done>,
    begun: BTreeSet<String>,
    /// Keys that have arrived.
    pub ready: BTreeSet<String>,
    /// Why a key has not arrived, or could not be put there or taken away, by its consumer.
    pub failed: BTreeMap<String, ClusterError>,
    /// What is said of keys that are awaited.
    pub said: BTreeMap<String, String>,
    /// Tokens of which nothing is left; not yet recorded.
    pub cleaned: Vec<TokenId>,
    awaited: BTreeSet<String>,
    ask_at: Option<Instant>,
    pause: Duration,
}

impl Work {
    pub fn new(context: &Context, target: &Target) -> Self {
        Self {
            port: context.clusters.clone(),
            target: Arc::new(target.clone()),
            queue: VecDeque::new(),
            tasks: JoinSet::new(),
            begun: BTreeSet::new(),
            ready: BTreeSet::new(),
            failed: BTreeMap::new(),
            said: BTreeMap::new(),
            cleaned: Vec::new(),
            awaited: BTreeSet::new(),
            ask_at: None,
            pause: FIRST,
        }
    }

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Whether nothing is under way or awaited.
    pub fn is_done(&self) -> bool {
        self.tasks.is_empty() && self.queue.is_empty() && self.ask_at.is_none()
    }

    /// When to ask whether keys have arrived; none while none is awaited.
    pub fn facts_at(&self) -> Option<Instant> {
        self.ask_at
    }

    /// What is next to be done; waits for it.
    pub async fn next(&mut self) -> Option<Done> {
        let done = self.tasks.join_next().await?.ok();
        self.start();
        done
    }

    /// Puts a key on the cluster, once in a turn.
    pub fn apply(&mut self, key: KeyWish) {
        if self.begun.insert(key.consumer.clone()) {
            self.queue.push_back(Chore::Apply(key));
            self.start();
        }
    }

    /// Puts the watchman's key of an epoch on the cluster.
    pub fn apply_watchman(&mut self, context: &Context, epoch: u32) {
        let name = watchman::name(epoch);
        if self.begun.insert(name.clone()) {
            let key = watchman::key(&context.settings.server_key, &self.target.instance, epoch);
            self.queue.push_back(Chore::Watchman(name, key));
            self.start();
        }
    }

    /// Takes a key away that is nobody's.
    pub fn remove(&mut self, consumer: String) {
        if self.begun.insert(format!("remove {consumer}")) {
            self.queue.push_back(Chore::Remove(consumer));
            self.start();
        }
    }

    /// Takes away what is left of a token, once in a turn.
    pub fn clean(&mut self, id: TokenId, consumer: String) {
        self.awaited.remove(&consumer);
        if self.begun.insert(format!("clean {consumer}")) {
            self.queue.push_back(Chore::Clean(id, consumer));
            self.start();
        }
    }

    /// Asks what is there, beside everything else.
    pub fn ask(&mut self) {
        self.ask_at = None;
        self.queue.push_front(Chore::Ask);
        self.start();
    }

    fn start(&mut self) {
        while self.tasks.len() < MOST {
            let Some(chore) = self.queue.pop_front() else {
                return;
            };
            let (port, target) = (Arc::clone(&self.port), Arc::clone(&self.target));
            self.tasks.spawn(carry_out(port, target, chore));
        }
    }

    /// Keeps in mind what became of a chore of one key.
    fn took(&mut self, consumer: String, outcome: Result<(), ClusterError>) -> bool {
        match outcome {
            Ok(()) => {
                self.failed.remove(&consumer);
                true
            }
            Err(error) => {
                self.failed.insert(consumer, error);
                false
            }
        }
    }

    fn await_key(&mut self, consumer: String) {
        self.awaited.insert(consumer);
        self.pause = FIRST;
        self.ask_at.get_or_insert_with(|| Instant::now() + FIRST);
    }

    /// Sorts out which awaited keys have arrived.
    fn arrived(&mut self, facts: &[KeyFact]) {
        for fact in facts
            .iter()
            .filter(|it| self.awaited.contains(&it.consumer))
        {
            let refused = match &fact.accepted {
                Some(Err(why)) => Some(format!("The gateway refuses its key: {why}.")),
                _ => None,
            };
            let good = fact.synced && fact.consumer_present && refused.is_none();
            if good {
                self.said.remove(&fact.consumer);
                self.ready.insert(fact.consumer.clone());
            } else {
                let synced = || {
                    format!(
                        "External Secrets has not brought its key: {}.",
                        fact.sync_message
                    )
                };
                let quiet = fact.sync_message.is_empty();
                let why = refused.or_else(|| (!fact.synced && !quiet).then(synced));
                let why = why.unwrap_or_else(|| "Its key is on the way to the gateway.".to_owned());
                self.said.insert(fact.consumer.clone(), why);
            }
        }
        let ready = &self.ready;
        self.awaited.retain(|consumer| !ready.contains(consumer));
        if !self.awaited.is_empty() {
            self.ask_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(LONGEST);
        }
    }
}

async fn carry_out(port: Arc<dyn ClusterPort>, target: Arc<Target>, chore: Chore) -> Done {
    match chore {
        Chore::Apply(key) => {
            let done = call(port.apply_key(&target, &key)).await;
            Done::Key(key.consumer, done)
        }
        Chore::Watchman(name, key) => {
            let done = call(port.apply_watchman(&target, &name, Some(&key))).await;
            Done::Key(name, done)
        }
        Chore::Remove(consumer) => {
            let done = call(port.remove_key(&target, &consumer)).await;
            Done::Key(consumer, done)
        }
        Chore::Clean(id, consumer) => {
            let done = async {
                call(port.remove_key(&target, &consumer)).await?;
                call(port.remove_token(&target, &consumer)).await
            };
            let done = done.await;
            Done::Clean(id, consumer, done)
        }
        Chore::Ask => Done::Facts(call(port.keys(&target)).await),
    }
}

impl Turn {
    /// Begins what is to be done for keys now. What ended is cleaned up once the gate that refuses it is
    /// written: the fast way first.
    pub(super) fn plan_work(&mut self) {
        let written = self.in_place.unwrap_or(0).max(self.gate.proven);
        for key in &self.keys {
            if key.is_wished() && key.state == TokenState::Issuing {
                self.work.apply(KeyWish {
                    consumer: key.consumer.clone(),
                    version: key.request_token.clone(),
                });
            } else if key.is_over()
                && (key.state != TokenState::Revoking || key.generation <= written)
            {
                self.work.clean(key.id, key.consumer.clone());
            }
        }
    }

    /// Takes what became of a chore.
    pub(super) async fn worked(&mut self, done: Done) -> Result<(), Stopped> {
        match done {
            Done::Key(consumer, outcome) => {
                let issuing = |key: &&store::gate::token::Key| {
                    key.consumer == consumer && key.state == TokenState::Issuing
                };
                let awaited = self.keys.iter().any(|key| issuing(&key));
                if self.work.took(consumer.clone(), outcome) && awaited {
                    self.work.await_key(consumer);
                }
            }
            Done::Clean(id, consumer, outcome) => {
                if self.work.took(consumer, outcome) {
                    self.work.cleaned.push(id);
                }
            }
            Done::Facts(Ok(facts)) => {
                self.work.arrived(&facts);
                self.activate().await?;
            }
            Done::Facts(Err(error)) => {
                for consumer in std::mem::take(&mut self.work.awaited) {
                    self.work.failed.insert(consumer, error.clone());
                }
            }
        }
        Ok(())
    }
}
