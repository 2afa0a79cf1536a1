//! One stored object, and the table of a kind.
//!
//! An entry is immutable: a write makes another. What it repeats from its text (labels, owners,
//! uid) is what selectors and the garbage collector ask on every event.

use super::history::History;
use crate::object;
use crate::resource::Kind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Key {
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

/// One version of an object.
#[derive(Debug)]
pub struct Entry {
    pub key: Key,
    pub version: u64,
    pub uid: Arc<str>,
    pub labels: Box<[(Box<str>, Box<str>)]>,
    pub owners: Box<[Arc<str>]>,
    pub terminating: bool,
    pub json: Box<str>,
}

impl Entry {
    /// Stamps the version into the object and writes it as text.
    pub fn new(kind: Kind, mut object: Value, version: u64) -> Self {
        object::set(
            &mut object,
            &["metadata", "resourceVersion"],
            json!(version.to_string()),
        );
        let json = object.to_string().into_boxed_str();
        Self::read(kind, &object, version, json)
    }

    /// An entry for text that is the object already.
    pub fn read(kind: Kind, object: &Value, version: u64, json: Box<str>) -> Self {
        let labels = object
            .pointer("/metadata/labels")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
            .collect();
        let owners = object
            .pointer("/metadata/ownerReferences")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|owner| owner["uid"].as_str().map(Arc::from))
            .collect();
        Self {
            key: Key::new(kind, object::namespace(object), object::name(object)),
            version,
            uid: object::uid(object).into(),
            labels,
            owners,
            terminating: object::terminating(object),
            json,
        }
    }

    /// The parsed object.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.json).unwrap_or(Value::Null)
    }

    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(name, _)| &**name == key)
            .map(|(_, value)| &**value)
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Added,
    Modified,
    Deleted,
}

impl Verb {
    /// The word of a watch event.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change, as watches and controllers see it.
#[derive(Debug)]
pub struct Change {
    pub verb: Verb,
    pub version: u64,
    pub entry: Arc<Entry>,
    pub before: Option<Arc<Entry>>,
}

/// The objects of one kind, by namespace and name.
#[derive(Default)]
pub struct Table {
    objects: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<Entry>>>,
    pub history: History,
}

impl Table {
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Arc<Entry>> {
        self.objects.get(namespace)?.get(name)
    }

    pub fn insert(&mut self, entry: Arc<Entry>) {
        let names = self.objects.entry(entry.key.namespace.clone()).or_default();
        names.insert(entry.key.name.clone(), entry);
    }

    pub fn remove(&mut self, namespace: &str, name: &str) -> Option<Arc<Entry>> {
        let names = self.objects.get_mut(namespace)?;
        let entry = names.remove(name);
        if names.is_empty() {
            self.objects.remove(namespace);
        }
        entry
    }

    /// Entries in order, of one namespace or all, beginning after a place.
    pub fn list(&self, namespace: Option<&str>, after: Option<(&str, &str)>) -> Vec<Arc<Entry>> {
        let from = match after {
            Some((place, _)) => Bound::Included(place),
            None => Bound::Unbounded,
        };
        let spaces = self.objects.range::<str, _>((from, Bound::Unbounded));
        spaces
            .filter(|(space, _)| namespace.is_none_or(|wished| wished == &***space))
            .flat_map(|(space, names)| {
                let from = match after {
                    Some((place, name)) if place == &**space => Bound::Excluded(name),
                    _ => Bound::Unbounded,
                };
                names
                    .range::<str, _>((from, Bound::Unbounded))
                    .map(|(_, entry)| entry.clone())
            })
            .collect()
    }
}

/// A well-mixed 64-bit number for a text: FNV-1a with a final avalanche.
pub fn digest(text: &str, salt: u64) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
