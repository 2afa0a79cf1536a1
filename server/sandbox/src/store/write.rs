//! Creating and changing objects under the API's rules.
//!
//! Both the HTTP API and the cluster's own controllers write through here, so generation, status
//! subresources, ownership of fields, finalizers and "nothing changed, nothing written" hold for
//! all of them. Reading, changing and writing is optimistic: the version that was read is expected
//! at the write.

use super::fields::{Author, record_update};
use super::{Entry, Expect, Store, check};
use crate::clock;
use crate::failure::Failure;
use crate::object;
use crate::resource::Kind;
use base64::Engine;
use serde_json::{Value, json};
use std::sync::Arc;

/// Which part of an object a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but the status, where the kind has a status subresource.
    Whole,
    /// The status alone.
    Status,
    /// Anything: the cluster's own controllers.
    Any,
}

/// How a write is made.
#[derive(Clone, Debug)]
pub struct Write {
    pub part: Part,
    /// Who takes the fields; `None` leaves the ownership as the object says.
    pub author: Option<Author>,
    /// Answer what would be, keep nothing.
    pub dry: bool,
}

impl Write {
    /// A write of the cluster's own controllers.
    pub fn by(manager: &str) -> Self {
        let author = Author {
            manager: manager.to_owned(),
            subresource: None,
        };
        Self {
            part: Part::Any,
            author: Some(author),
            dry: false,
        }
    }
}

const TIMES: &[&str] = &["deletionTimestamp", "deletionGracePeriodSeconds"];

impl Store {
    /// Stores a new object.
    pub fn create(
        &self,
        kind: Kind,
        mut object: Value,
        write: &Write,
    ) -> Result<Arc<Entry>, Failure> {
        self.name_it(kind, &mut object)?;
        check::object(kind, &object)?;
        self.admit(kind, &object)?;
        let row = kind.definition();
        if row.status && write.part != Part::Any {
            object::remove(&mut object, &["status"]);
        }
        let name = object::name(&object).to_owned();
        let metadata = object::map_at(&mut object, "metadata");
        for key in TIMES.iter().chain(&["resourceVersion", "selfLink"]) {
            metadata.remove(*key);
        }
        if write.author.is_some() {
            metadata.remove("managedFields");
        }
        metadata.insert("uid".to_owned(), json!(self.fresh_uid(kind, &name)));
        metadata.insert("creationTimestamp".to_owned(), json!(clock::stamp()));
        if row.generation {
            metadata.insert("generation".to_owned(), json!(1));
        }
        defaults(kind, &mut object);
        if let Some(author) = write.author.as_ref().filter(|_| write.part != Part::Any) {
            record_update(kind, None, &mut object, author);
        }
        if write.dry {
            if let Some(there) = self.get(kind, object::namespace(&object), &name) {
                return Err(super::taken(&there));
            }
            return Ok(Arc::new(Entry::new(kind, object, self.version())));
        }
        self.put(kind, object, Expect::Absent)
    }

    fn name_it(&self, kind: Kind, object: &mut Value) -> Result<(), Failure> {
        if !object.is_object() {
            return Err(Failure::bad_request("the object is not a JSON map"));
        }
        let row = kind.definition();
        let prefix = object::text_or_empty(object, "/metadata/generateName").to_owned();
        if object::name(object).is_empty() && !prefix.is_empty() {
            let uid = self.fresh_uid(kind, &prefix);
            let name = format!("{prefix}{}", &uid[31..36]);
            object::set(object, &["metadata", "name"], json!(name));
        }
        object::set(object, &["apiVersion"], json!(kind.api_version()));
        object::set(object, &["kind"], json!(row.name));
        if !row.namespaced {
            object::remove(object, &["metadata", "namespace"]);
        }
        Ok(())
    }

    /// An object needs a namespace that is there and stays.
    fn admit(&self, kind: Kind, object: &Value) -> Result<(), Failure> {
        if !kind.definition().namespaced {
            return Ok(());
        }
        let (namespace, name) = (object::namespace(object), object::name(object));
        let Some(found) = self.get(Kind::Namespace, "", namespace) else {
            return Err(Failure::not_found(Kind::Namespace, namespace));
        };
        if found.terminating {
            let why = format!(
                "unable to create new content in namespace {namespace} because it is being \
                 terminated"
            );
            let mut failure = Failure::forbidden(kind, name, &why);
            failure.details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
            return Err(failure);
        }
        Ok(())
    }

    /// Writes `new` over the version that was read.
    pub fn replace(&self, old: &Entry, new: Value, write: &Write) -> Result<Arc<Entry>, Failure> {
        self.replace_parsed(old, &old.value(), new, write)
    }

    fn replace_parsed(
        &self,
        old: &Entry,
        before: &Value,
        new: Value,
        write: &Write,
    ) -> Result<Arc<Entry>, Failure> {
        let kind = old.key.kind;
        let mut new = settle(kind, before, new, write.part);
        check::object(kind, &new)?;
        if kind == Kind::Secret {
            defaults(kind, &mut new);
        }
        if content_changed(kind, before, &new) {
            let generation = object::number(before, "/metadata/generation").unwrap_or(0) + 1;
            if kind.definition().generation {
                object::set(&mut new, &["metadata", "generation"], json!(generation));
            }
        }
        // The controllers' own objects carry no bookkeeping of owners until somebody else writes.
        let managed = before.pointer("/metadata/managedFields").is_some();
        if let Some(author) = write
            .author
            .as_ref()
            .filter(|_| managed || write.part != Part::Any)
        {
            record_update(kind, Some(before), &mut new, author);
        }
        if new == *before {
            let same = Entry::read(kind, before, old.version, old.json.clone());
            return Ok(Arc::new(same));
        }
        if write.dry {
            return Ok(Arc::new(Entry::new(kind, new, old.version)));
        }
        if is_finished(kind, &new) {
            return self.remove(&old.key, old.version);
        }
        self.put(kind, new, Expect::Version(old.version))
    }

    /// Reads an object, lets a controller change it, and writes it; again when somebody else wrote
    /// in between. `None` when there is no such object.
    pub fn edit(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        manager: &str,
        mut change: impl FnMut(&mut Value),
    ) -> Option<Arc<Entry>> {
        let write = Write::by(manager);
        loop {
            let old = self.get(kind, namespace, name)?;
            let before = old.value();
            let mut new = before.clone();
            change(&mut new);
            match self.replace_parsed(&old, &before, new, &write) {
                Ok(entry) => return Some(entry),
                Err(failure) if failure.reason == "Conflict" => {}
                Err(failure) => {
                    tracing::warn!(
                        kind = kind.plural(), namespace, name, reason = %failure.message,
                        "a controller of the sandbox could not write its object"
                    );
                    return None;
                }
            }
        }
    }

    /// Creates an object for a controller; one that is there already stays as it is.
    pub fn ensure(&self, kind: Kind, object: Value, manager: &str) -> Option<Arc<Entry>> {
        let (namespace, name) = (
            object::namespace(&object).to_owned(),
            object::name(&object).to_owned(),
        );
        if let Some(entry) = self.get(kind, &namespace, &name) {
            return Some(entry);
        }
        self.create(kind, object, &Write::by(manager)).ok()
    }
}

/// Puts back what a write of this part may not change.
fn settle(kind: Kind, before: &Value, mut new: Value, part: Part) -> Value {
    let row = kind.definition();
    if part == Part::Status {
        let status = new.get("status").cloned();
        let managed = new.pointer("/metadata/managedFields").cloned();
        new = before.clone();
        match status {
            Some(status) => object::set(&mut new, &["status"], status),
            None => drop(object::remove(&mut new, &["status"])),
        }
        if let Some(managed) = managed {
            object::set(&mut new, &["metadata", "managedFields"], managed);
        }
        return new;
    }
    if part == Part::Whole && row.status {
        match before.get("status") {
            Some(status) => object::set(&mut new, &["status"], status.clone()),
            None => drop(object::remove(&mut new, &["status"])),
        }
        if kind == Kind::Namespace {
            object::set(&mut new, &["spec"], before["spec"].clone());
        }
    }
    object::set(&mut new, &["apiVersion"], json!(kind.api_version()));
    object::set(&mut new, &["kind"], json!(row.name));
    let server = [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
    ];
    let metadata = object::map_at(&mut new, "metadata");
    for key in server.iter().chain(TIMES) {
        match before["metadata"].get(*key) {
            Some(value) => drop(metadata.insert((*key).to_owned(), value.clone())),
            None => drop(metadata.remove(*key)),
        }
    }
    new
}

/// Whether a write changes what the generation counts: everything but metadata, and but the status
/// where that is a subresource.
fn content_changed(kind: Kind, before: &Value, new: &Value) -> bool {
    let counted = |key: &str| {
        !(matches!(key, "metadata" | "apiVersion" | "kind")
            || (key == "status" && kind.definition().status))
    };
    let none = serde_json::Map::new();
    let (before, new) = (
        before.as_object().unwrap_or(&none),
        new.as_object().unwrap_or(&none),
    );
    before
        .keys()
        .chain(new.keys())
        .any(|key| counted(key) && before.get(key) != new.get(key))
}

/// An object that was deleted and has nothing left to wait for.
pub fn is_finished(kind: Kind, object: &Value) -> bool {
    let waits = match kind {
        Kind::Namespace => object
            .pointer("/spec/finalizers")
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty()),
        Kind::Pod => {
            object::number(object, "/metadata/deletionGracePeriodSeconds").is_some_and(|s| s > 0)
        }
        _ => false,
    };
    object::terminating(object) && object::finalizers(object).is_empty() && !waits
}

fn defaults(kind: Kind, object: &mut Value) {
    match kind {
        Kind::Namespace => {
            let name = object::name(object).to_owned();
            object::set(
                object,
                &["metadata", "labels", "kubernetes.io/metadata.name"],
                json!(name),
            );
            object::set(object, &["spec"], json!({"finalizers": ["kubernetes"]}));
            object::set(object, &["status"], json!({"phase": "Active"}));
        }
        Kind::Secret => {
            object::slot(object, &["type"], || json!("Opaque"));
            let Some(Value::Object(texts)) = object::remove(object, &["stringData"]) else {
                return;
            };
            for (key, value) in texts {
                let bytes = value.as_str().unwrap_or("").as_bytes();
                let coded = base64::engine::general_purpose::STANDARD.encode(bytes);
                object::set(object, &["data", &key], json!(coded));
            }
        }
        Kind::Service => {
            let place = super::digest(
                &format!("{}/{}", object::namespace(object), object::name(object)),
                8,
            );
            let address = format!("172.20.{}.{}", (place >> 8) % 256, place % 254 + 1);
            object::slot(object, &["spec", "clusterIP"], || json!(address));
            object::slot(object, &["spec", "type"], || json!("ClusterIP"));
            object::slot(object, &["spec", "sessionAffinity"], || json!("None"));
        }
        _ => {}
    }
}
