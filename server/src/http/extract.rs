//! Extractors of the API: every way in which a request can be badly put is a problem with the field
//! and a sentence, never a framework's own text. Unknown fields and parameters are refused, so that a
//! misspelt one is noticed.

pub mod body;
pub mod id;
pub mod query;

pub use self::body::{Body, NoBody, OptionalBody};
pub use self::id::Id;
pub use self::query::Parameters;

use super::problem::{FieldProblem, Problem};

/// The problem of a value that does not fit, from what the decoder said of it.
fn misfit(path: &str, said: &str) -> Problem {
    let (field, message) = sentence(path, said);
    Problem::invalid(vec![FieldProblem { field, message }])
}

/// Turns the decoder's words into a field and a sentence.
fn sentence(path: &str, said: &str) -> (String, String) {
    let said = said.split(" at line ").next().unwrap_or(said);
    let quoted = said.split('`').nth(1).unwrap_or_default();
    let at = |name: &str| match path.strip_suffix(name) {
        // The path ends with the name already where the decoder had read it.
        Some(_) => path.to_owned(),
        None if path.is_empty() || path == "." || path == "?" => name.to_owned(),
        None => format!("{path}.{name}"),
    };
    if said.starts_with("unknown field") {
        let known = said
            .split_once("expected ")
            .map_or("", |(_, rest)| rest)
            .replace('`', "");
        let known = known.trim_start_matches("one of ").to_owned();
        let hint = if known.is_empty() {
            "None is expected.".to_owned()
        } else {
            format!("Known are: {known}.")
        };
        (at(quoted), format!("There is no such field. {hint}"))
    } else if said.starts_with("missing field") {
        (at(quoted), "This field is needed.".to_owned())
    } else if said.starts_with("duplicate field") {
        (at(quoted), "This field is given twice.".to_owned())
    } else {
        let field = if path == "." { "body" } else { path };
        let said = said.strip_prefix("invalid type: ").unwrap_or(said);
        (field.to_owned(), format!("This does not fit: {said}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_words_become_sentences() {
        let unknown = "unknown field `nmae`, expected `name` at line 1 column 7";
        assert_eq!(sentence("nmae", unknown).0, "nmae");
        assert!(sentence("nmae", unknown).1.ends_with("Known are: name."));
        assert_eq!(
            sentence(".", "missing field `name` at line 1 column 2").0,
            "name"
        );
        assert_eq!(sentence("chart", "missing field `path`").0, "chart.path");
        let (field, message) = sentence(
            "name",
            "invalid type: integer `5`, expected a string at line 1",
        );
        assert_eq!(
            (field.as_str(), message.as_str()),
            ("name", "This does not fit: integer `5`, expected a string.")
        );
    }
}
