//! What differs between before and after, field by field, for people: a row keeps both whole, and nobody
//! should have to compare them by eye.

use std::collections::BTreeMap;

use serde_json::Value;

/// Most fields that are shown.
const MOST: usize = 50;
/// Most characters of a value that are shown.
const LONGEST: usize = 200;

/// A field that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name, with those it lies in: `access.kind`; empty for a value without fields.
    pub field: String,
    /// Before; none when it was not there.
    pub was: Option<String>,
    /// After; none when it is gone.
    pub became: Option<String>,
}

/// Fields that differ between two values as a row keeps them (JSON, or empty for nothing).
#[must_use]
pub fn changes(was: &str, became: &str) -> Vec<Change> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    fields(was, &mut before);
    fields(became, &mut after);
    let mut names: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter_map(|field| {
        let (was, became) = (before.remove(&field), after.remove(&field));
        (was != became).then_some(Change { field, was, became })
    });
    differing.take(MOST).collect()
}

fn fields(text: &str, into: &mut BTreeMap<String, String>) {
    match serde_json::from_str(text) {
        Ok(value) => flatten(String::new(), &value, into),
        Err(_) if text.is_empty() => {}
        Err(_) => {
            into.insert(String::new(), cut(text));
        }
    }
}

fn flatten(name: String, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(name, value, into);
            }
        }
        Value::String(text) => {
            into.insert(name, cut(text));
        }
        other => {
            into.insert(name, cut(&other.to_string()));
        }
    }
}

fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_named() {
        let was = r#"{"name":"a","purpose":"x","access":{"kind":"k","token":"masked"},"gone":1}"#;
        let became =
            r#"{"name":"b","purpose":"x","access":{"kind":"l","token":"masked"},"new":[1]}"#;
        let found: Vec<_> = changes(was, became)
            .into_iter()
            .map(|c| {
                (
                    c.field,
                    c.was.unwrap_or_default(),
                    c.became.unwrap_or_default(),
                )
            })
            .collect();
        let text = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(
            found,
            [
                text("access.kind", "k", "l"),
                text("gone", "1", ""),
                text("name", "a", "b"),
                text("new", "", "[1]"),
            ]
        );
        assert!(changes("", "").is_empty());
        assert_eq!(
            changes("", "not json")[0].became.as_deref(),
            Some("not json")
        );
        assert!(
            changes("", &format!("\"{}\"", "x".repeat(900)))[0]
                .became
                .as_ref()
                .unwrap()
                .len()
                < 210
        );
    }
}
