//! Deleting objects: preconditions, grace, finalizers and what becomes of dependents.
//!
//! A deletion either removes at once or leaves a deletion time and waits for its finalizers; the
//! garbage collector and the namespace controller do the rest. Pods first end gracefully, because
//! clients watch them do so.

use super::write::is_finished;
use super::{Entry, Expect, Key, Store};
use crate::clock;
use crate::failure::Failure;
use crate::object;
use crate::resource::Kind;
use serde_json::{Value, json};
use std::sync::Arc;

pub const FOREGROUND: &str = "foregroundDeletion";
pub const ORPHAN: &str = "orphan";

/// What becomes of the dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub struct Deletion {
    pub propagation: Option<Propagation>,
    /// Seconds; only pods have a grace.
    pub grace: Option<i64>,
    pub uid: Option<String>,
    pub version: Option<String>,
    pub dry: bool,
}

impl Deletion {
    /// At once, dependents behind it.
    pub fn now() -> Self {
        Self {
            grace: Some(0),
            ..Self::default()
        }
    }

    /// Dependents first.
    pub fn foreground() -> Self {
        Self {
            propagation: Some(Propagation::Foreground),
            ..Self::default()
        }
    }
}

/// What a deletion did.
pub enum Deleted {
    /// The object is gone; its last state.
    Gone(Arc<Entry>),
    /// The object waits for grace or finalizers.
    Pending(Arc<Entry>),
}

impl Store {
    /// Deletes an object; again when somebody wrote it meanwhile.
    pub fn delete(&self, key: &Key, how: &Deletion) -> Result<Deleted, Failure> {
        loop {
            let found = self
                .get(key.kind, &key.namespace, &key.name)
                .ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
            preconditions(&found, how)?;
            match self.delete_version(&found, how) {
                Err(failure) if failure.reason == "Conflict" => {}
                done => return done,
            }
        }
    }

    fn delete_version(&self, found: &Arc<Entry>, how: &Deletion) -> Result<Deleted, Failure> {
        let before = found.value();
        let mut object = before.clone();
        mark(found.key.kind, &mut object, how);
        if is_finished(found.key.kind, &object) {
            if how.dry {
                return Ok(Deleted::Gone(found.clone()));
            }
            return self.remove(&found.key, found.version).map(Deleted::Gone);
        }
        if how.dry || object == before {
            return Ok(Deleted::Pending(found.clone()));
        }
        self.put(found.key.kind, object, Expect::Version(found.version))
            .map(Deleted::Pending)
    }
}

fn preconditions(found: &Entry, how: &Deletion) -> Result<(), Failure> {
    let Key { kind, name, .. } = &found.key;
    if let Some(uid) = how.uid.as_ref().filter(|uid| ***uid != *found.uid) {
        return Err(Failure::another(*kind, name, uid, &found.uid));
    }
    let there = found.version.to_string();
    if let Some(version) = how.version.as_ref().filter(|version| **version != there) {
        let why = format!(
            "Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in \
             object meta: {there}"
        );
        return Err(Failure::precondition(*kind, name, &why));
    }
    Ok(())
}

/// Writes the deletion into the object.
fn mark(kind: Kind, object: &mut Value, how: &Deletion) {
    let first = !object::terminating(object);
    if first {
        object::set(
            object,
            &["metadata", "deletionTimestamp"],
            json!(clock::stamp()),
        );
        match how.propagation {
            Some(Propagation::Foreground) => object::add_finalizer(object, FOREGROUND),
            Some(Propagation::Orphan) => object::add_finalizer(object, ORPHAN),
            _ => {}
        }
        if kind == Kind::Namespace {
            object::set(object, &["status", "phase"], json!("Terminating"));
        }
        if kind.definition().generation {
            let generation = object::number(object, "/metadata/generation").unwrap_or(0) + 1;
            object::set(object, &["metadata", "generation"], json!(generation));
        }
    }
    let grace = if kind == Kind::Pod {
        pod_grace(object, how, first)
    } else {
        0
    };
    object::set(
        object,
        &["metadata", "deletionGracePeriodSeconds"],
        json!(grace),
    );
}

fn pod_grace(pod: &Value, how: &Deletion, first: bool) -> i64 {
    let running = object::text(pod, "/spec/nodeName").is_some();
    let usual = object::number(pod, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
    match how.grace {
        Some(seconds) => seconds.max(0),
        None if !running => 0,
        None if first => usual,
        None => object::number(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(usual),
    }
}
