//! Create and update.

use super::{Call, body, object, table};
use crate::failure::Failure;
use crate::object as fields;
use crate::resource::Kind;
use crate::store::fields::Author;
use crate::store::write::{Part, Write};
use crate::store::{Entry, Key};
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers a POST to a collection.
pub fn create(call: &Call, body: &[u8]) -> Result<Response<Body>, Failure> {
    if call.target.name.is_some() {
        return Err(Failure::method());
    }
    let value = fitting(call, body::parse(body, &call.content)?)?;
    let entry = call
        .cluster
        .store
        .create(call.target.kind, value, &write(call)?)?;
    Ok(answer(call, StatusCode::CREATED, entry))
}

/// Answers a PUT of an object or its status.
pub fn update(call: &Call, body: &[u8]) -> Result<Response<Body>, Failure> {
    let name = call.target.name.clone().ok_or_else(Failure::method)?;
    let kind = call.target.kind;
    let mut value = fitting(call, body::parse(body, &call.content)?)?;
    let old = call
        .cluster
        .store
        .get(kind, call.target.space(), &name)
        .ok_or_else(|| Failure::not_found(kind, &name))?;
    unchanged(&old, &value)?;
    if call.target.subresource.as_deref() == Some("finalize") {
        return finalize(call, &old, &value);
    }
    // An object without uid and owners is replaced all the same, as the real API does.
    if let Some(uid) = fields::text(&value, "/metadata/uid").filter(|uid| **uid != *old.uid) {
        let why = format!("Precondition failed: UID in precondition: {uid}");
        return Err(Failure::precondition(kind, &name, &why));
    }
    fields::remove(&mut value, &["metadata", "managedFields"]);
    let entry = call.cluster.store.replace(&old, value, &write(call)?)?;
    Ok(answer(call, StatusCode::OK, entry))
}

fn finalize(call: &Call, old: &Entry, value: &Value) -> Result<Response<Body>, Failure> {
    let mut object = old.value();
    fields::set(&mut object, &["spec"], value["spec"].clone());
    let write = Write {
        part: Part::Any,
        author: None,
        dry: call.query.dry()?,
    };
    let entry = call.cluster.store.replace(old, object, &write)?;
    Ok(answer(call, StatusCode::OK, entry))
}

/// Checks that an object fits the path it was sent to, and places it there.
pub fn fitting(call: &Call, value: Value) -> Result<Value, Failure> {
    let kind = call.target.kind;
    let row = kind.definition();
    if !value.is_object() {
        return Err(Failure::bad_request(
            "the body of the request is not an object",
        ));
    }
    let said = (
        fields::text(&value, "/apiVersion"),
        fields::text(&value, "/kind"),
    );
    match said {
        (None, None) => {}
        (Some(version), Some(name)) if Kind::named(version, name) == Some(kind) => {}
        (version, name) => {
            return Err(Failure::bad_request(format!(
                "the API version in the data ({}/{}) does not match the expected API version \
                 ({}/{})",
                version.unwrap_or(""),
                name.unwrap_or(""),
                kind.api_version(),
                row.name,
            )));
        }
    }
    let metadata = value.get("metadata");
    if metadata.is_some_and(|metadata| !metadata.is_object() && !metadata.is_null()) {
        return Err(Failure::bad_request("metadata is not an object"));
    }
    for field in ["name", "namespace", "resourceVersion", "uid"] {
        let found = value["metadata"].get(field);
        if found.is_some_and(|found| !found.is_string() && !found.is_null()) {
            return Err(Failure::bad_request(format!(
                "metadata.{field} is not a string"
            )));
        }
    }
    placed(call, value)
}

/// The object at the place that the path names.
fn placed(call: &Call, mut value: Value) -> Result<Value, Failure> {
    let (name, space) = (
        fields::name(&value).to_owned(),
        fields::namespace(&value).to_owned(),
    );
    if let Some(wished) = call.target.name.as_ref() {
        if !name.is_empty() && name != *wished {
            return Err(Failure::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({wished})"
            )));
        }
        fields::set(&mut value, &["metadata", "name"], json!(wished));
    }
    if call.target.kind.definition().namespaced {
        let wished = call
            .target
            .namespace
            .as_deref()
            .ok_or_else(Failure::method)?;
        if !space.is_empty() && space != wished {
            return Err(Failure::bad_request(format!(
                "the namespace of the provided object ({space}) does not match the namespace sent \
                 on the request ({wished})"
            )));
        }
        fields::set(&mut value, &["metadata", "namespace"], json!(wished));
    }
    Ok(value)
}

/// Refuses a write that names another version than the stored one.
pub fn unchanged(old: &Entry, new: &Value) -> Result<(), Failure> {
    let Key { kind, name, .. } = &old.key;
    match fields::text(new, "/metadata/resourceVersion") {
        Some(version) if !version.is_empty() && version != old.version.to_string() => {
            Err(Failure::conflict(*kind, name))
        }
        _ => Ok(()),
    }
}

/// Who writes, as managed fields name them.
pub fn author(call: &Call) -> Author {
    let manager = match call.query.get("fieldManager") {
        "" => call
            .agent
            .split('/')
            .next()
            .filter(|name| !name.is_empty())
            .unwrap_or("unknown"),
        name => name,
    };
    let subresource = (call.target.subresource.as_deref() == Some("status")).then_some("status");
    Author {
        manager: manager.to_owned(),
        subresource,
    }
}

/// The write that a request stands for.
pub fn write(call: &Call) -> Result<Write, Failure> {
    let part = match call.target.subresource.as_deref() {
        Some("status") => Part::Status,
        _ => Part::Whole,
    };
    Ok(Write {
        part,
        author: Some(author(call)),
        dry: call.query.dry()?,
    })
}

/// An object as the answer to a write.
pub fn answer(call: &Call, status: StatusCode, entry: Arc<Entry>) -> Response<Body> {
    if table::wanted(&call.accept) {
        let page = table::of(
            call.target.kind,
            &[entry],
            "",
            call.query.get("includeObject"),
        );
        return object(status, &page);
    }
    super::json(status, entry.json.to_string())
}
