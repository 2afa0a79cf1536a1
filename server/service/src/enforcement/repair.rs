//! A gate at rest is compared with what stands on the cluster: a gate that somebody edited or deleted is
//! moved and written anew, since what carries an old generation with other content proves nothing; keys
//! that are missing are put back, and keys of ours that are nobody's are taken away. The watchman gets
//! its next key here, and loses the one before once the new one was let in.

use std::collections::BTreeSet;
use std::time::Duration;

use model::instance::InstanceState;
use model::observation::{GateFact, NamespaceFact, ProbeOutcome};
use store::gate::Wish;

use super::turn::{Stopped, Turn, call};
use crate::ports::{KeyFact, KeyWish};
use crate::watchman;

/// A watchman has a key for so long.
const EPOCH: Duration = Duration::from_hours(24 * 7);
/// The key before passes so long at most while the new one has not shown itself.
const HANDOVER: Duration = Duration::from_mins(10);

/// Whether what stands on the cluster is not what is wished for.
pub(crate) fn differs(there: Option<&GateFact>, wish: &Wish) -> bool {
    let Some(there) = there else { return true };
    let names: BTreeSet<&str> = there.open_to.iter().map(String::as_str).collect();
    let wished: BTreeSet<&str> = wish.open_to.iter().map(String::as_str).collect();
    there.generation != wish.generation || names != wished
}

impl Turn {
    /// Compares the cluster with the rows and begins to mend what differs.
    pub(super) async fn repair(&mut self) -> Result<(), Stopped> {
        if !self.is_there().await? || self.is_going() {
            return Ok(());
        }
        self.watchman().await?;
        let port = self.context.clusters.clone();
        match call(port.keys(&self.target)).await {
            Ok(facts) => {
                // Read behind the facts: a key that no row wishes for now is nobody's.
                self.refresh().await?;
                self.mend(&facts);
            }
            Err(error) => self.trouble = Some(self.troubled(&error)),
        }
        Ok(())
    }

    /// Sees whether the gate is as wished, and moves it when it is not; false when the cluster or the
    /// namespace is not there.
    async fn is_there(&mut self) -> Result<bool, Stopped> {
        let known = store::observation::get(&self.context.db, self.held.instance()).await?;
        let known = known.and_then(|known| known.seen);
        if known.is_some_and(|seen| !differs(seen.gate.as_ref(), &self.gate.wish)) {
            return Ok(true);
        }
        let port = self.context.clusters.clone();
        let seen = match call(port.observe(&self.target)).await {
            Ok(seen) => seen,
            Err(error) => {
                self.trouble = Some(self.troubled(&error));
                return Ok(false);
            }
        };
        if seen.namespace != NamespaceFact::Active {
            return Ok(false);
        }
        if differs(seen.gate.as_ref(), &self.gate.wish) {
            let there = seen.gate.map_or(0, |gate| gate.generation);
            tracing::warn!(
                id = %self.held.instance(),
                there,
                wished = self.gate.wish.generation,
                "A gate on the cluster is not what was written there; it is written anew."
            );
            self.jump(there).await?;
        }
        Ok(true)
    }

    async fn watchman(&mut self) -> Result<(), Stopped> {
        let age = self.now().since(self.gate.watchman_since);
        match self.gate.watchman_before {
            None if self.gate.state == InstanceState::Running && age >= EPOCH => {
                self.turn_watchman(false).await?;
                self.work.apply_watchman(&self.context, self.gate.watchman);
            }
            Some(_) if age >= HANDOVER || self.is_let_in().await => {
                self.turn_watchman(true).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the watchman's new key opens its instance.
    async fn is_let_in(&self) -> bool {
        let server_key = &self.context.settings.server_key;
        let key = watchman::key(server_key, self.held.instance(), self.gate.watchman);
        let probe = self.context.clusters.probe(&self.target, &key).await;
        matches!(probe.outcome, ProbeOutcome::Answered { .. })
    }

    fn mend(&mut self, facts: &[KeyFact]) {
        let fact = |name: &str| facts.iter().find(|fact| fact.consumer == name);
        let mut known: BTreeSet<String> = BTreeSet::new();
        for epoch in [Some(self.gate.watchman), self.gate.watchman_before]
            .into_iter()
            .flatten()
        {
            let name = watchman::name(epoch);
            if fact(&name).is_none_or(|fact| !fact.consumer_present) {
                self.work.apply_watchman(&self.context, epoch);
            }
            known.insert(name);
        }
        for key in self.keys.iter().filter(|key| key.state.is_open()) {
            let there = fact(&key.consumer).is_some_and(|fact| {
                fact.consumer_present && fact.version.as_deref() == Some(&*key.request_token)
            });
            if key.is_wished() && !there {
                self.work.apply(KeyWish {
                    consumer: key.consumer.clone(),
                    version: key.request_token.clone(),
                });
            }
            known.insert(key.consumer.clone());
        }
        for fact in facts.iter().filter(|fact| !known.contains(&fact.consumer)) {
            self.work.remove(fact.consumer.clone());
        }
    }
}
