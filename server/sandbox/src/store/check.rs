//! What every object must be before it is stored.
//!
//! Real clusters check the whole schema; the checks here are the ones a client meets in practice:
//! names, the types of metadata, and the fields without which a controller could not work.

use crate::failure::Failure;
use crate::object;
use crate::resource::Kind;
use serde_json::Value;

/// Refuses an object that a real cluster would refuse.
pub fn object(kind: Kind, value: &Value) -> Result<(), Failure> {
    let name = object::name(value);
    let wrong = |field: &str, why: &str| Err(Failure::invalid(kind, name, field, why));
    if name.is_empty() {
        return wrong(
            "metadata.name",
            "Required value: name or generateName is required",
        );
    }
    if !is_name(kind, name) {
        return wrong(
            "metadata.name",
            &format!(
                "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case \
                 alphanumeric characters, '-' or '.', and must start and end with an alphanumeric \
                 character (e.g. 'example.com', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ),
        );
    }
    for field in ["labels", "annotations"] {
        match value["metadata"].get(field) {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) if map.values().all(Value::is_string) => {}
            Some(_) => {
                return wrong(
                    &format!("metadata.{field}"),
                    "Invalid value: must be a map of strings",
                );
            }
        }
    }
    for field in ["finalizers", "ownerReferences"] {
        let list = value["metadata"].get(field);
        let fits = |item: &Value| match field {
            "finalizers" => item.as_str().is_some_and(|text| !text.is_empty()),
            _ => item["uid"].is_string() && item["name"].is_string() && item["kind"].is_string(),
        };
        match list {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) if items.iter().all(fits) => {}
            Some(_) => {
                return wrong(
                    &format!("metadata.{field}"),
                    "Invalid value: not a list as declared",
                );
            }
        }
    }
    content(kind, name, value)
}

fn is_name(kind: Kind, name: &str) -> bool {
    if matches!(kind, Kind::VaultEntry | Kind::Role | Kind::RoleBinding) {
        return !name.contains('"') && name.len() <= 600;
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}

fn content(kind: Kind, name: &str, value: &Value) -> Result<(), Failure> {
    if value
        .get("spec")
        .is_some_and(|spec| !spec.is_object() && !spec.is_null())
    {
        let why = "Invalid value: spec in body must be of type object";
        return Err(Failure::invalid(kind, name, "spec", why));
    }
    let required: &[&str] = match kind {
        Kind::Application => &["/spec", "/spec/project", "/spec/destination"],
        Kind::AppProject | Kind::Postgresql | Kind::SecretStore | Kind::ClusterSecretStore => {
            &["/spec"]
        }
        Kind::Certificate => &["/spec", "/spec/issuerRef", "/spec/secretName"],
        Kind::Consumer => &["/spec/authParameter"],
        _ => &[],
    };
    for pointer in required {
        if value.pointer(pointer).is_none_or(Value::is_null) {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            return Err(Failure::invalid(kind, name, &field, "Required value"));
        }
    }
    typed(kind, name, value)
}

/// The fields whose type the controllers rely on.
fn typed(kind: Kind, name: &str, value: &Value) -> Result<(), Failure> {
    let texts: &[&str] = match kind {
        Kind::Application => &["/spec/project", "/spec/destination/namespace"],
        Kind::Certificate => &["/spec/secretName"],
        _ => &[],
    };
    let lists: &[&str] = match kind {
        Kind::Application => &["/spec/sources"],
        Kind::Route => &["/spec/http"],
        Kind::PluginConfig => &["/spec/plugins"],
        _ => &[],
    };
    let wrong = |pointer: &str, kind_name: &str| {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        let why = format!("Invalid value: {field} in body must be of type {kind_name}");
        Failure::invalid(kind, name, &field, &why)
    };
    for pointer in texts {
        if value
            .pointer(pointer)
            .is_some_and(|found| !found.is_string())
        {
            return Err(wrong(pointer, "string"));
        }
    }
    for pointer in lists {
        if value
            .pointer(pointer)
            .is_some_and(|found| !found.is_array())
        {
            return Err(wrong(pointer, "array"));
        }
    }
    if kind == Kind::Secret {
        for (key, found) in value["data"].as_object().into_iter().flatten() {
            use base64::Engine;
            let text = found.as_str().unwrap_or("?");
            if base64::engine::general_purpose::STANDARD
                .decode(text)
                .is_err()
            {
                let field = format!("data.{key}");
                return Err(Failure::invalid(
                    kind,
                    name,
                    &field,
                    "Invalid value: not base64",
                ));
            }
        }
    }
    Ok(())
}
