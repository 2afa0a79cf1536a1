//! The objects of one cluster, their order and their history.
//!
//! Objects are kept as JSON text beside the few facts that indexes need, because a thousand
//! instances held as parsed trees would weigh five times as much. Every write takes the next
//! resource version, is on disk before it is answered, and lands in a bounded history per kind from
//! which watches read; a watch that asks for more than is remembered is told so (410), never fed a
//! gap. All look-ups are by kind, namespace and name, or by owner.

mod check;
pub mod delete;
mod entry;
pub mod fields;
mod history;
mod log;
mod schema;
pub mod write;

pub use entry::{Change, Entry, Key, Verb, digest};

use crate::failure::Failure;
use crate::object;
use crate::resource::{Kind, TABLE};
use entry::Table;
use log::{Line, Log};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::{mpsc, watch};

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Absent,
    Version(u64),
}

/// The objects of one cluster.
pub struct Store {
    pub cluster: String,
    state: RwLock<State>,
    changes: mpsc::UnboundedSender<Arc<Change>>,
    wakes: Vec<watch::Sender<u64>>,
}

struct State {
    version: u64,
    tables: Vec<Table>,
    by_uid: HashMap<Arc<str>, Key>,
    dependents: HashMap<Arc<str>, HashSet<Key>>,
    log: Log,
    live_bytes: u64,
}

impl Store {
    /// Reads the log of a cluster, compacts it, and answers the store with the receiver of every
    /// later change.
    pub fn open(
        cluster: &str,
        path: &Path,
    ) -> std::io::Result<(Arc<Self>, mpsc::UnboundedReceiver<Arc<Change>>)> {
        let (mut log, lines) = Log::open(path)?;
        let mut state = State {
            version: 0,
            tables: TABLE.iter().map(|_| Table::default()).collect(),
            by_uid: HashMap::new(),
            dependents: HashMap::new(),
            log: Log::nowhere(),
            live_bytes: 0,
        };
        for line in lines {
            state.replay(line);
        }
        for table in &mut state.tables {
            table.history.forget_before(state.version);
        }
        log.rewrite(state.version, state.entries())?;
        state.log = log;
        let (changes, receiver) = mpsc::unbounded_channel();
        let wakes = TABLE
            .iter()
            .map(|_| watch::channel(state.version).0)
            .collect();
        let store = Self {
            cluster: cluster.to_owned(),
            state: RwLock::new(state),
            changes,
            wakes,
        };
        Ok((Arc::new(store), receiver))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest resource version.
    pub fn version(&self) -> u64 {
        self.read().version
    }

    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Entry>> {
        self.read().tables[kind as usize]
            .get(namespace, name)
            .cloned()
    }

    /// The parsed object.
    pub fn object(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        self.get(kind, namespace, name).map(|entry| entry.value())
    }

    /// The objects of a kind in one namespace, or in all, ordered by namespace and name.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Arc<Entry>> {
        self.page(kind, namespace, None).0
    }

    /// The objects after a place in that order, with the version at which they were read.
    pub fn page(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        after: Option<(&str, &str)>,
    ) -> (Vec<Arc<Entry>>, u64) {
        let state = self.read();
        (
            state.tables[kind as usize].list(namespace, after),
            state.version,
        )
    }

    /// Objects that name this uid among their owners.
    pub fn dependents(&self, uid: &str) -> Vec<Key> {
        let state = self.read();
        state
            .dependents
            .get(uid)
            .map(|keys| keys.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Where the object with a uid stands.
    pub fn by_uid(&self, uid: &str) -> Option<Key> {
        self.read().by_uid.get(uid).cloned()
    }

    /// Changes of a kind after a version, and the version up to which they are complete.
    pub fn since(&self, kind: Kind, version: u64) -> Result<(Vec<Arc<Change>>, u64), Failure> {
        let state = self.read();
        let history = &state.tables[kind as usize].history;
        if version < history.oldest() || version > state.version {
            let message = format!("too old resource version: {version} ({})", state.version);
            return Err(Failure::expired(message));
        }
        Ok((history.after(version), state.version))
    }

    /// The oldest version from which a kind can be watched.
    pub fn oldest(&self, kind: Kind) -> u64 {
        self.read().tables[kind as usize].history.oldest()
    }

    /// Wakes whenever an object of a kind changes.
    pub fn subscribe(&self, kind: Kind) -> watch::Receiver<u64> {
        self.wakes[kind as usize].subscribe()
    }

    /// A name for a new object, never given twice.
    pub fn fresh_uid(&self, kind: Kind, name: &str) -> String {
        let nanos = crate::clock::now().unix_timestamp_nanos();
        let seed = format!(
            "{}/{}/{name}/{nanos}/{}",
            self.cluster,
            kind.plural(),
            self.version()
        );
        let high = digest(&seed, 1);
        let low = digest(&seed, 2);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        )
    }

    /// Writes an object as the next version of itself.
    pub fn put(&self, kind: Kind, value: Value, expect: Expect) -> Result<Arc<Entry>, Failure> {
        let mut state = self.write();
        let name = object::name(&value).to_owned();
        let namespace = object::namespace(&value).to_owned();
        let before = state.tables[kind as usize].get(&namespace, &name).cloned();
        match (expect, &before) {
            (Expect::Absent, Some(there)) => return Err(taken(there)),
            (Expect::Version(_), None) => return Err(Failure::not_found(kind, &name)),
            (Expect::Version(version), Some(entry)) if entry.version != version => {
                return Err(Failure::conflict(kind, &name));
            }
            _ => {}
        }
        let version = state.version + 1;
        let entry = Arc::new(Entry::new(kind, value, version));
        state.log.put(&entry).map_err(|error| disk(&error))?;
        state.insert(entry.clone());
        let verb = if before.is_some() {
            Verb::Modified
        } else {
            Verb::Added
        };
        self.publish(
            state,
            Change {
                verb,
                version,
                entry: entry.clone(),
                before,
            },
        );
        Ok(entry)
    }

    /// Removes an object if it is still at this version; answers its last state.
    pub fn remove(&self, key: &Key, version: u64) -> Result<Arc<Entry>, Failure> {
        let mut state = self.write();
        let table = &state.tables[key.kind as usize];
        let Some(before) = table.get(&key.namespace, &key.name).cloned() else {
            return Err(Failure::not_found(key.kind, &key.name));
        };
        if before.version != version {
            return Err(Failure::conflict(key.kind, &key.name));
        }
        let version = state.version + 1;
        state
            .log
            .delete(key, version)
            .map_err(|error| disk(&error))?;
        state.take(key);
        state.version = version;
        let mut last = before.value();
        object::set(
            &mut last,
            &["metadata", "resourceVersion"],
            json!(version.to_string()),
        );
        let entry = Arc::new(Entry::new(key.kind, last, version));
        let change = Change {
            verb: Verb::Deleted,
            version,
            entry: entry.clone(),
            before: Some(before),
        };
        self.publish(state, change);
        Ok(entry)
    }

    fn publish(&self, mut state: RwLockWriteGuard<'_, State>, change: Change) {
        let change = Arc::new(change);
        let kind = change.entry.key.kind;
        state.tables[kind as usize].history.push(change.clone());
        if state.log.bytes() > (64 << 20) + 4 * state.live_bytes {
            let (version, entries) = (state.version, state.entries());
            if let Err(error) = state.log.rewrite(version, entries) {
                tracing::warn!(%error, "the log of a sandbox cluster could not be compacted");
            }
        }
        drop(state);
        self.wakes[kind as usize].send_replace(change.version);
        // Nobody reads the changes once the controllers have stopped; the object is stored anyway.
        let _ = self.changes.send(change);
    }
}

fn disk(error: &std::io::Error) -> Failure {
    Failure::internal(format!("the object could not be written to disk: {error}"))
}

impl State {
    fn replay(&mut self, line: Line) {
        match line {
            Line::Version(version) => self.version = self.version.max(version),
            Line::Put(entry) => self.insert(Arc::new(entry)),
        }
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        self.tables
            .iter()
            .flat_map(|table| table.list(None, None))
            .collect()
    }

    fn insert(&mut self, entry: Arc<Entry>) {
        self.take(&entry.key);
        self.version = self.version.max(entry.version);
        self.live_bytes += entry.json.len() as u64;
        self.by_uid.insert(entry.uid.clone(), entry.key.clone());
        for owner in &entry.owners {
            self.dependents
                .entry(owner.clone())
                .or_default()
                .insert(entry.key.clone());
        }
        self.tables[entry.key.kind as usize].insert(entry);
    }

    fn take(&mut self, key: &Key) {
        let Some(entry) = self.tables[key.kind as usize].remove(&key.namespace, &key.name) else {
            return;
        };
        self.live_bytes -= entry.json.len() as u64;
        self.by_uid.remove(&entry.uid);
        for owner in &entry.owners {
            if let Some(keys) = self.dependents.get_mut(owner) {
                keys.remove(key);
                if keys.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }
}

/// Why a name cannot be had: its object is there, or is there and going.
pub fn taken(there: &Entry) -> Failure {
    let Key { kind, name, .. } = &there.key;
    if object::text(&there.value(), "/metadata/deletionTimestamp").is_some() {
        Failure::going(*kind, name)
    } else {
        Failure::exists(*kind, name)
    }
}

#[cfg(test)]
mod tests;
