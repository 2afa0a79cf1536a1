//! What the ingress controller wants the gateway to have, and what it still owes it.
//!
//! Every push takes all that is owed. An item that the gateway refuses stays owed, the old one stays in
//! force there, and the rest goes on; what is owed is tried again with every later push, and by itself
//! after a growing wait.

use crate::gateway::rule::{Rule, RuleId};
use crate::gateway::state::Item;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// The first wait of the real controller, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(1_000);
/// Not shorter than this, however fast things happen.
const LEAST: Duration = Duration::from_millis(20);

/// Names an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemId {
    Rule(RuleId),
    /// Full name.
    Consumer(Arc<str>),
}

/// An item as it is wished for; a rule that the gateway will refuse says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Rule(Result<Arc<Rule>, String>),
    /// The key.
    Consumer(Arc<str>),
}

/// What a push comes to.
#[derive(Default)]
pub struct Push {
    pub items: Vec<Item>,
    /// Routes of which the gateway took or refused a rule.
    pub routes: BTreeSet<(String, String)>,
}

/// The account between the controller and the gateway.
#[derive(Default)]
pub struct Ledger {
    wished: HashMap<ItemId, Wish>,
    owed: BTreeSet<ItemId>,
    /// Items that a push left behind when it failed half-way.
    left: BTreeSet<ItemId>,
    refused: BTreeMap<RuleId, String>,
    failures: u32,
}

impl Ledger {
    /// Wishes for an item, or for its end; answers whether that is new.
    pub fn set(&mut self, id: ItemId, wish: Option<Wish>) -> bool {
        if self.wished.get(&id) == wish.as_ref() {
            return false;
        }
        match wish {
            Some(wish) => self.wished.insert(id.clone(), wish),
            None => self.wished.remove(&id),
        };
        self.owed.insert(id);
        true
    }

    /// Why the gateway refused a rule of a route, if it did.
    pub fn refusal(&self, namespace: &str, route: &str) -> Option<&str> {
        let mut all = self.refused.iter();
        all.find(|(id, _)| id.route() == (namespace, route))
            .map(|(_, why)| why.as_str())
    }

    /// Whether something is owed.
    pub fn is_owing(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Takes what is owed and can go. A push that fails half-way leaves the second half behind for as
    /// long as pushes fail.
    pub fn push(&mut self, fails: bool) -> Push {
        if !fails {
            self.left.clear();
        }
        let due: Vec<ItemId> = self.owed.difference(&self.left).cloned().collect();
        let goes = if fails { due.len() / 2 } else { due.len() };
        self.left.extend(due[goes..].iter().cloned());
        let mut push = Push::default();
        for id in &due[..goes] {
            self.settle(id, &mut push);
        }
        self.failures = if self.is_owing() {
            self.failures.saturating_add(1)
        } else {
            0
        };
        push
    }

    fn settle(&mut self, id: &ItemId, push: &mut Push) {
        let item = match (id, self.wished.get(id)) {
            (ItemId::Rule(rule), Some(Wish::Rule(Err(why)))) => {
                note(push, rule);
                self.refused.insert(rule.clone(), why.clone());
                return;
            }
            (ItemId::Rule(rule), wish) => {
                note(push, rule);
                self.refused.remove(rule);
                let content = match wish {
                    Some(Wish::Rule(Ok(content))) => Some(content.clone()),
                    _ => None,
                };
                Item::Rule(rule.clone(), content)
            }
            (ItemId::Consumer(name), Some(Wish::Consumer(key))) => {
                Item::Consumer(name.clone(), Some(key.clone()))
            }
            (ItemId::Consumer(name), _) => Item::Consumer(name.clone(), None),
        };
        push.items.push(item);
        self.owed.remove(id);
    }

    /// How long to wait before what is owed is tried again by itself.
    pub fn wait(&self, pace: f64) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.clamp(1, 11).saturating_sub(1));
        let wait = doubled.min(LONGEST).mul_f64(pace.max(0.0));
        wait.max(LEAST.saturating_mul(1 << self.failures.clamp(1, 6)))
    }
}

fn note(push: &mut Push, rule: &RuleId) {
    let (namespace, route) = rule.route();
    push.routes.insert((namespace.to_owned(), route.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str) -> ItemId {
        ItemId::Rule(RuleId::new("n", "r", name))
    }

    fn good(priority: i64) -> Wish {
        Wish::Rule(Ok(Arc::new(Rule {
            priority,
            ..Rule::default()
        })))
    }

    #[test]
    fn a_refused_item_stays_owed_while_others_go() {
        let mut ledger = Ledger::default();
        assert!(ledger.set(rule("a"), Some(Wish::Rule(Err("no".into())))));
        assert!(ledger.set(rule("b"), Some(good(1))));
        assert!(!ledger.set(rule("b"), Some(good(1))), "nothing new");
        assert_eq!(ledger.push(false).items.len(), 1);
        assert_eq!(ledger.refusal("n", "r"), Some("no"));
        let first = ledger.wait(1.0);
        assert!(ledger.push(false).items.is_empty());
        assert_eq!(ledger.wait(1.0), first * 2);
        for _ in 0..20 {
            ledger.push(false);
        }
        assert_eq!(ledger.wait(1.0), LONGEST);
        assert!(ledger.wait(0.0) >= LEAST, "never a busy loop");
        ledger.set(rule("a"), Some(good(1)));
        assert_eq!(ledger.push(false).items.len(), 1);
        assert!(ledger.refusal("n", "r").is_none() && !ledger.is_owing());
    }

    #[test]
    fn a_push_that_fails_half_way_leaves_the_second_half() {
        let mut ledger = Ledger::default();
        for name in ["a", "b", "c", "d"] {
            ledger.set(rule(name), Some(good(1)));
        }
        assert_eq!(ledger.push(true).items.len(), 2);
        assert!(
            ledger.push(true).items.is_empty(),
            "a repetition helps nothing"
        );
        assert!(ledger.is_owing());
        assert_eq!(ledger.push(false).items.len(), 2);
        assert!(!ledger.is_owing());
    }
}
