//! From objects to facts, at once: an object is taken apart where it arrives and only what the rules
//! need is kept, so that a thousand instances can be watched in a few megabytes. A look and a watch
//! share this code and therefore cannot disagree.

mod assemble;
mod core;
mod custom;
mod event;
mod pod;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use model::observation::{GateFact, NamespaceFact, ReadyFact, WorkloadFact};
use model::view::EventLine;
use model::{InstanceId, Timestamp};

pub use self::assemble::assemble;
pub use self::pod::PodSeen;
use crate::canonical::Digest;
use crate::resource::Kind;

/// Which kind of object a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    Namespace,
    Application,
    Deployment,
    StatefulSet,
    Pod,
    Claim,
    ExternalSecret,
    Certificate,
    Database,
    Gate,
    Event,
}

/// What is kept of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Namespace(NamespaceFact, Vec<String>),
    Application(Box<ApplicationSeen>),
    Workload(WorkloadSeen),
    Pod(PodSeen),
    /// A volume claim that is not bound.
    Claim,
    Ready(ReadyFact),
    /// The operator's word.
    Database(String),
    Gate(GateFact, Vec<String>),
    Event(EventLine),
}

/// An Application before it is compared with a wish.
#[derive(Clone, Debug, PartialEq)]
pub struct ApplicationSeen {
    /// Of the fields that we own.
    pub owned: Digest,
    /// Of what Argo CD compared; none before it has.
    pub compared: Option<Digest>,
    pub sync: String,
    pub health: String,
    pub phase: String,
    pub message: String,
    pub conditions: Vec<(String, String)>,
    pub deleting: Option<Vec<String>>,
    pub outside_changes: Vec<String>,
}

/// A workload before its troubles are put together.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadSeen {
    pub fact: WorkloadFact,
    /// Every wished replica is there, ready and of the newest kind.
    pub settled: bool,
    /// Why its controller cannot make pods, as its own condition says.
    pub failure: Option<String>,
}

/// An object kind that facts are taken from.
pub trait Reduce: Kind {
    /// Which sort of fact it gives.
    const SORT: Sort;

    /// The instance it belongs to; none when it is nobody's.
    fn instance(&self) -> Option<InstanceId> {
        InstanceId::from_namespace(self.meta().namespace.as_deref()?)
    }

    /// What is kept; none when the object says nothing that matters.
    fn reduce(self) -> Option<Fact>;
}

/// The most events kept of one instance.
const EVENTS: usize = 40;

/// Everything kept of one instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts(BTreeMap<(Sort, Box<str>), Fact>);

impl Facts {
    /// Takes over what an object says now; answers whether that is news.
    pub fn put(&mut self, sort: Sort, name: &str, fact: Option<Fact>) -> bool {
        let key = (sort, name.into());
        let Some(fact) = fact else {
            return self.0.remove(&key).is_some();
        };
        if self.0.get(&key) == Some(&fact) {
            return false;
        }
        self.0.insert(key, fact);
        if sort == Sort::Event {
            self.forget_oldest_event();
        }
        true
    }

    /// Keeps only the objects of a sort that are in `there`; answers whether something went.
    pub fn keep(&mut self, sort: Sort, there: Option<&BTreeSet<Box<str>>>) -> bool {
        let before = self.0.len();
        self.0
            .retain(|(s, name), _| *s != sort || there.is_some_and(|t| t.contains(name)));
        self.0.len() != before
    }

    /// Whether nothing of the instance is left but perhaps events, which outlive what they tell of.
    pub fn is_gone(&self) -> bool {
        self.0.keys().all(|(sort, _)| *sort == Sort::Event)
    }

    /// Whether nothing at all is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&self, sort: Sort) -> impl Iterator<Item = (&str, &Fact)> {
        self.0
            .iter()
            .filter(move |((s, _), _)| *s == sort)
            .map(|((_, name), fact)| (&**name, fact))
    }

    fn events(&self) -> impl Iterator<Item = &EventLine> {
        self.of(Sort::Event).filter_map(|(_, fact)| match fact {
            Fact::Event(line) => Some(line),
            _ => None,
        })
    }

    fn forget_oldest_event(&mut self) {
        if self.events().count() <= EVENTS {
            return;
        }
        let oldest = self
            .0
            .iter()
            .filter_map(|(key, fact)| match fact {
                Fact::Event(line) => Some((line.at, key.clone())),
                _ => None,
            })
            .min();
        if let Some((_, key)) = oldest {
            self.0.remove(&key);
        }
    }
}

/// The component that an object belongs to: its label, or for the database operator's objects, which
/// inherit no labels of ours, the operator's own.
fn component(metadata: &ObjectMeta) -> String {
    let label = |name: &str| metadata.labels.as_ref().and_then(|all| all.get(name));
    if let Some(component) = label("app.kubernetes.io/component") {
        return component.clone();
    }
    if label("cluster-name").is_some() || label("application").is_some_and(|a| a == "spilo") {
        return "database".to_owned();
    }
    String::new()
}

fn timestamp(time: &Time) -> Timestamp {
    Timestamp::from_micros(time.0.as_microsecond())
}

/// A message at a length that can be kept a thousand times.
fn brief(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(240) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

#[cfg(test)]
#[path = "reduce_tests.rs"]
mod tests;
