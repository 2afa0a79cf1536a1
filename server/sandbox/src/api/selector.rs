//! Label and field selectors.
//!
//! Labels are asked on the entry; a field other than name and namespace needs the parsed object.

use crate::failure::Failure;
use crate::resource::Kind;
use crate::store::Entry;
use serde_json::Value;

/// One requirement on a label.
#[derive(Debug, PartialEq, Eq)]
enum Label {
    Is(String, Vec<String>),
    IsNot(String, Vec<String>),
    There(String),
    Absent(String),
}

/// One requirement on a field: path, value, and whether it must equal.
#[derive(Debug, PartialEq, Eq)]
struct Field(String, String, bool);

/// Everything a request selects by.
#[derive(Debug, Default)]
pub struct Selector {
    labels: Vec<Label>,
    fields: Vec<Field>,
}

impl Selector {
    /// Reads both selectors of a request for a kind; a field by which that kind cannot be selected is
    /// refused.
    pub fn parse(kind: Kind, labels: &str, fields: &str) -> Result<Self, Failure> {
        let labels = split(labels)
            .into_iter()
            .map(label)
            .collect::<Result<_, _>>()?;
        let fields = fields
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(field)
            .collect::<Result<Vec<Field>, _>>()?;
        for Field(path, ..) in &fields {
            if !selectable(kind).contains(&path.as_str()) && !path.starts_with("metadata.name") {
                return Err(Failure::bad_request(format!(
                    "\"{path}\" is not a known field selector: only \"metadata.name\", \
                     \"metadata.namespace\""
                )));
            }
        }
        Ok(Self { labels, fields })
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub fn matches(&self, entry: &Entry) -> bool {
        self.labels.iter().all(|wish| match wish {
            Label::Is(key, values) => entry
                .label(key)
                .is_some_and(|there| values.iter().any(|value| value == there)),
            Label::IsNot(key, values) => entry
                .label(key)
                .is_none_or(|there| values.iter().all(|value| value != there)),
            Label::There(key) => entry.label(key).is_some(),
            Label::Absent(key) => entry.label(key).is_none(),
        }) && self.fields_match(entry)
    }

    fn fields_match(&self, entry: &Entry) -> bool {
        let mut parsed: Option<Value> = None;
        self.fields.iter().all(|Field(path, wished, equal)| {
            let is = match path.as_str() {
                "metadata.name" => *entry.key.name == **wished,
                "metadata.namespace" => *entry.key.namespace == **wished,
                _ => {
                    let object = parsed.get_or_insert_with(|| entry.value());
                    let pointer = format!("/{}", path.replace('.', "/"));
                    match object.pointer(&pointer) {
                        Some(Value::String(text)) => text == wished,
                        Some(Value::Null) | None => wished.is_empty(),
                        Some(other) => {
                            serde_json::from_str(wished).is_ok_and(|value: Value| value == *other)
                        }
                    }
                }
            };
            is == *equal
        })
    }
}

/// Fields beside name and namespace by which a kind can be selected.
fn selectable(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "status.phase",
            "status.podIP",
            "spec.serviceAccountName",
        ],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        Kind::Namespace => &["status.phase"],
        Kind::Secret => &["type"],
        Kind::Node => &["spec.unschedulable"],
        Kind::ReplicaSet => &["status.replicas"],
        _ => &[],
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn label(part: &str) -> Result<Label, Failure> {
    let values = |text: &str| -> Option<Vec<String>> {
        let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(
            inner
                .split(',')
                .map(|value| value.trim().to_owned())
                .collect(),
        )
    };
    let bad = || Failure::bad_request(format!("unable to parse requirement: \"{part}\""));
    if let Some((key, rest)) = part.split_once(" notin ") {
        return Ok(Label::IsNot(
            key.trim().to_owned(),
            values(rest).ok_or_else(bad)?,
        ));
    }
    if let Some((key, rest)) = part.split_once(" in ") {
        return Ok(Label::Is(
            key.trim().to_owned(),
            values(rest).ok_or_else(bad)?,
        ));
    }
    let one = |key: &str, value: &str| (key.trim().to_owned(), vec![value.trim().to_owned()]);
    if let Some((key, value)) = part.split_once("!=") {
        let (key, values) = one(key, value);
        return Ok(Label::IsNot(key, values));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        let (key, values) = one(key, value);
        return Ok(Label::Is(key, values));
    }
    let (absent, key) = match part.strip_prefix('!') {
        Some(key) => (true, key.trim()),
        None => (false, part),
    };
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || "()=!".contains(c)) {
        return Err(bad());
    }
    Ok(if absent {
        Label::Absent(key.to_owned())
    } else {
        Label::There(key.to_owned())
    })
}

fn field(part: &str) -> Result<Field, Failure> {
    let made = |path: &str, value: &str, equal| {
        Field(path.trim().to_owned(), value.trim().to_owned(), equal)
    };
    if let Some((path, value)) = part.split_once("!=") {
        return Ok(made(path, value, false));
    }
    part.split_once("==")
        .or_else(|| part.split_once('='))
        .map(|(path, value)| made(path, value, true))
        .ok_or_else(|| Failure::bad_request(format!("invalid field selector: \"{part}\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;
    use serde_json::json;

    fn entry() -> Entry {
        let object = json!({
            "metadata": {"name": "a", "namespace": "n", "labels": {"app": "x", "tier": "web"}},
            "status": {"phase": "Running"},
        });
        Entry::new(Kind::Pod, object, 1)
    }

    #[test]
    fn selectors_say_yes_and_no() {
        let parse = |labels: &str, fields: &str| Selector::parse(Kind::Pod, labels, fields);
        let says = |labels: &str, fields: &str| parse(labels, fields).unwrap().matches(&entry());
        assert!(says("app=x,tier in (web, db),!gone,app", ""));
        assert!(!says("app!=x", ""));
        assert!(says("none!=x,tier notin (db)", ""));
        assert!(says("", "metadata.name=a,status.phase!=Pending"));
        assert!(!says("", "status.phase=Pending"));
        assert!(says("", "status.podIP="));
        assert!(parse("a b", "").is_err());
        assert!(parse("", "x").is_err());
        assert!(parse("", "spec.hostname=a").is_err(), "not by every field");
    }
}
