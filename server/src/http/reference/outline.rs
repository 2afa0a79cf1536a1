//! What the reference shows, drawn from the description: operations by tag and the shapes they speak.

use serde_json::Value;

use super::markup;

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

/// Operations about one thing.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// What they are about.
    pub title: String,
    /// Anchor.
    pub anchor: String,
    /// The operations.
    pub operations: Vec<Entry>,
}

/// One operation.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Anchor: its id.
    pub anchor: String,
    /// `GET`.
    pub method: String,
    /// `/api/v1/tenants/{id}`.
    pub path: String,
    /// First sentence.
    pub summary: String,
    /// The rest, as HTML.
    pub description: String,
    /// Parameters.
    pub parameters: Vec<Row>,
    /// Body, if it takes one.
    pub body: Option<Kind>,
    /// Answers by status.
    pub answers: Vec<AnswerRow>,
}

/// A parameter or a field.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Where it stands (`query`), or empty for fields.
    pub place: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it must be given.
    pub needed: bool,
    /// What it means, as HTML.
    pub description: String,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// `200`.
    pub status: String,
    /// What it means.
    pub description: String,
    /// Its shape, if it has one.
    pub kind: Option<Kind>,
}

/// What a value is: words, and the shape to read on at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// In words.
    pub text: String,
    /// Name of a shape, or empty.
    pub shape: String,
}

/// A named shape.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// What it is, as HTML.
    pub description: String,
    /// Its fields.
    pub fields: Vec<Row>,
    /// Shapes whose fields it has as well, or may have instead.
    pub others: Vec<Kind>,
}

/// Operations by tag, in the order of the tags.
#[must_use]
pub fn groups(document: &Value) -> Vec<Group> {
    let tags = document["tags"].as_array().into_iter().flatten();
    let mut groups: Vec<Group> = tags.map(|tag| group(&text(&tag["name"]))).collect();
    let none = serde_json::Map::new();
    for (path, item) in document["paths"].as_object().unwrap_or(&none) {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let title = text(&operation["tags"][0]);
            let entry = entry(method, path, operation);
            if let Some(group) = groups.iter_mut().find(|group| group.title == title) {
                group.operations.push(entry);
            } else {
                let mut late = group(&title);
                late.operations.push(entry);
                groups.push(late);
            }
        }
    }
    groups
}

fn group(title: &str) -> Group {
    Group {
        title: title.to_owned(),
        anchor: title.replace(' ', "-"),
        operations: Vec::new(),
    }
}

fn entry(method: &str, path: &str, operation: &Value) -> Entry {
    let none = serde_json::Map::new();
    let answers = operation["responses"].as_object().unwrap_or(&none).iter();
    let parameters = operation["parameters"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Entry {
        anchor: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: markup::html(&text(&operation["description"])),
        parameters: parameters.iter().map(parameter).collect(),
        body: content(&operation["requestBody"]),
        answers: answers
            .map(|(status, answer)| AnswerRow {
                status: status.clone(),
                description: text(&answer["description"]),
                kind: content(answer),
            })
            .collect(),
    }
}

fn parameter(it: &Value) -> Row {
    Row {
        name: text(&it["name"]),
        place: text(&it["in"]),
        kind: kind(&it["schema"]),
        needed: it["required"].as_bool().unwrap_or(false),
        description: markup::html(&text(&it["description"])),
    }
}

fn content(it: &Value) -> Option<Kind> {
    let (_, content) = it["content"].as_object()?.iter().next()?;
    Some(kind(&content["schema"]))
}

/// Every named shape, by name.
#[must_use]
pub fn shapes(document: &Value) -> Vec<Shape> {
    let none = serde_json::Map::new();
    let all = document["components"]["schemas"]
        .as_object()
        .unwrap_or(&none);
    all.iter()
        .map(|(name, schema)| {
            let mut fields = fields(schema);
            let mut others = Vec::new();
            for part in ["allOf", "oneOf"]
                .iter()
                .filter_map(|key| schema[*key].as_array())
                .flatten()
            {
                if part.get("$ref").is_some() {
                    others.push(kind(part));
                } else {
                    fields.extend(self::fields(part));
                }
            }
            let description = markup::html(&text(&schema["description"]));
            Shape {
                name: name.clone(),
                description,
                fields,
                others,
            }
        })
        .collect()
}

fn fields(schema: &Value) -> Vec<Row> {
    let none = serde_json::Map::new();
    let needed = schema["required"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let all = schema["properties"].as_object().unwrap_or(&none).iter();
    all.map(|(name, field)| Row {
        name: name.clone(),
        place: String::new(),
        kind: kind(field),
        needed: needed.iter().any(|it| it == name),
        description: markup::html(&text(&field["description"])),
    })
    .collect()
}

/// What a schema says a value is.
fn kind(schema: &Value) -> Kind {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or(name).to_owned();
        return Kind {
            text: String::new(),
            shape: name,
        };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let some = choices.iter().find(|choice| choice["type"] != "null");
        let inner = some.map(kind).unwrap_or_default();
        let null = if some.is_some() && choices.len() > 1 {
            " or null"
        } else {
            ""
        };
        return Kind {
            text: format!("{}{null}", inner.text),
            shape: inner.shape,
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().map(text).collect();
        return Kind {
            text: format!("one of {}", words.join(", ")),
            shape: String::new(),
        };
    }
    if schema["type"] == "array" {
        let inner = kind(&schema["items"]);
        return Kind {
            text: format!("list of {}", inner.text),
            shape: inner.shape,
        };
    }
    let names = match &schema["type"] {
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        name => text(name),
    };
    let format = schema["format"]
        .as_str()
        .map_or(String::new(), |it| format!(" ({it})"));
    Kind {
        text: format!("{names}{format}"),
        shape: String::new(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::openapi::openapi;

    #[test]
    fn every_operation_and_shape_is_shown() {
        let document = serde_json::to_value(openapi()).unwrap();
        let groups = groups(&document);
        let shown: usize = groups.iter().map(|group| group.operations.len()).sum();
        let paths = document["paths"].as_object().unwrap();
        let described: usize = paths
            .values()
            .map(|item| item.as_object().unwrap().len())
            .sum();
        assert_eq!(shown, described);
        let shapes = shapes(&document);
        for entry in groups.iter().flat_map(|group| &group.operations) {
            let kinds = entry
                .answers
                .iter()
                .filter_map(|a| a.kind.as_ref())
                .chain(&entry.body);
            for kind in kinds.filter(|kind| !kind.shape.is_empty()) {
                assert!(
                    shapes.iter().any(|shape| shape.name == kind.shape),
                    "{kind:?}"
                );
            }
        }
    }

    #[test]
    fn kinds_read_as_words() {
        let of = |text: &str| kind(&serde_json::from_str(text).unwrap()).text;
        assert_eq!(
            of(r#"{"type":["string","null"],"format":"date-time"}"#),
            "string or null (date-time)"
        );
        assert_eq!(of(r#"{"type":"string","enum":["a","b"]}"#), "one of a, b");
        assert_eq!(
            of(r#"{"type":"array","items":{"type":"string"}}"#),
            "list of string"
        );
    }
}
