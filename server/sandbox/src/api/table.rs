//! Tables: what `kubectl get` shows.

use super::columns::{Cell, columns};
use crate::clock;
use crate::object;
use crate::resource::Kind;
use crate::store::Entry;
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether the client asks for a table.
pub fn wanted(accept: &str) -> bool {
    accept
        .split(',')
        .next()
        .is_some_and(|first| first.contains("as=Table"))
}

/// The table of some objects. `include` is `None`, `Metadata` (the default) or `Object`.
pub fn of(kind: Kind, entries: &[Arc<Entry>], version: &str, include: &str) -> Value {
    let columns = columns(kind);
    let mut definitions = Vec::new();
    if named(kind) {
        definitions.push(json!({
            "name": "Name", "type": "string", "format": "name", "description": "Name",
            "priority": 0,
        }));
    }
    for column in columns {
        definitions.push(json!({
            "name": column.title,
            "type": column.kind(),
            "format": "",
            "description": column.title,
            "priority": i32::from(column.wide),
        }));
    }
    let rows: Vec<Value> = entries
        .iter()
        .map(|entry| row(kind, entry, include))
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": definitions,
        "rows": rows,
    })
}

/// Events are told by what they are about, not by their name.
fn named(kind: Kind) -> bool {
    kind != Kind::Event
}

fn row(kind: Kind, entry: &Entry, include: &str) -> Value {
    let value = entry.value();
    let mut cells = Vec::new();
    if named(kind) {
        cells.push(json!(&*entry.key.name));
    }
    cells.extend(
        columns(kind)
            .iter()
            .map(|column| cell(&column.cell, &value)),
    );
    let whole = match include {
        "Object" => value,
        "None" => return json!({"cells": cells}),
        _ => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": value["metadata"],
        }),
    };
    json!({"cells": cells, "object": whole})
}

fn cell(cell: &Cell, value: &Value) -> Value {
    match cell {
        Cell::Age(pointer) => json!(age(object::text_or_empty(value, pointer))),
        Cell::At(pointer) => match value.pointer(pointer) {
            Some(Value::Array(items)) => {
                let texts: Vec<String> = items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect();
                json!(texts.join(","))
            }
            Some(found) => found.clone(),
            None => json!(""),
        },
        Cell::Condition(kind, field) => object::condition(value, kind)
            .and_then(|condition| condition.get(field))
            .cloned()
            .unwrap_or_else(|| json!("")),
        Cell::Made(make) => make(value),
    }
}

/// An age as `kubectl` writes it: `7s`, `5m12s`, `3h`, `2d`.
pub fn age(text: &str) -> String {
    let Some(at) = clock::parse(text) else {
        return "<unknown>".to_owned();
    };
    let seconds = (clock::now() - at).whole_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 if seconds % 60 > 0 => format!("{minutes}m{}s", seconds % 60),
        120..10_800 => format!("{minutes}m"),
        10_800..28_800 if minutes % 60 > 0 => format!("{hours}h{}m", minutes % 60),
        10_800..172_800 => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn ages_are_written_as_kubectl_writes_them() {
        let ago = |seconds| age(&clock::seconds(clock::now() - Duration::seconds(seconds)));
        assert_eq!(ago(7), "7s");
        assert_eq!(ago(312), "5m12s");
        assert_eq!(ago(3_600), "60m");
        assert_eq!(ago(86_400 * 3), "3d");
        assert_eq!(age("never"), "<unknown>");
    }
}
