//! What a turn writes: how far a proof is, that it is complete, which keys have arrived or are gone, and
//! when the gate is looked at next. Each transaction begins by asking whether the claim still stands.

use std::time::Duration;

use model::cause::{Cause, CauseCode};
use model::enforcement::{GatewayLook, Progress, Receipt, receipt};
use model::token::{TokenState, UNPROVEN_AFTER};
use model::{Actor, Timestamp, TokenId};
use store::gate::token::Key;
use store::gate::{Seen, claim, token};
use store::{Tx, Wake};
use tokio::time::Instant;

use super::turn::{Stopped, Turn, jittered};
use crate::audit::Entry;
use crate::{Origin, audit};

/// Most tokens in one transaction.
const BATCH: usize = 25;
/// A proof that takes no longer is recorded when it is there, not on its way.
const QUICK: Duration = Duration::from_millis(250);
/// How far a proof is, is recorded at most so often.
const NOTED: Duration = Duration::from_secs(1);
/// A gate at rest is compared with the cluster so often.
const REST: Duration = Duration::from_mins(5);
/// What waits for a watchman to show itself is looked at so often.
const SOON: Duration = Duration::from_secs(5);
/// What fails is tried again at least so often.
const LATEST: Duration = Duration::from_secs(30);

impl Turn {
    async fn open(&self) -> Result<Tx, Stopped> {
        let mut tx = self.context.db.begin().await?;
        if claim::hold(&mut tx, &self.held).await? {
            Ok(tx)
        } else {
            Err(Stopped::Lost)
        }
    }

    /// Records that every worker has shown a generation: tokens that it refuses are revoked, tokens
    /// whose keys have arrived are active.
    pub(super) async fn proven(
        &mut self,
        generation: i64,
        look: &GatewayLook,
        progress: Progress,
    ) -> Result<(), Stopped> {
        let now = self.now();
        let receipts = |since: Timestamp| Some(receipt(look, &progress, millis(since, now)));
        self.settle(generation, Some(&progress), &receipts).await
    }

    /// Records that nothing of the instance is left that a gateway could be asked for.
    pub(super) async fn nothing_to_prove(&mut self) -> Result<(), Stopped> {
        self.trouble = None;
        let generation = self.gate.wish.generation;
        self.in_place = Some(generation);
        self.settle(generation, None, &|_| None).await
    }

    async fn settle(
        &mut self,
        generation: i64,
        progress: Option<&Progress>,
        receipts: &(dyn Fn(Timestamp) -> Option<Receipt> + Sync),
    ) -> Result<(), Stopped> {
        let now = self.now();
        let over: Vec<Key> = self
            .keys
            .iter()
            .filter(|key| key.state == TokenState::Revoking && key.generation <= generation)
            .cloned()
            .collect();
        let mut rest = over.as_slice();
        let mut first = true;
        while first || !rest.is_empty() {
            let (some, later) = rest.split_at(rest.len().min(BATCH));
            rest = later;
            let mut tx = self.open().await?;
            if std::mem::take(&mut first) {
                self.prove(&mut tx, generation, progress, now).await?;
            }
            let mut told = Vec::new();
            for key in some {
                let receipt = receipts(key.since);
                if token::revoked(&mut tx, &self.held, key.id, receipt.as_ref(), now).await? {
                    let entry = self.proof_entry(key, receipt.as_ref());
                    audit::append(&mut tx, now, entry).await?;
                    told.push(key.id);
                }
            }
            self.write_cleaned(&mut tx).await?;
            announce(&mut tx, &told, now).await?;
            tx.commit().await?;
            self.work.cleaned.clear();
        }
        self.noted = (progress.cloned(), None);
        if self.is_going() {
            // On its own: operations are taken before instances.
            let mut tx = self.context.db.begin().await?;
            if store::operation::claim::nudge(&mut tx, self.held.instance(), now).await? {
                tx.wake(Wake::Work);
            }
            tx.commit().await?;
        }
        self.refresh().await?;
        self.activate().await
    }

    async fn prove(
        &self,
        tx: &mut Tx,
        generation: i64,
        progress: Option<&Progress>,
        now: Timestamp,
    ) -> Result<(), Stopped> {
        let held = &self.held;
        let tell = self.gate.unproven_since.is_some();
        store::gate::prove(tx, held, generation, progress, tell, now).await?;
        // Of a generation that was overtaken nobody knows any more when it was wished for; and the first
        // proof waited for routes that were still to be deployed, not for the gateway.
        let counts = self.gate.proven > 0 && generation == self.gate.wish.generation;
        if progress.is_some() && counts {
            let took = millis(self.gate.wished_at, now);
            let cluster = &self.target.cluster.name;
            store::proof::add(tx, held, cluster, generation, took, now).await?;
        }
        Ok(())
    }

    fn proof_entry(&self, key: &Key, receipt: Option<&Receipt>) -> Entry {
        let (name, instance) = (&key.name, &self.instance.name);
        let summary = match receipt {
            Some(it) => format!(
                "Proven: the token {name} of {instance} is refused by {0} of {0} gateways, {1} workers on {2} routes, after {3} ms.",
                it.replicas, it.workers, it.routes, it.millis
            ),
            None => format!(
                "The token {name} of {instance} is revoked: nothing of the instance is left that a gateway could be asked for."
            ),
        };
        Entry::new(&Actor::System.reference(), &Origin::local(), "token.proof")
            .of(Some(self.instance.tenant_id))
            .about("token", key.id)
            .summary(summary)
    }

    /// Tokens that are being issued are active once their keys have arrived and the gate that lets them
    /// pass is proven.
    pub(super) async fn activate(&mut self) -> Result<(), Stopped> {
        let ready = |key: &&Key| {
            key.state == TokenState::Issuing
                && key.generation <= self.gate.proven
                && self.work.ready.contains(&key.consumer)
        };
        let ids: Vec<TokenId> = self.keys.iter().filter(ready).map(|key| key.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let now = self.now();
        for some in ids.chunks(BATCH) {
            let mut tx = self.open().await?;
            let mut told = Vec::new();
            for id in some {
                if token::active(&mut tx, &self.held, *id, now).await? {
                    told.push(*id);
                }
            }
            announce(&mut tx, &told, now).await?;
            tx.commit().await?;
        }
        self.refresh().await
    }

    async fn write_cleaned(&self, tx: &mut Tx) -> Result<(), Stopped> {
        for id in &self.work.cleaned {
            token::cleaned(tx, &self.held, *id).await?;
        }
        Ok(())
    }

    /// Since when the oldest wish is open that is not proven; none when all are.
    fn open_since(&self) -> Option<Timestamp> {
        let open =
            |key: &&Key| key.state == TokenState::Revoking && key.generation > self.gate.proven;
        let tokens = self.keys.iter().filter(open).map(|key| key.since).min();
        let wish = (!self.gate.is_proven()).then_some(self.gate.wished_at);
        tokens.into_iter().chain(wish).min()
    }

    fn overdue_since(&self, now: Timestamp) -> Option<Timestamp> {
        let overdue = self
            .open_since()
            .filter(|since| now.since(*since) >= UNPROVEN_AFTER);
        overdue.map(|_| self.gate.unproven_since.unwrap_or(now))
    }

    fn waiting(&self) -> Option<String> {
        let proof = || self.progress.as_ref().and_then(Progress::waiting);
        self.trouble.clone().or_else(proof)
    }

    /// Records how far the proof is, when that says something new and not too often.
    pub(super) async fn note(&mut self, at_once: bool) -> Result<(), Stopped> {
        let now = self.now();
        let overdue = self.overdue_since(now);
        let became_overdue = overdue.is_some() != self.gate.unproven_since.is_some();
        let pause = if self.noted.0.is_none() { QUICK } else { NOTED };
        let soon = !at_once && !became_overdue && self.noted_at.elapsed() < pause;
        let seen = Seen {
            written: self.in_place.unwrap_or(0).max(self.gate.written),
            progress: self.progress.clone().or_else(|| self.gate.progress.clone()),
            waiting: self.waiting(),
            unproven_since: overdue,
        };
        let news = became_overdue
            || said(seen.progress.as_ref()) != said(self.noted.0.as_ref())
            || seen.waiting != self.noted.1;
        let tokens = self.token_news();
        if soon || !news && tokens.is_empty() {
            return Ok(());
        }
        let mut tx = self.open().await?;
        store::gate::note(&mut tx, &self.held, &seen, became_overdue, now).await?;
        let told = self.write_tokens(&mut tx, &tokens, news).await?;
        announce(&mut tx, &told, now).await?;
        tx.commit().await?;
        self.noted = (seen.progress, seen.waiting);
        self.noted_at = Instant::now();
        if became_overdue && overdue.is_some() {
            self.alarm();
        }
        self.refresh().await
    }

    /// What is to be said of tokens that is not said yet.
    fn token_news(&self) -> Vec<(TokenId, TokenState, Option<String>)> {
        let says = |key: &Key| match key.state {
            TokenState::Revoking => Some(self.trouble.clone()),
            TokenState::Issuing if key.written => {
                let failed = self.work.failed.get(&key.consumer);
                let failed = failed.map(|error| self.troubled(error));
                let said = || self.work.said.get(&key.consumer).cloned();
                Some(failed.or_else(said).or_else(|| self.trouble.clone()))
            }
            _ => None,
        };
        let news = self.keys.iter().filter_map(|key| {
            let why = says(key)?;
            (why != key.waiting).then_some((key.id, key.state, why))
        });
        news.collect()
    }

    async fn write_tokens(
        &self,
        tx: &mut Tx,
        tokens: &[(TokenId, TokenState, Option<String>)],
        all: bool,
    ) -> Result<Vec<TokenId>, Stopped> {
        for (id, state, why) in tokens {
            token::waiting(tx, &self.held, *id, *state, why.as_deref()).await?;
        }
        let news = |key: &&Key| {
            let changed = tokens.iter().any(|(id, ..)| *id == key.id);
            changed || all && key.state == TokenState::Revoking
        };
        let told = self.keys.iter().filter(news).map(|key| key.id);
        Ok(told.take(BATCH).collect())
    }

    /// Records what is open and gives the gate back, to be looked at again when there may be something
    /// to do.
    pub(super) async fn rest(&mut self) -> Result<(), Stopped> {
        self.note(true).await?;
        let proven = self.gate.is_proven();
        let awaited = |key: &Key| key.is_wished() && key.state == TokenState::Issuing;
        let waits = self.keys.iter().any(awaited);
        let troubled = self.trouble.is_some() || !self.work.failed.is_empty();
        let left = self.keys.iter().filter(|key| key.is_over()).count();
        let good = proven && !waits && !troubled && left <= self.work.cleaned.len();
        let now = self.now();
        let pause = if good {
            if self.gate.watchman_before.is_some() {
                SOON
            } else {
                REST
            }
        } else if troubled && (proven || self.trouble.is_some()) {
            Duration::from_secs(1 << self.attempts.min(5)).min(LATEST)
        } else {
            let issuing = self
                .keys
                .iter()
                .filter(|key| awaited(key))
                .map(|key| key.since);
            let open = self.open_since().into_iter().chain(issuing).min();
            let open = open.unwrap_or(now);
            (now.since(open) / 8).clamp(Duration::from_millis(200), SOON)
        };
        let run_after = now + jittered(&self.context, pause);
        let mut tx = self.open().await?;
        self.write_cleaned(&mut tx).await?;
        claim::release(&mut tx, &self.held, self.gate.nudged, run_after, good).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Moves the gate once more, because what stands on the cluster is not what was written there.
    pub(super) async fn jump(&mut self, there: i64) -> Result<(), Stopped> {
        let mut tx = self.open().await?;
        store::gate::jump(&mut tx, &self.held, there, self.now()).await?;
        tx.commit().await?;
        self.in_place = None;
        self.refresh().await
    }

    /// Gives the watchman its next epoch, or ends the one before.
    pub(super) async fn turn_watchman(&mut self, ends: bool) -> Result<(), Stopped> {
        let now = self.now();
        let mut tx = self.open().await?;
        if ends {
            store::gate::settle_watchman(&mut tx, &self.held, now).await?;
        } else {
            store::gate::rotate(&mut tx, &self.held, now).await?;
        }
        store::gate::bump(&mut tx, &self.held, self.held.instance(), now).await?;
        tx.commit().await?;
        self.refresh().await
    }

    /// Tells the staff that the proof is overdue.
    fn alarm(&self) {
        let id = self.held.instance();
        let waiting = self.waiting().unwrap_or_default();
        tracing::error!(%id, waiting, "A gateway does not show that revoked tokens are refused.");
        let cause = Cause::new(
            CauseCode::ProofOverdue,
            self.instance.name.as_str(),
            waiting,
        );
        crate::token::alarm(&self.context, &cause, &format!("/instances/{id}"));
    }
}

async fn announce(tx: &mut Tx, ids: &[TokenId], now: Timestamp) -> Result<(), Stopped> {
    for id in ids {
        crate::token::announce(tx, *id, now).await?;
    }
    Ok(())
}

/// What a progress says, without when.
fn said(progress: Option<&Progress>) -> Option<(i64, &[model::enforcement::ReplicaProgress])> {
    progress.map(|it| (it.generation, it.replicas.as_slice()))
}

fn millis(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.since(since).as_millis()).unwrap_or(u64::MAX)
}
