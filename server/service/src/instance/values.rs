//! Helm values: whether an override text may be used, and which layer each value comes from. The
//! order is chart defaults, release, override file in Git, console overrides, identity; the last wins.

use model::overrides::Overrides;
use model::release::Release;
use model::view::ValueOrigin;
use serde_json::Value;
use store::instance::Instance;

/// Checks an override text by the allow-list and, where the chart has one, by its values schema. A
/// part of the values is checked, so what the schema requires may be missing.
pub(crate) fn check(text: &str, schema: Option<&str>) -> Result<Overrides, String> {
    let overrides = Overrides::parse(text).map_err(|why| why.to_string())?;
    if text.contains('\0') {
        return Err("Remove the NUL character.".to_owned());
    }
    let Some(schema) = schema.filter(|_| !overrides.values().is_empty()) else {
        return Ok(overrides);
    };
    let usable = serde_json::from_str(schema).ok().and_then(|schema: Value| {
        jsonschema::validator_for(&schema)
            .inspect_err(
                |error| tracing::warn!(%error, "The chart's values schema cannot be used."),
            )
            .ok()
    });
    let Some(validator) = usable else {
        return Ok(overrides);
    };
    let values = Value::Object(overrides.values().clone());
    let wrong: Vec<String> = validator
        .iter_errors(&values)
        .filter(|error| {
            !matches!(
                error.kind(),
                jsonschema::error::ValidationErrorKind::Required { .. }
            )
        })
        .take(5)
        .map(|error| {
            let path = error
                .instance_path()
                .as_str()
                .trim_start_matches('/')
                .replace('/', ".");
            if path.is_empty() {
                format!("{error}.")
            } else {
                format!("{path}: {error}.")
            }
        })
        .collect();
    if wrong.is_empty() {
        Ok(overrides)
    } else {
        Err(wrong.join(" "))
    }
}

fn origin(path: &str, value: impl Into<String>, origin: &str) -> ValueOrigin {
    ValueOrigin {
        path: path.to_owned(),
        value: value.into(),
        origin: origin.to_owned(),
    }
}

/// Where each value that differs from the chart's defaults comes from. What an override file in Git
/// holds is only known to Argo CD; that it would be read, and from where, is said.
pub(crate) fn origins(
    instance: Option<&Instance>,
    release: Option<&Release>,
    overrides: &Overrides,
) -> Vec<ValueOrigin> {
    let mut all = Vec::new();
    if let Some(release) = release {
        all.push(origin("chart", release.chart_revision.as_str(), "release"));
        for (component, image) in &release.images {
            all.push(origin(
                &format!("{component}.image"),
                image.as_str(),
                "release",
            ));
        }
    }
    let source = instance
        .and_then(|i| i.settings.as_ref())
        .and_then(|s| s.overrides.as_ref());
    if let (Some(instance), Some(source)) = (instance, source) {
        let path = format!("overrides/{}.yaml", instance.id);
        let value = format!(
            "{} at {}, when the file is there",
            source.repo_url, source.revision
        );
        all.push(origin(&path, value, "override file"));
    }
    for (path, value) in overrides.leaves() {
        all.push(origin(&path, value, "console"));
    }
    if let Some(instance) = instance {
        let host = instance.host.as_deref().unwrap_or("not placed yet");
        all.push(origin("instance.id", instance.id.as_str(), "identity"));
        all.push(origin("instance.host", host, "identity"));
        all.push(origin(
            "instance.tenant",
            instance.tenant_id.to_string(),
            "identity",
        ));
        all.push(origin(
            "instance.purpose",
            instance.purpose.as_str(),
            "identity",
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type": "object", "required": ["instance"], "additionalProperties": false,
        "properties": {"instance": {}, "agent": {"type": "object", "properties": {"replicas": {"type": "integer"}}}}}"#;

    #[test]
    fn the_schema_is_asked_about_what_is_there() {
        assert!(check("agent: {replicas: 2}", Some(SCHEMA)).is_ok());
        assert!(check("", Some(SCHEMA)).is_ok());
        let wrong = check("agent: {replicas: two}", Some(SCHEMA)).unwrap_err();
        assert!(wrong.starts_with("agent.replicas: "), "{wrong}");
        assert!(
            check("agnt: {}", Some(SCHEMA))
                .unwrap_err()
                .contains("agnt")
        );
        assert!(
            check("- a", Some(SCHEMA))
                .unwrap_err()
                .contains("map of values")
        );
        assert!(check("agent: {replicas: two}", Some("no schema")).is_ok());
    }
}
