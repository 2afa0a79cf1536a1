//! One entry of the Secrets Manager and its versions.
//!
//! A version is named by the request's token: the same token with the same value is the same
//! request, with another value an error. `AWSCURRENT` and `AWSPREVIOUS` move as the service moves
//! them.

use super::Refusal;
use crate::clock;
use crate::object;
use serde_json::{Value, json};

const MOST_BYTES: usize = 65_536;

/// The value in a request, kept as it came: `SecretString` or `SecretBinary`.
pub fn value(input: &Value) -> Result<Option<Value>, Refusal> {
    let (text, binary) = (
        input["SecretString"].as_str(),
        input["SecretBinary"].as_str(),
    );
    let value = match (text, binary) {
        (Some(_), Some(_)) => {
            let why = "You can't specify both a binary secret value and a string secret value.";
            return Err(Refusal::new("InvalidParameterException", why));
        }
        (Some(text), None) => json!({"SecretString": text}),
        (None, Some(binary)) => json!({"SecretBinary": binary}),
        (None, None) => return Ok(None),
    };
    if text
        .or(binary)
        .is_some_and(|content| content.len() > MOST_BYTES)
    {
        let why = "Member must have length less than or equal to 65536";
        return Err(Refusal::new("ValidationException", why));
    }
    Ok(Some(value))
}

/// The version id of a request: its token, or one made for it.
pub fn token(input: &Value, fresh: impl FnOnce() -> String) -> Result<String, Refusal> {
    match input.get("ClientRequestToken") {
        None | Some(Value::Null) => Ok(fresh()),
        Some(Value::String(text)) if (32..=64).contains(&text.len()) => Ok(text.clone()),
        Some(_) => Err(Refusal::new(
            "InvalidParameterException",
            "ClientRequestToken must be 32-64 characters long.",
        )),
    }
}

/// The version of an id.
pub fn version<'a>(entry: &'a Value, id: &str) -> Option<&'a Value> {
    versions(entry).iter().find(|version| version["id"] == id)
}

fn versions(entry: &Value) -> &[Value] {
    entry["versions"].as_array().map_or(&[], Vec::as_slice)
}

/// The version with a stage.
pub fn staged<'a>(entry: &'a Value, stage: &str) -> Option<&'a Value> {
    versions(entry).iter().find(|version| {
        version["stages"]
            .as_array()
            .is_some_and(|stages| stages.contains(&json!(stage)))
    })
}

/// Adds a version and moves the stages; the same id with the same value changes nothing.
pub fn add(entry: &mut Value, id: &str, value: &Value, stages: &[String]) -> Result<(), Refusal> {
    if let Some(there) = version(entry, id) {
        if there["value"] == *value {
            return Ok(());
        }
        return Err(Refusal::new(
            "ResourceExistsException",
            "You can't use ClientRequestToken more than once with a different secret value: the \
             token already names another version.",
        ));
    }
    let current = staged(entry, "AWSCURRENT").map(|version| version["id"].clone());
    let takes_current = stages.iter().any(|stage| stage == "AWSCURRENT");
    if let Some(list) = object::slot(entry, &["versions"], || json!([])).as_array_mut() {
        for version in list.iter_mut() {
            let was_current = current.as_ref() == Some(&version["id"]);
            let Some(held) = version["stages"].as_array_mut() else {
                continue;
            };
            held.retain(|stage| !stages.iter().any(|moved| stage == moved.as_str()));
            if takes_current {
                held.retain(|stage| stage != "AWSPREVIOUS");
                if was_current {
                    held.push(json!("AWSPREVIOUS"));
                }
            }
        }
        list.push(json!({
            "id": id, "stages": stages, "value": value, "created": clock::epoch_seconds(),
        }));
    }
    entry["changed"] = json!(clock::epoch_seconds());
    Ok(())
}

/// Versions by id with their stages, as `DescribeSecret` lists them.
pub fn stages(entry: &Value) -> Value {
    let mut all = json!({});
    for version in versions(entry) {
        if version["stages"]
            .as_array()
            .is_some_and(|stages| !stages.is_empty())
        {
            all[object::text_or_empty(version, "/id")] = version["stages"].clone();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_makes_a_version_once() {
        let mut entry = json!({});
        let current = ["AWSCURRENT".to_owned()];
        let (one, two) = (json!({"SecretString": "1"}), json!({"SecretString": "2"}));
        add(&mut entry, "a", &one, &current).unwrap();
        add(&mut entry, "a", &one, &current).unwrap();
        assert_eq!(
            add(&mut entry, "a", &two, &current).unwrap_err().code,
            "ResourceExistsException"
        );
        add(&mut entry, "b", &two, &current).unwrap();
        assert_eq!(
            stages(&entry),
            json!({"a": ["AWSPREVIOUS"], "b": ["AWSCURRENT"]})
        );
        assert_eq!(staged(&entry, "AWSCURRENT").unwrap()["value"], two);
    }
}
