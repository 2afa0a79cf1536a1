//! The `OpenAPI` documents, as small as clients can use.
//!
//! `kubectl` reads them to learn that validation happens on the server and to find kinds; the
//! schemas say no more than "an object".

use crate::failure::Failure;
use crate::resource::{Definition, groups, served};
use serde_json::{Value, json};

/// The list of documents, one per group and version.
pub fn index() -> Value {
    let mut paths = json!({});
    for (group, version) in groups() {
        let place = place(group, version);
        paths[&place] = json!({"serverRelativeURL": format!("/openapi/v3/{place}?hash=1")});
    }
    json!({"paths": paths})
}

fn place(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

/// The document of one group and version.
pub fn group(path: &[&str]) -> Result<Value, Failure> {
    let (group, version) = match path {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return Err(Failure::no_such_path()),
    };
    if !groups().contains(&(group, version)) {
        return Err(Failure::no_such_path());
    }
    let (mut paths, mut schemas) = (json!({}), json!({}));
    for row in served().filter(|row| row.group == group && row.version == version) {
        let scope = if row.namespaced {
            "/namespaces/{namespace}"
        } else {
            ""
        };
        let path = format!("/{}{scope}/{}/{{name}}", place(group, version), row.plural);
        paths[&path] = json!({"patch": operation(row), "put": operation(row)});
        schemas[format!("{}.{}.{}", row.group, row.version, row.name)] = json!({
            "type": "object",
            "x-kubernetes-group-version-kind": [gvk(row)],
            "x-kubernetes-preserve-unknown-fields": true,
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
        });
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.34.2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }))
}

fn gvk(row: &Definition) -> Value {
    json!({"group": row.group, "version": row.version, "kind": row.name})
}

fn operation(row: &Definition) -> Value {
    let query = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    json!({
        "x-kubernetes-group-version-kind": gvk(row),
        "parameters": [query("fieldValidation"), query("fieldManager"), query("dryRun"), query("force")],
        "responses": {"200": {"description": "OK"}},
    })
}
