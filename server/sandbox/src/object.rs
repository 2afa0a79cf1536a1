//! Reading and writing Kubernetes objects as JSON values.
//!
//! The store keeps objects as text and the controllers work on `serde_json::Value`; these are the
//! few shapes they all need. Nothing here panics on an object of the wrong shape: a reader answers
//! `None`, a writer replaces what stood in the way by a map.

use serde_json::{Map, Value, json};

/// A string at a JSON pointer.
pub fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// A string at a JSON pointer, or nothing written.
pub fn text_or_empty<'a>(object: &'a Value, pointer: &str) -> &'a str {
    text(object, pointer).unwrap_or("")
}

/// A whole number at a JSON pointer.
pub fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

pub fn name(object: &Value) -> &str {
    text_or_empty(object, "/metadata/name")
}

pub fn namespace(object: &Value) -> &str {
    text_or_empty(object, "/metadata/namespace")
}

pub fn uid(object: &Value) -> &str {
    text_or_empty(object, "/metadata/uid")
}

pub fn terminating(object: &Value) -> bool {
    text(object, "/metadata/deletionTimestamp").is_some()
}

/// One label's value.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// One annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .as_str()
}

pub fn finalizers(object: &Value) -> Vec<&str> {
    object
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

pub fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    finalizers(object).contains(&finalizer)
}

pub fn add_finalizer(object: &mut Value, finalizer: &str) {
    if !has_finalizer(object, finalizer)
        && let Some(list) = slot(object, &["metadata", "finalizers"], || json!([])).as_array_mut()
    {
        list.push(json!(finalizer));
    }
}

pub fn remove_finalizer(object: &mut Value, finalizer: &str) {
    let Some(list) = object
        .pointer_mut("/metadata/finalizers")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    list.retain(|item| item.as_str() != Some(finalizer));
    if list.is_empty() {
        remove(object, &["metadata", "finalizers"]);
    }
}

/// The map at a key, made when it is missing or something else.
pub fn map_at<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    as_map(slot(object, &[key], || json!({})))
}

/// The value as a map, replaced by an empty one when it is something else.
pub fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("the line above made it a map"),
    }
}

/// The place at a path, its parents made on the way, filled by `fresh` when it is missing.
pub fn slot<'a>(
    object: &'a mut Value,
    path: &[&str],
    fresh: impl FnOnce() -> Value,
) -> &'a mut Value {
    let Some((last, parents)) = path.split_last() else {
        return object;
    };
    let mut place = object;
    for key in parents {
        place = as_map(place).entry(*key).or_insert_with(|| json!({}));
    }
    as_map(place).entry(*last).or_insert_with(fresh)
}

/// Writes a value at a path.
pub fn set(object: &mut Value, path: &[&str], value: Value) {
    *slot(object, path, || Value::Null) = value;
}

/// Removes what stands at a path; emptied parents stay.
pub fn remove(object: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    let mut place = object;
    for key in parents {
        place = place.get_mut(*key)?;
    }
    place.as_object_mut()?.remove(*last)
}

/// The condition of a type in `status.conditions`.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object
        .pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|item| item.get("type").and_then(Value::as_str) == Some(kind))
}

/// Whether a condition says `True`.
pub fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|item| item["status"] == "True")
}

/// Writes a condition; its transition time moves only when its status does.
pub fn set_condition(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let before = condition(object, kind);
    let kept = before
        .filter(|item| item["status"] == status)
        .and_then(|item| item.get("lastTransitionTime"))
        .cloned();
    let mut fresh = json!({
        "type": kind,
        "status": status,
        "lastTransitionTime": kept.unwrap_or_else(|| json!(crate::clock::stamp())),
    });
    if !reason.is_empty() {
        fresh["reason"] = json!(reason);
    }
    if !message.is_empty() {
        fresh["message"] = json!(message);
    }
    let list = slot(object, &["status", "conditions"], || json!([]));
    if !list.is_array() {
        *list = json!([]);
    }
    if let Some(list) = list.as_array_mut() {
        match list.iter_mut().find(|item| item["type"] == kind) {
            Some(item) => *item = fresh,
            None => list.push(fresh),
        }
    }
}

/// Removes a condition.
pub fn drop_condition(object: &mut Value, kind: &str) {
    if let Some(list) = object
        .pointer_mut("/status/conditions")
        .and_then(Value::as_array_mut)
    {
        list.retain(|item| item["type"] != kind);
    }
}

/// An owner reference to an object that controls another.
pub fn owner(object: &Value) -> Value {
    json!({
        "apiVersion": object["apiVersion"],
        "kind": object["kind"],
        "name": name(object),
        "uid": uid(object),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Whether everything that `wished` says also stands in `found`, which may say more.
pub fn contains(found: &Value, wished: &Value) -> bool {
    match (found, wished) {
        (Value::Object(found), Value::Object(wished)) => wished.iter().all(|(key, value)| {
            found
                .get(key)
                .map_or_else(|| is_empty(value), |there| contains(there, value))
        }),
        (Value::Array(found), Value::Array(wished)) => {
            found.len() == wished.len()
                && found
                    .iter()
                    .zip(wished)
                    .all(|(there, value)| contains(there, value))
        }
        _ => found == wished,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_replaces_what_stood_in_the_way() {
        let mut object = json!({"spec": "text"});
        set(&mut object, &["spec", "a", "b"], json!(1));
        assert_eq!(object, json!({"spec": {"a": {"b": 1}}}));
        assert_eq!(remove(&mut object, &["spec", "a", "b"]), Some(json!(1)));
        assert_eq!(remove(&mut object, &["spec", "x", "b"]), None);
    }

    #[test]
    fn a_condition_keeps_its_transition_while_its_status_stays() {
        let mut object = json!({});
        set_condition(&mut object, "Ready", "True", "A", "");
        let first = object["status"]["conditions"][0]["lastTransitionTime"].clone();
        set_condition(&mut object, "Ready", "True", "B", "again");
        assert_eq!(
            object["status"]["conditions"][0]["lastTransitionTime"],
            first
        );
        assert_eq!(object["status"]["conditions"][0]["reason"], "B");
        assert!(is_true(&object, "Ready"));
    }

    #[test]
    fn an_object_contains_its_wish_with_more_in_it() {
        let found = json!({"a": {"b": 1, "c": 2}, "l": [{"x": 1, "y": 2}]});
        assert!(contains(
            &found,
            &json!({"a": {"b": 1}, "l": [{"x": 1}], "none": {}})
        ));
        assert!(!contains(&found, &json!({"a": {"b": 2}})));
        assert!(!contains(&found, &json!({"l": []})));
    }

    #[test]
    fn finalizers_come_and_go() {
        let mut object = json!({"metadata": {}});
        add_finalizer(&mut object, "a");
        add_finalizer(&mut object, "a");
        assert_eq!(finalizers(&object), ["a"]);
        remove_finalizer(&mut object, "a");
        assert_eq!(object, json!({"metadata": {}}));
    }
}
