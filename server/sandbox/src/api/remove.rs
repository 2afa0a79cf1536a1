//! Delete and delete-collection.

use super::query::propagation;
use super::selector::Selector;
use super::{Call, body, object};
use crate::failure::Failure;
use crate::object as fields;
use crate::store::delete::{Deleted, Deletion};
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

/// Answers a DELETE.
pub fn answer(call: &Call, bytes: &[u8]) -> Result<Response<Body>, Failure> {
    let how = options(call, &body::parse(bytes, &call.content)?)?;
    let Some(name) = call.target.name.as_deref() else {
        return collection(call, &how);
    };
    let key = crate::store::Key::new(call.target.kind, call.target.space(), name);
    match call.cluster.store.delete(&key, &how)? {
        Deleted::Pending(entry) => Ok(super::json(StatusCode::OK, entry.json.to_string())),
        Deleted::Gone(entry) => {
            let row = call.target.kind.definition();
            let status = json!({
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {
                    "name": name,
                    "group": row.group,
                    "kind": row.plural,
                    "uid": &*entry.uid,
                },
            });
            Ok(object(StatusCode::OK, &status))
        }
    }
}

fn options(call: &Call, body: &Value) -> Result<Deletion, Failure> {
    if !body.is_object() && !body.is_null() {
        return Err(Failure::bad_request("the delete options are not an object"));
    }
    let from_body = propagation(fields::text_or_empty(body, "/propagationPolicy"))?;
    let orphan = body["orphanDependents"].as_bool().unwrap_or(false);
    let grace = match call.query.number("gracePeriodSeconds")? {
        Some(seconds) => i64::try_from(seconds).ok(),
        None => fields::number(body, "/gracePeriodSeconds"),
    };
    let text = |pointer: &str| fields::text(body, pointer).map(str::to_owned);
    Ok(Deletion {
        propagation: call
            .query
            .propagation()?
            .or(from_body)
            .or(orphan.then_some(crate::store::delete::Propagation::Orphan)),
        grace,
        uid: text("/preconditions/uid"),
        version: text("/preconditions/resourceVersion"),
        dry: call.query.dry()?
            || body["dryRun"]
                .as_array()
                .is_some_and(|list| !list.is_empty()),
    })
}

fn collection(call: &Call, how: &Deletion) -> Result<Response<Body>, Failure> {
    let selector = Selector::parse(
        call.target.kind,
        call.query.get("labelSelector"),
        call.query.get("fieldSelector"),
    )?;
    let kind = call.target.kind;
    let namespace = call
        .target
        .namespace
        .as_deref()
        .ok_or_else(Failure::method)?;
    let store = &call.cluster.store;
    let mut items = Vec::new();
    for entry in store.list(kind, Some(namespace)) {
        if !selector.matches(&entry) {
            continue;
        }
        match store.delete(&entry.key, how) {
            Ok(Deleted::Gone(last) | Deleted::Pending(last)) => items.push(last.value()),
            Err(failure) if failure.code == 404 => {}
            Err(failure) => return Err(failure),
        }
    }
    let list = json!({
        "kind": format!("{}List", kind.definition().name),
        "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": store.version().to_string()},
        "items": items,
    });
    Ok(object(StatusCode::OK, &list))
}
