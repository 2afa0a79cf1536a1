//! Server-side apply.

use super::Call;
use super::write::{author, fitting, unchanged, write};
use crate::failure::Failure;
use crate::object;
use crate::store::write::Part;
use crate::store::{Entry, fields};
use http::StatusCode;
use serde_json::Value;
use std::sync::Arc;

/// Applies a configuration; the object is made when there is none.
pub fn apply(call: &Call, config: Value) -> Result<(StatusCode, Arc<Entry>), Failure> {
    if call.query.get("fieldManager").is_empty() {
        return Err(Failure::nobody_applies());
    }
    if object::text(&config, "/kind").is_none() || object::text(&config, "/apiVersion").is_none() {
        return Err(Failure::bad_request(
            "apiVersion and kind must be set in an apply patch",
        ));
    }
    if config
        .pointer("/metadata/managedFields")
        .is_some_and(|list| !list.is_null())
    {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let mut config = fitting(call, config)?;
    let kind = call.target.kind;
    let mut write = write(call)?;
    let who = author(call);
    write.author = None;
    if kind.definition().status && write.part == Part::Whole {
        object::remove(&mut config, &["status"]);
    }
    let name = object::name(&config).to_owned();
    loop {
        let found = call.cluster.store.get(kind, call.target.space(), &name);
        let live = found.as_ref().map(|entry| entry.value());
        if let Some(entry) = &found {
            unchanged(entry, &config)?;
        } else if write.part == Part::Status {
            return Err(Failure::not_found(kind, &name));
        }
        let mut wished = config.clone();
        object::remove(&mut wished, &["metadata", "resourceVersion"]);
        let merged = fields::apply(kind, live.as_ref(), &wished, &who, call.query.flag("force"))?;
        let (status, done) = match &found {
            Some(entry) => (
                StatusCode::OK,
                call.cluster.store.replace(entry, merged, &write),
            ),
            None => (
                StatusCode::CREATED,
                call.cluster.store.create(kind, merged, &write),
            ),
        };
        match done {
            Ok(entry) => return Ok((status, entry)),
            Err(failure) if matches!(failure.reason, "Conflict" | "AlreadyExists") => {}
            Err(failure) => return Err(failure),
        }
    }
}
