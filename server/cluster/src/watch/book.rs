//! What the streams of a cluster have told, kept per instance, and what is due to be reported of it. No
//! network and no clock of its own: tests turn its pages by hand. Nothing is reported before every kind
//! has been listed once, because half of an instance looks like a broken one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use model::{InstanceId, Timestamp};
use service::ports::{Targets, WatchEvent};
use tokio::time::Instant;

use crate::reduce::{Fact, Facts, Sort, assemble};

/// At most five observations of an instance in a second.
const GAP: Duration = Duration::from_millis(200);
/// An unchanged instance is reported again after this time: what is known of it still holds.
const AGAIN: Duration = Duration::from_secs(45);

/// Every sort that must be listed.
const SORTS: [Sort; 11] = [
    Sort::Namespace,
    Sort::Application,
    Sort::Deployment,
    Sort::StatefulSet,
    Sort::Pod,
    Sort::Claim,
    Sort::ExternalSecret,
    Sort::Certificate,
    Sort::Database,
    Sort::Gate,
    Sort::Event,
];

/// What a stream tells.
#[derive(Debug)]
pub enum Told {
    /// A list begins.
    Begin(Sort),
    /// An object is so, or is not there.
    Put(Sort, InstanceId, Box<str>, Option<Box<Fact>>),
    /// A list is complete: what it did not hold is not there.
    Done(Sort),
    /// A watch has begun.
    Up(Sort),
    /// A stream failed.
    Down(Sort, String),
    /// The cluster answered with its version, or did not.
    Beat(Result<String, String>),
}

/// What was last reported of the cluster itself.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Report {
    Reachable,
    Unreachable(String),
}

/// The book.
#[derive(Debug, Default)]
pub struct Book {
    facts: HashMap<InstanceId, Facts>,
    /// Names seen in lists that are not complete yet.
    listing: BTreeMap<Sort, HashMap<InstanceId, BTreeSet<Box<str>>>>,
    listed: BTreeSet<Sort>,
    down: BTreeMap<Sort, String>,
    /// The latest heartbeat, and whether it has been reported.
    beat: Option<Result<String, String>>,
    fresh: bool,
    report: Option<Report>,
    changed: HashSet<InstanceId>,
    sent: HashMap<InstanceId, Instant>,
    told_listed: bool,
}

impl Book {
    /// Begins with new streams; what is known stays until they have listed.
    pub fn begin(&mut self) {
        self.listing.clear();
        self.listed.clear();
        self.down.clear();
    }

    /// Whether the cluster was last reported as away.
    pub fn is_away(&self) -> bool {
        matches!(self.report, Some(Report::Unreachable(_)))
    }

    /// Whether the latest heartbeat failed.
    pub fn is_beatless(&self) -> bool {
        !matches!(self.beat, Some(Ok(_)))
    }

    /// Takes over what was told.
    pub fn hear(&mut self, told: Told) {
        match told {
            Told::Begin(sort) => {
                self.listing.insert(sort, HashMap::new());
            }
            Told::Put(sort, instance, name, fact) => self.put(sort, instance, name, fact),
            Told::Done(sort) => self.done(sort),
            Told::Up(sort) => {
                self.down.remove(&sort);
            }
            Told::Down(sort, why) => {
                self.down.insert(sort, why);
            }
            Told::Beat(answer) => {
                self.beat = Some(answer);
                self.fresh = true;
            }
        }
    }

    fn put(&mut self, sort: Sort, instance: InstanceId, name: Box<str>, fact: Option<Box<Fact>>) {
        let there = fact.is_some();
        let facts = self.facts.entry(instance.clone()).or_default();
        if facts.put(sort, &name, fact.map(|fact| *fact)) {
            self.changed.insert(instance.clone());
        }
        if let Some(listing) = self.listing.get_mut(&sort).filter(|_| there) {
            listing.entry(instance).or_default().insert(name);
        }
    }

    fn done(&mut self, sort: Sort) {
        let there = self.listing.remove(&sort).unwrap_or_default();
        for (instance, facts) in &mut self.facts {
            if facts.keep(sort, there.get(instance)) {
                self.changed.insert(instance.clone());
            }
        }
        self.down.remove(&sort);
        self.listed.insert(sort);
    }

    /// What is to be reported now, in order.
    pub fn due(&mut self, now: Instant, at: Timestamp, targets: &dyn Targets) -> Vec<WatchEvent> {
        let mut events: Vec<WatchEvent> = self.reachability().into_iter().collect();
        let complete = self.listed.len() == SORTS.len();
        if !complete || self.is_away() {
            return events;
        }
        for instance in self.ripe(now) {
            events.extend(self.seen(&instance, now, at, targets));
        }
        if !self.told_listed {
            self.told_listed = true;
            events.push(WatchEvent::Listed);
        }
        events
    }

    fn reachability(&mut self) -> Option<WatchEvent> {
        let fresh = std::mem::take(&mut self.fresh);
        let trouble = match &self.beat {
            Some(Err(why)) => Some(why.clone()),
            _ => self.down.values().next().cloned(),
        };
        if let Some(why) = trouble {
            let report = Report::Unreachable(why.clone());
            if self.report.as_ref() == Some(&report) {
                return None;
            }
            self.report = Some(report);
            return Some(WatchEvent::Unreachable { why });
        }
        let Some(Ok(version)) = &self.beat else {
            return None;
        };
        let back = self.is_away();
        if !fresh && !back {
            return None;
        }
        if back {
            // What was last reported of each instance is old by now.
            self.changed.extend(self.sent.keys().cloned());
        }
        self.report = Some(Report::Reachable);
        Some(WatchEvent::Reachable {
            kubernetes: version.clone(),
        })
    }

    /// Instances that have changed and were not reported just now, and those not reported for long.
    fn ripe(&self, now: Instant) -> Vec<InstanceId> {
        let waited = |instance: &InstanceId, gap| {
            self.sent
                .get(instance)
                .is_none_or(|sent| now.duration_since(*sent) >= gap)
        };
        let changed = self.changed.iter().filter(|i| waited(i, GAP));
        let old = self
            .sent
            .keys()
            .filter(|i| !self.changed.contains(*i) && waited(i, AGAIN));
        changed.chain(old).cloned().collect()
    }

    fn seen(
        &mut self,
        instance: &InstanceId,
        now: Instant,
        at: Timestamp,
        targets: &dyn Targets,
    ) -> Option<WatchEvent> {
        self.changed.remove(instance);
        let facts = self.facts.get(instance)?;
        let gone = facts.is_gone();
        // Events about something that was never seen, or whose end was reported.
        let news = !gone || self.sent.contains_key(instance);
        let observation = targets
            .target(instance)
            .filter(|_| news)
            .map(|target| Box::new(assemble(facts, &target, at)));
        if gone {
            self.sent.remove(instance);
            if facts.is_empty() {
                self.facts.remove(instance);
            }
        } else {
            // Also for an instance that is not ours yet: its wish may be written a moment later.
            self.sent.insert(instance.clone(), now);
        }
        observation.map(|observation| WatchEvent::Seen {
            instance: instance.clone(),
            observation,
        })
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
