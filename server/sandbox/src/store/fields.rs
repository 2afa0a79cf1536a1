//! Who owns which field: `metadata.managedFields` and server-side apply.
//!
//! A set of fields is a set of paths in the segments of `FieldsV1` (`f:` a field, `k:` an item of a
//! keyed list, `v:` a value of a set), so ownership is plain set arithmetic. Apply takes fields,
//! gives up what it no longer names, and conflicts where it would change another manager's value;
//! any other write takes what it changes.

use super::schema::{List, list};
use crate::failure::Failure;
use crate::object;
use crate::resource::Kind;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A path in `FieldsV1` segments.
pub type Place = Vec<String>;
/// The fields that a manager owns.
pub type Fields = BTreeSet<Place>;

/// Who writes, and through which door.
#[derive(Clone, Debug)]
pub struct Author {
    pub manager: String,
    /// `status` when written through the subresource.
    pub subresource: Option<&'static str>,
}

/// Metadata that belongs to the server.
const UNOWNED: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "generation",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "generateName",
];

/// Every field of an object that can be owned.
pub fn of(kind: Kind, object: &Value) -> Fields {
    let mut fields = Fields::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        match key.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if !UNOWNED.contains(&key.as_str()) {
                        let place = vec!["f:metadata".to_owned(), format!("f:{key}")];
                        walk(kind, &format!("metadata.{key}"), place, value, &mut fields);
                    }
                }
            }
            _ => walk(kind, key, vec![format!("f:{key}")], value, &mut fields),
        }
    }
    fields
}

fn walk(kind: Kind, path: &str, place: Place, value: &Value, fields: &mut Fields) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let next = extend(&place, format!("f:{key}"));
                walk(kind, &format!("{path}.{key}"), next, value, fields);
            }
        }
        Value::Array(items) if list(kind, path) != List::Atomic => {
            for item in items {
                let Some(segment) = segment(list(kind, path), item) else {
                    continue;
                };
                let next = extend(&place, segment);
                fields.insert(next.clone());
                for (key, value) in item.as_object().into_iter().flatten() {
                    let deeper = extend(&next, format!("f:{key}"));
                    walk(kind, &format!("{path}.{key}"), deeper, value, fields);
                }
            }
        }
        _ => {
            fields.insert(place);
        }
    }
}

fn extend(place: &Place, segment: String) -> Place {
    let mut next = place.clone();
    next.push(segment);
    next
}

/// How an item of a keyed list or a set is named.
fn segment(list: List, item: &Value) -> Option<String> {
    match list {
        List::Atomic => None,
        List::Set => Some(format!("v:{item}")),
        List::Map(keys) => Some(format!("k:{}", Value::Object(item_key(keys, item)?))),
    }
}

fn item_key(keys: &[&str], item: &Value) -> Option<Map<String, Value>> {
    let mut key = Map::new();
    for name in keys {
        let value = match item.get(*name) {
            Some(value) => value.clone(),
            None if *name == "protocol" => json!("TCP"),
            None => return None,
        };
        key.insert((*name).to_owned(), value);
    }
    Some(key)
}

fn has_key(item: &Value, key: &Map<String, Value>) -> bool {
    key.iter().all(|(name, value)| match item.get(name) {
        Some(there) => there == value,
        None => name == "protocol" && value == "TCP",
    })
}

/// What stands at a place.
fn at<'a>(object: &'a Value, place: &[String]) -> Option<&'a Value> {
    place.iter().try_fold(object, |value, segment| {
        match segment.split_at_checked(2)? {
            ("f:", name) => value.get(name),
            ("k:", key) => {
                let key: Map<String, Value> = serde_json::from_str(key).ok()?;
                value.as_array()?.iter().find(|item| has_key(item, &key))
            }
            ("v:", wished) => {
                let wished: Value = serde_json::from_str(wished).ok()?;
                value.as_array()?.iter().find(|item| **item == wished)
            }
            _ => None,
        }
    })
}

fn take(object: &mut Value, place: &[String]) {
    let Some((last, parents)) = place.split_last() else {
        return;
    };
    let mut value = object;
    for segment in parents {
        let next = match segment.split_at_checked(2) {
            Some(("f:", name)) => value.get_mut(name),
            Some(("k:", key)) => {
                let Ok(key) = serde_json::from_str::<Map<String, Value>>(key) else {
                    return;
                };
                value
                    .as_array_mut()
                    .and_then(|items| items.iter_mut().find(|item| has_key(item, &key)))
            }
            _ => None,
        };
        let Some(next) = next else { return };
        value = next;
    }
    match (last.split_at_checked(2), value) {
        (Some(("f:", name)), Value::Object(map)) => {
            map.remove(name);
        }
        (Some(("k:", key)), Value::Array(items)) => {
            if let Ok(key) = serde_json::from_str::<Map<String, Value>>(key) {
                items.retain(|item| !has_key(item, &key));
            }
        }
        (Some(("v:", wished)), Value::Array(items)) => {
            if let Ok(wished) = serde_json::from_str::<Value>(wished) {
                items.retain(|item| *item != wished);
            }
        }
        _ => {}
    }
}

/// A place as an error message writes it.
fn spelled(place: &[String]) -> String {
    let mut text = String::new();
    for segment in place {
        match segment.split_at_checked(2) {
            Some(("f:", name)) => {
                text.push('.');
                text.push_str(name);
            }
            Some(("k:", key)) => {
                let key: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
                let parts: Vec<String> = key
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                text.push('[');
                text.push_str(&parts.join(","));
                text.push(']');
            }
            Some((_, value)) => {
                text.push_str("[=");
                text.push_str(value);
                text.push(']');
            }
            None => {}
        }
    }
    text
}

fn read_tree(tree: &Value, place: &mut Place, fields: &mut Fields) {
    let Some(map) = tree.as_object() else { return };
    if map.is_empty() && !place.is_empty() {
        fields.insert(place.clone());
    }
    for (key, value) in map {
        if key == "." {
            fields.insert(place.clone());
        } else {
            place.push(key.clone());
            read_tree(value, place, fields);
            place.pop();
        }
    }
}

fn write_tree(fields: &Fields) -> Value {
    let mut tree = json!({});
    for place in fields {
        let mut node = &mut tree;
        for segment in place {
            node = object::as_map(node)
                .entry(segment.as_str())
                .or_insert_with(|| json!({}));
        }
    }
    // A place with places below it says so by a dot.
    for place in fields {
        let mut node = &mut tree;
        for segment in place {
            node = object::as_map(node)
                .entry(segment.as_str())
                .or_insert_with(|| json!({}));
        }
        let map = object::as_map(node);
        if !map.is_empty() {
            map.insert(".".to_owned(), json!({}));
        }
    }
    tree
}

/// One entry of `metadata.managedFields`.
struct Managed {
    manager: String,
    operation: String,
    subresource: String,
    head: Value,
    fields: Fields,
}

impl Managed {
    fn all(object: &Value) -> Vec<Self> {
        let list = object
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .map(|head| {
                let mut fields = Fields::new();
                read_tree(&head["fieldsV1"], &mut Vec::new(), &mut fields);
                Self {
                    manager: object::text_or_empty(head, "/manager").to_owned(),
                    operation: object::text_or_empty(head, "/operation").to_owned(),
                    subresource: object::text_or_empty(head, "/subresource").to_owned(),
                    head: head.clone(),
                    fields,
                }
            })
            .collect()
    }

    fn fresh(author: &Author, operation: &str, api_version: &str) -> Self {
        let subresource = author.subresource.unwrap_or("").to_owned();
        let mut head = json!({
            "manager": author.manager,
            "operation": operation,
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
        });
        if !subresource.is_empty() {
            head["subresource"] = json!(subresource);
        }
        let operation = operation.to_owned();
        let fields = Fields::new();
        Self {
            manager: author.manager.clone(),
            operation,
            subresource,
            head,
            fields,
        }
    }

    fn is(&self, author: &Author, operation: &str) -> bool {
        self.manager == author.manager
            && self.operation == operation
            && self.subresource == author.subresource.unwrap_or("")
    }
}

fn write_managed(object: &mut Value, list: Vec<Managed>, touched: Option<(&Author, &str)>) {
    let entries: Vec<Value> = list
        .into_iter()
        .filter(|entry| !entry.fields.is_empty())
        .map(|entry| {
            let mut head = entry.head.clone();
            if touched.is_some_and(|(author, operation)| entry.is(author, operation))
                || head.get("time").is_none()
            {
                head["time"] = json!(crate::clock::stamp());
            }
            head["fieldsV1"] = write_tree(&entry.fields);
            head
        })
        .collect();
    if entries.is_empty() {
        object::remove(object, &["metadata", "managedFields"]);
    } else {
        object::set(
            object,
            &["metadata", "managedFields"],
            Value::Array(entries),
        );
    }
}

/// Records that an author wrote `new` over `old`: it takes what it changed.
pub fn record_update(kind: Kind, old: Option<&Value>, new: &mut Value, author: &Author) {
    let mut list = old.map(Managed::all).unwrap_or_default();
    let after = of(kind, new);
    let before = old.map(|old| of(kind, old)).unwrap_or_default();
    let changed: Fields = after
        .iter()
        .filter(|place| match old.and_then(|old| at(old, place)) {
            None => true,
            Some(was) => !is_item(place) && at(new, place) != Some(was),
        })
        .cloned()
        .collect();
    let gone: Fields = before.difference(&after).cloned().collect();
    if changed.is_empty() && gone.is_empty() {
        write_managed(new, list, None);
        return;
    }
    if !list.iter().any(|entry| entry.is(author, "Update")) {
        list.push(Managed::fresh(author, "Update", &kind.api_version()));
    }
    for entry in &mut list {
        entry.fields.retain(|place| !gone.contains(place));
        if entry.is(author, "Update") {
            entry.fields.extend(changed.iter().cloned());
        } else {
            entry.fields.retain(|place| !changed.contains(place));
        }
    }
    write_managed(new, list, Some((author, "Update")));
}

fn is_item(place: &Place) -> bool {
    place
        .last()
        .is_some_and(|last| last.starts_with("k:") || last.starts_with("v:"))
}

/// Applies a configuration: the merged object, its ownership written.
pub fn apply(
    kind: Kind,
    live: Option<&Value>,
    config: &Value,
    author: &Author,
    force: bool,
) -> Result<Value, Failure> {
    let wished = of(kind, config);
    let mut list = owners_before_apply(kind, live);
    let mut merged = live.cloned().unwrap_or_else(|| json!({}));
    merge(kind, "", &mut merged, config);
    let found = conflicts(&list, live, &merged, &wished, author);
    if !found.is_empty() && !force {
        let causes: Vec<(String, String)> = found
            .iter()
            .map(|(manager, place)| (manager.clone(), spelled(place)))
            .collect();
        return Err(Failure::apply_conflict(&causes));
    }
    let seized: Fields = found.into_iter().map(|(_, place)| place).collect();
    let mut mine = Fields::new();
    for entry in &mut list {
        if entry.is(author, "Apply") {
            mine = std::mem::replace(&mut entry.fields, wished.clone());
        } else {
            entry.fields.retain(|place| !seized.contains(place));
        }
    }
    if !list.iter().any(|entry| entry.is(author, "Apply")) {
        let mut entry = Managed::fresh(author, "Apply", &kind.api_version());
        entry.fields.clone_from(&wished);
        list.push(entry);
    }
    give_up(&mut merged, &list, &mine, &wished);
    let same = mine == wished && live.is_some_and(|live| unmanaged(live) == unmanaged(&merged));
    write_managed(&mut merged, list, (!same).then_some((author, "Apply")));
    Ok(merged)
}

/// The owners of an object; one that never was managed belongs to whoever was before.
fn owners_before_apply(kind: Kind, live: Option<&Value>) -> Vec<Managed> {
    let mut list = live.map(Managed::all).unwrap_or_default();
    if let Some(live) = live
        && list.is_empty()
    {
        let nobody = Author {
            manager: "before-first-apply".to_owned(),
            subresource: None,
        };
        let mut first = Managed::fresh(&nobody, "Update", &kind.api_version());
        first.fields = of(kind, live);
        list.push(first);
    }
    list
}

/// Removes what was owned and is no longer wished, unless somebody else owns it or something in it.
fn give_up(merged: &mut Value, list: &[Managed], mine: &Fields, wished: &Fields) {
    let dropped: Vec<Place> = mine
        .difference(wished)
        .filter(|place| !list.iter().any(|entry| entry.fields.contains(*place)))
        .cloned()
        .collect();
    for place in &dropped {
        let kept_below = list.iter().any(|entry| {
            entry
                .fields
                .iter()
                .any(|other| other.len() > place.len() && other.starts_with(place))
        });
        if !kept_below {
            take(merged, place);
        }
    }
}

/// The object without its bookkeeping of owners.
fn unmanaged(object: &Value) -> Value {
    let mut object = object.clone();
    object::remove(&mut object, &["metadata", "managedFields"]);
    object
}

/// Fields of others whose value the merge would change.
fn conflicts(
    list: &[Managed],
    live: Option<&Value>,
    merged: &Value,
    wished: &Fields,
    author: &Author,
) -> Vec<(String, Place)> {
    let Some(live) = live else { return Vec::new() };
    let mut found = Vec::new();
    for entry in list.iter().filter(|entry| entry.manager != author.manager) {
        for place in wished.iter().filter(|place| !is_item(place)) {
            let owned = entry.fields.contains(place)
                || entry.fields.iter().any(|other| {
                    !is_item(other) && (other.starts_with(place) || place.starts_with(other))
                });
            if owned && at(live, place).is_some_and(|there| Some(there) != at(merged, place)) {
                found.push((entry.manager.clone(), place.clone()));
            }
        }
    }
    found
}

/// Lays a configuration over an object by the merge types of its lists.
pub fn merge(kind: Kind, path: &str, into: &mut Value, from: &Value) {
    match from {
        Value::Object(fields) => {
            let map = object::as_map(into);
            for (key, value) in fields {
                let deeper = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if value.is_null() {
                    map.remove(key);
                } else {
                    let slot = map.entry(key.as_str()).or_insert(Value::Null);
                    merge(kind, &deeper, slot, value);
                }
            }
        }
        Value::Array(items) if list(kind, path) != List::Atomic => {
            merge_list(kind, path, into, items);
        }
        _ => *into = from.clone(),
    }
}

fn merge_list(kind: Kind, path: &str, into: &mut Value, items: &[Value]) {
    if !into.is_array() {
        *into = json!([]);
    }
    let Some(there) = into.as_array_mut() else {
        return;
    };
    for item in items {
        let found = match list(kind, path) {
            List::Map(keys) => item_key(keys, item)
                .and_then(|key| there.iter_mut().find(|other| has_key(other, &key))),
            _ => there.iter_mut().find(|other| *other == item),
        };
        match found {
            Some(other) => merge(kind, path, other, item),
            None => there.push(item.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
