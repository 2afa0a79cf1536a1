//! The four kinds of patch.
//!
//! A patch without a resource version is tried again on the newer object when somebody wrote in
//! between, as a real API server does.

use super::write::{answer as answer_with, fitting, unchanged, write};
use super::{Call, apply, body};
use crate::failure::Failure;
use crate::resource::Kind;
use crate::store::fields::merge;
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

/// Answers a PATCH.
pub fn answer(call: &Call, bytes: &[u8]) -> Result<Response<Body>, Failure> {
    let media = call.content.split(';').next().unwrap_or("").trim();
    let name = call.target.name.clone().ok_or_else(Failure::method)?;
    let patch = body::parse(bytes, &call.content)?;
    if media == "application/apply-patch+yaml" {
        let (status, entry) = apply::apply(call, patch)?;
        return Ok(answer_with(call, status, entry));
    }
    let kind = call.target.kind;
    let write = write(call)?;
    loop {
        let old = call
            .cluster
            .store
            .get(kind, call.target.space(), &name)
            .ok_or_else(|| Failure::not_found(kind, &name))?;
        let new = match media {
            "application/merge-patch+json" => {
                if !patch.is_object() {
                    return Err(Failure::bad_request("a merge patch is a JSON map"));
                }
                let mut value = old.value();
                json_patch::merge(&mut value, &patch);
                value
            }
            "application/json-patch+json" => by_operations(old.value(), &patch)?,
            "application/strategic-merge-patch+json" if !kind.definition().custom => {
                if !patch.is_object() {
                    return Err(Failure::bad_request(
                        "a strategic merge patch is a JSON map",
                    ));
                }
                strategic(kind, old.value(), &patch)
            }
            _ => return Err(Failure::unsupported()),
        };
        unchanged(&old, &new)?;
        let new = fitting(call, new)?;
        match call.cluster.store.replace(&old, new, &write) {
            Ok(entry) => return Ok(answer_with(call, StatusCode::OK, entry)),
            Err(failure) if failure.reason == "Conflict" => {}
            Err(failure) => return Err(failure),
        }
    }
}

fn by_operations(mut value: Value, patch: &Value) -> Result<Value, Failure> {
    let operations: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    // Which operation failed is not told, as little as a real server tells it.
    json_patch::patch(&mut value, &operations).map_err(|_| {
        let message = "the server rejected our request due to an error in our request";
        let mut failure = Failure::new(422, "Invalid", message);
        failure.details = json!({});
        failure
    })?;
    Ok(value)
}

/// A strategic merge patch: directives first, then the merge by the keys of lists.
fn strategic(kind: Kind, mut value: Value, patch: &Value) -> Value {
    let mut patch = patch.clone();
    direct(&mut value, &mut patch);
    merge(kind, "", &mut value, &patch);
    value
}

/// Carries out `$patch: delete|replace` and `$deleteFromPrimitiveList`, and removes every directive
/// from the patch.
fn direct(value: &mut Value, patch: &mut Value) {
    let Some(map) = patch.as_object_mut() else {
        return;
    };
    if map.remove("$patch").is_some_and(|word| word == "replace") {
        *value = json!({});
    }
    let deletions: Vec<(String, Value)> = map
        .iter()
        .filter_map(|(key, list)| {
            let field = key.strip_prefix("$deleteFromPrimitiveList/")?;
            Some((field.to_owned(), list.clone()))
        })
        .collect();
    for (field, gone) in deletions {
        let there = value.get_mut(&field).and_then(Value::as_array_mut);
        if let (Some(there), Some(gone)) = (there, gone.as_array()) {
            there.retain(|item| !gone.contains(item));
        }
    }
    map.retain(|key, _| !key.starts_with('$'));
    for (key, part) in map.iter_mut() {
        let below = value.get_mut(key);
        match (part, below) {
            (part @ Value::Object(_), Some(below)) => direct(below, part),
            (Value::Array(items), below) => direct_items(items, below),
            _ => {}
        }
    }
}

/// Items marked `$patch: delete` leave the list they name by `name`, `type`, `uid` or port.
fn direct_items(items: &mut Vec<Value>, mut there: Option<&mut Value>) {
    items.retain_mut(|item| {
        let Some(map) = item.as_object_mut() else {
            return true;
        };
        match map.remove("$patch") {
            Some(word) if word == "delete" => {
                if let Some(list) = there.as_mut().and_then(|list| list.as_array_mut()) {
                    list.retain(|other| {
                        !map.iter().all(|(key, value)| other.get(key) == Some(value))
                    });
                }
                false
            }
            _ => true,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategic_patch_merges_by_name_and_deletes_by_directive() {
        let value = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "x"}, {"name": "b", "image": "y"},
        ]}}}, "metadata": {"finalizers": ["p", "q"]}});
        let patch = json!({
            "spec": {"template": {"spec": {"containers": [
                {"name": "a", "image": "z"}, {"name": "b", "$patch": "delete"},
            ], "$setElementOrder/containers": [{"name": "a"}]}}},
            "metadata": {"$deleteFromPrimitiveList/finalizers": ["p"]},
        });
        let new = strategic(Kind::Deployment, value, &patch);
        assert_eq!(
            new["spec"]["template"]["spec"],
            json!({"containers": [{"name": "a", "image": "z"}]})
        );
        assert_eq!(new["metadata"], json!({"finalizers": ["q"]}));
    }
}
