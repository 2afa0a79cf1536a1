//! Whether two specifications are the same although one has been through an API server: it drops
//! nulls, writes 1.0 as 1, and keeps no order of keys. Specifications are compared by digest, so that
//! watching a thousand of them costs 32 bytes each.

use serde::Serialize;
use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// The digest of a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of anything that serialises to JSON.
    pub fn of(thing: &impl Serialize) -> Self {
        // What cannot be serialised is none of the types used here; as null it equals nothing written.
        let value = serde_json::to_value(thing).unwrap_or_default();
        let mut hasher = Sha256::new();
        feed(&value, &mut hasher);
        Self(hasher.finalize().into())
    }
}

fn feed(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Null => hasher.update(b"n"),
        Value::Bool(is) => hasher.update(if *is { b"t" } else { b"f" }),
        Value::Number(number) => text(b"d", &plain(number), hasher),
        Value::String(is) => text(b"s", is, hasher),
        Value::Array(items) => {
            hasher.update(b"[");
            for item in items {
                feed(item, hasher);
            }
            hasher.update(b"]");
        }
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().filter(|(_, value)| !value.is_null()).collect();
            fields.sort_by_key(|(name, _)| *name);
            hasher.update(b"{");
            for (name, value) in fields {
                text(b"k", name, hasher);
                feed(value, hasher);
            }
            hasher.update(b"}");
        }
    }
}

/// Lengths stand before texts, so that no two values feed the same bytes.
fn text(sort: &[u8], text: &str, hasher: &mut Sha256) {
    hasher.update(sort);
    hasher.update(text.len().to_le_bytes());
    hasher.update(text);
}

fn plain(number: &Number) -> String {
    match number.as_f64() {
        // Display of a float writes whole numbers without a fraction.
        Some(float) if number.is_f64() => format!("{float}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_api_server_changes_does_not_count() {
        let ours = json!({"a": 1.0, "b": null, "c": [1.5, {"x": null, "y": "z"}]});
        let theirs = json!({"c": [1.5, {"y": "z"}], "a": 1});
        assert_eq!(Digest::of(&ours), Digest::of(&theirs));
    }

    #[test]
    fn everything_else_counts() {
        let one = Digest::of(&json!({"a": "1", "b": ["x", "y"]}));
        for other in [
            json!({"a": 1, "b": ["x", "y"]}),
            json!({"a": "1", "b": ["y", "x"]}),
            json!({"a": "1", "b": ["x", "y", null]}),
            json!({"a": "1", "b": ["xy"]}),
            json!({"a": "1"}),
        ] {
            assert_ne!(one, Digest::of(&other), "{other}");
        }
    }
}
