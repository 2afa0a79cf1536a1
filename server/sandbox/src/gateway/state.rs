//! What one worker has loaded: routes and consumers, each kind watched by itself.
//!
//! Items arrive one by one, so at any moment a worker may know a new consumer and an old route or the
//! other way round. Rules are shared with all other workers; only the maps are a worker's own. The key
//! space is global, as in APISIX: of two consumers with one key the one loaded last answers to it.

use super::rule::{Rule, RuleId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One item of the gateway's configuration; nothing in it takes the item away.
#[derive(Clone, Debug)]
pub enum Item {
    Rule(RuleId, Option<Arc<Rule>>),
    /// Full name of the consumer, and its key.
    Consumer(Arc<str>, Option<Arc<str>>),
    /// Whatever rules were there before: a new run of the controller begins with nothing.
    NoRules,
    /// Whatever consumers were there before.
    NoConsumers,
}

/// The rules that a worker knows.
#[derive(Clone, Default)]
pub struct Routes {
    /// The last item that arrived; an earlier one changes nothing any more.
    pub serial: u64,
    rules: HashMap<RuleId, Arc<Rule>>,
    hosts: HashMap<String, BTreeMap<RuleId, Arc<Rule>>>,
}

impl Routes {
    pub fn take(&mut self, serial: u64, id: &RuleId, rule: Option<&Arc<Rule>>) {
        if serial <= self.serial {
            return;
        }
        self.serial = serial;
        for host in self.rules.remove(id).iter().flat_map(|old| &old.hosts) {
            if let Some(rules) = self.hosts.get_mut(host) {
                rules.remove(id);
                if rules.is_empty() {
                    self.hosts.remove(host);
                }
            }
        }
        let Some(rule) = rule else { return };
        for host in &rule.hosts {
            let rules = self.hosts.entry(host.clone()).or_default();
            rules.insert(id.clone(), rule.clone());
        }
        self.rules.insert(id.clone(), rule.clone());
    }

    /// Forgets every rule.
    pub fn forget(&mut self, serial: u64) {
        if serial > self.serial {
            *self = Self {
                serial,
                ..Self::default()
            };
        }
    }

    /// The rules of a host, which is in lower case.
    pub fn of_host(&self, host: &str) -> impl Iterator<Item = &Arc<Rule>> {
        self.hosts.get(host).into_iter().flat_map(BTreeMap::values)
    }
}

/// The consumers that a worker knows.
#[derive(Clone, Default)]
pub struct Consumers {
    /// The last item that arrived; an earlier one changes nothing any more.
    pub serial: u64,
    loaded: u64,
    known: HashMap<Arc<str>, (Arc<str>, u64)>,
    /// Consumers by key, in the order in which they were loaded.
    keys: HashMap<Arc<str>, BTreeMap<u64, Arc<str>>>,
}

impl Consumers {
    pub fn take(&mut self, serial: u64, name: &Arc<str>, key: Option<&Arc<str>>) {
        if serial <= self.serial {
            return;
        }
        self.serial = serial;
        let before = self.known.remove(name);
        if let Some((key, place)) = &before
            && let Some(names) = self.keys.get_mut(key)
        {
            names.remove(place);
            if names.is_empty() {
                self.keys.remove(key);
            }
        }
        let Some(key) = key else { return };
        // A changed consumer keeps its place in the order.
        let place = before.map_or(self.loaded + 1, |(_, place)| place);
        self.loaded = self.loaded.max(place);
        let names = self.keys.entry(key.clone()).or_default();
        names.insert(place, name.clone());
        self.known.insert(name.clone(), (key.clone(), place));
    }

    /// Forgets every consumer.
    pub fn forget(&mut self, serial: u64) {
        if serial > self.serial {
            *self = Self {
                serial,
                ..Self::default()
            };
        }
    }

    /// Whose key it is.
    pub fn of_key(&self, key: &str) -> Option<&Arc<str>> {
        self.keys.get(key)?.last_key_value().map(|(_, name)| name)
    }
}

/// A state as it stands on disk, for a replica that must still have it after a restart.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    rules: Vec<(String, Rule)>,
    consumers: Vec<(String, String)>,
}

impl Kept {
    pub fn of(routes: &Routes, consumers: &Consumers) -> Self {
        let rules = routes.rules.iter();
        let consumers = consumers.known.iter();
        Self {
            rules: rules
                .map(|(id, rule)| (id.as_str().to_owned(), (**rule).clone()))
                .collect(),
            consumers: consumers
                .map(|(name, (key, _))| (name.to_string(), key.to_string()))
                .collect(),
        }
    }

    /// As a worker would have loaded it before anything else.
    pub fn load(self) -> (Routes, Consumers) {
        let (mut routes, mut consumers) = (Routes::default(), Consumers::default());
        for (id, rule) in self.rules {
            routes.take(1, &RuleId::from_text(&id), Some(&Arc::new(rule)));
            routes.serial = 0;
        }
        for (name, key) in self.consumers {
            consumers.take(1, &name.into(), Some(&key.into()));
            consumers.serial = 0;
        }
        (routes, consumers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Arc<str> {
        text.into()
    }

    #[test]
    fn of_equal_keys_the_last_loaded_answers() {
        let mut all = Consumers::default();
        let key = text("k");
        all.take(1, &text("a"), Some(&key));
        all.take(2, &text("b"), Some(&key));
        assert_eq!(**all.of_key("k").unwrap(), *"b");
        all.take(3, &text("a"), Some(&key));
        assert_eq!(**all.of_key("k").unwrap(), *"b", "a change keeps its place");
        all.take(4, &text("b"), None);
        assert_eq!(**all.of_key("k").unwrap(), *"a");
        all.take(5, &text("a"), Some(&text("other")));
        assert!(all.of_key("k").is_none());
        all.take(5, &text("a"), None);
        assert!(all.of_key("other").is_some(), "an old item changes nothing");
    }

    #[test]
    fn a_rule_leaves_the_hosts_that_it_had() {
        let rule = |host: &str| {
            Arc::new(Rule {
                hosts: vec![host.to_owned()],
                ..Rule::default()
            })
        };
        let id = RuleId::new("n", "r", "a");
        let mut routes = Routes::default();
        routes.take(1, &id, Some(&rule("one")));
        routes.take(2, &id, Some(&rule("two")));
        assert_eq!(routes.of_host("one").count(), 0);
        assert_eq!(routes.of_host("two").count(), 1);
        let kept = Kept::of(&routes, &Consumers::default());
        let (again, _) = kept.load();
        assert_eq!((again.of_host("two").count(), again.serial), (1, 0));
        routes.take(3, &id, None);
        assert_eq!(routes.of_host("two").count(), 0);
    }
}
