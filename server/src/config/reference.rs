//! The list of all keys, read from the declarations themselves: names, kinds, defaults and texts.
//! It decides what is a known key, how the text of an environment variable is read, and what
//! `docs/configuration.md` says; so these three cannot differ.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;

/// A section of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its name in the file.
    pub name: String,
    /// What it is about.
    pub text: String,
    /// Its keys, by name.
    pub keys: Vec<Key>,
}

/// One key.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Its name within the section.
    pub name: String,
    /// What it does.
    pub text: String,
    /// What its values are.
    pub kind: Kind,
    /// Its default; none when there is none.
    pub default: Option<Value>,
    /// Whether its value is never printed.
    pub secret: bool,
}

/// What the values of a key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// `true` or `false`.
    Switch,
    /// Several texts.
    List,
    /// Names with settings of their own; in the file only.
    Table,
    /// One of these words, each with what it means.
    Choice(Vec<(String, String)>),
}

impl Section {
    /// The key of that name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// Every section with every key, by name.
#[must_use]
pub fn reference() -> Vec<Section> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Config>();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    let sections = properties(schema.as_value());
    sections
        .iter()
        .map(|(name, section)| Section {
            name: name.clone(),
            text: text_of(section),
            keys: properties(section)
                .iter()
                .map(|(key, schema)| key_of(key, schema, &defaults[name][key]))
                .collect(),
        })
        .collect()
}

/// Sorted here: whether a JSON object keeps an order depends on what else is built with us.
fn properties(schema: &Value) -> BTreeMap<String, Value> {
    let found = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    found.into_iter().collect()
}

/// A documentation comment as one line: it was broken for the width of the source.
fn text_of(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn key_of(name: &str, schema: &Value, default: &Value) -> Key {
    Key {
        name: name.to_owned(),
        text: text_of(schema),
        kind: kind_of(schema),
        default: Some(default).filter(|value| !value.is_null()).cloned(),
        secret: says(schema, "format", "password"),
    }
}

/// Whether a schema, or the one behind its `null`, has a property with that text.
fn says(schema: &Value, property: &str, text: &str) -> bool {
    schema[property] == text
        || schema["anyOf"]
            .as_array()
            .is_some_and(|of| of.iter().any(|one| says(one, property, text)))
}

fn kind_of(schema: &Value) -> Kind {
    if let Some(words) = schema["oneOf"].as_array() {
        let word = |one: &Value| Some((one["const"].as_str()?.to_owned(), text_of(one)));
        return Kind::Choice(words.iter().filter_map(word).collect());
    }
    let is = |kind: &str| {
        says(schema, "type", kind)
            || schema["type"]
                .as_array()
                .is_some_and(|types| types.iter().any(|one| one == kind))
    };
    if is("integer") {
        Kind::Whole
    } else if is("number") {
        Kind::Number
    } else if is("boolean") {
        Kind::Switch
    } else if is("array") {
        Kind::List
    } else if is("object") {
        Kind::Table
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_with_its_text() {
        let sections = reference();
        assert_eq!(sections.len(), 14);
        for section in &sections {
            assert!(section.text.ends_with('.'), "{}", section.name);
            assert!(!section.keys.is_empty(), "{}", section.name);
            for key in &section.keys {
                assert!(key.text.ends_with('.'), "{}.{}", section.name, key.name);
            }
        }
    }

    #[test]
    fn kinds_and_secrets_are_told_apart() {
        let sections = reference();
        let key = |section: &str, key: &str| {
            sections
                .iter()
                .find(|s| s.name == section)
                .and_then(|s| s.key(key))
                .unwrap()
                .clone()
        };
        assert_eq!(key("server", "listen").kind, Kind::Text);
        assert_eq!(key("server", "trusted_proxies").kind, Kind::Whole);
        assert_eq!(key("sandbox", "pace").kind, Kind::Number);
        assert_eq!(key("sandbox", "enabled").kind, Kind::Switch);
        assert_eq!(key("clusters", "kubeconfig_files").kind, Kind::List);
        assert_eq!(key("clusters", "secrets_manager").kind, Kind::Table);
        assert!(matches!(key("log", "format").kind, Kind::Choice(words) if words.len() == 2));
        assert!(key("database", "url").secret && key("mail", "password").secret);
        assert!(!key("mail", "user").secret);
        assert_eq!(key("session", "idle_minutes").default, Some(30.into()));
    }
}
