//! Overrides: Helm values of one instance that differ from the defaults. They are a YAML map, they
//! may not touch what decides who the instance is, which images run or who is let in, and they
//! contain no secrets, only the names of secrets.

use serde_json::{Map, Value};

/// Largest text in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// What is wrong with an override text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOverrides {
    /// More than [`MAX_BYTES`].
    #[error("Use at most 64 KiB.")]
    TooLong,
    /// Not YAML.
    #[error("This is not valid YAML: {0}")]
    Syntax(String),
    /// YAML, but not a map.
    #[error("Write a map of values, such as `agent:` with its values indented below it.")]
    NotAMap,
    /// A value that only the control plane sets.
    #[error("{0} is set by the control plane; remove it.")]
    Reserved(String),
    /// An image, registry or authentication value outside the allow-list.
    #[error(
        "{0} decides which image runs or who is let in; it comes from the release and cannot be overridden."
    )]
    Refused(String),
    /// A value that looks like a secret.
    #[error("{0} looks like a secret. Put it into Secrets Manager and name it here by secretName.")]
    Secret(String),
}

/// Keys below which the control plane alone writes.
const RESERVED: [&str; 4] = ["instance", "release", "gate", "global"];

/// Words that, as a key, decide images, registries or authentication.
const REFUSED: [&str; 14] = [
    "image",
    "images",
    "repository",
    "registry",
    "tag",
    "digest",
    "imagepullsecrets",
    "auth",
    "authentication",
    "keyauth",
    "consumers",
    "plugins",
    "pluginconfigname",
    "initcontainers",
];

/// Paths that may be set although a word of [`REFUSED`] is in them.
const ALLOWED: [&str; 4] = [
    "agent.image.pullPolicy",
    "enterpriseAgent.image.pullPolicy",
    "registryNode.image.pullPolicy",
    "imagePullPolicy",
];

/// Words that, within a key, mark a secret.
const SECRET: [&str; 8] = [
    "password",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "seed",
    "credential",
];

/// Ends of keys that name a secret instead of holding it.
const NAMES: [&str; 6] = ["name", "ref", "store", "key", "backend", "prefix"];

/// Parsed overrides: what goes into Helm's values, nothing when the text is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides(Map<String, Value>);

impl Overrides {
    /// Parses and checks a text.
    ///
    /// # Errors
    /// See [`InvalidOverrides`]; the first thing found, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, InvalidOverrides> {
        if text.len() > MAX_BYTES {
            return Err(InvalidOverrides::TooLong);
        }
        let bare = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        if text.lines().all(bare) {
            return Ok(Self::default());
        }
        let value: Value = serde_saphyr::from_str(text)
            .map_err(|error| InvalidOverrides::Syntax(first_line(&error.to_string())))?;
        let Value::Object(map) = value else {
            return Err(InvalidOverrides::NotAMap);
        };
        if let Some(key) = map.keys().find(|key| RESERVED.contains(&key.as_str())) {
            return Err(InvalidOverrides::Reserved(key.clone()));
        }
        check(&map, "")?;
        Ok(Self(map))
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Every leaf as dotted path and JSON text, in order.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (key, value) in &self.0 {
            leaves(value, key, &mut out);
        }
        out
    }
}

fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or("")
        .chars()
        .take(200)
        .collect()
}

fn check(map: &Map<String, Value>, above: &str) -> Result<(), InvalidOverrides> {
    for (key, value) in map {
        let path = if above.is_empty() {
            key.clone()
        } else {
            format!("{above}.{key}")
        };
        let word: String = key
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_lowercase();
        // A map on the way to an allowed path may stand; what else it holds is checked below it.
        let allowed = ALLOWED.contains(&path.as_str())
            || (value.is_object() && ALLOWED.iter().any(|a| a.starts_with(&format!("{path}."))));
        if REFUSED.contains(&word.as_str()) && !allowed {
            return Err(InvalidOverrides::Refused(path));
        }
        let secret = SECRET.iter().any(|s| word.contains(s));
        let named = NAMES.iter().any(|n| word.ends_with(n))
            && !word.ends_with("apikey")
            && !word.ends_with("privatekey");
        if secret && !named && matches!(value, Value::String(text) if !text.is_empty()) {
            return Err(InvalidOverrides::Secret(path));
        }
        check_value(value, &path)?;
    }
    Ok(())
}

fn check_value(value: &Value, path: &str) -> Result<(), InvalidOverrides> {
    match value {
        Value::Object(map) => check(map, path),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check_pair(item, path)?;
                check_value(item, &format!("{path}[{at}]"))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A list of `{name, value}` pairs (environment variables) can hide a secret as well.
fn check_pair(item: &Value, path: &str) -> Result<(), InvalidOverrides> {
    let (Some(name), Some(value)) = (item.get("name"), item.get("value")) else {
        return Ok(());
    };
    let word = name
        .as_str()
        .unwrap_or("")
        .replace(['_', '-'], "")
        .to_lowercase();
    if SECRET.iter().any(|s| word.contains(s)) && value.as_str().is_some_and(|v| !v.is_empty()) {
        return Err(InvalidOverrides::Secret(format!(
            "{path} {}",
            name.as_str().unwrap_or("")
        )));
    }
    Ok(())
}

fn leaves(value: &Value, path: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(value, &format!("{path}.{key}"), out);
            }
        }
        other => out.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> InvalidOverrides {
        Overrides::parse(text).unwrap_err()
    }

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "  \n", "# only a comment\n", "{}"] {
            let parsed = Overrides::parse(text).unwrap();
            assert_eq!(parsed, Overrides::default(), "{text:?}");
            assert!(parsed.leaves().is_empty());
        }
    }

    #[test]
    fn values_are_kept_and_listed() {
        let text = "agent:\n  resources:\n    requests: {memory: 1Gi}\n  replicas: 2\n  image:\n    pullPolicy: Always\n";
        let overrides = Overrides::parse(text).unwrap();
        let leaves = overrides.leaves();
        assert!(
            leaves.contains(&("agent.replicas".into(), "2".into())),
            "{leaves:?}"
        );
        assert!(leaves.contains(&("agent.resources.requests.memory".into(), "\"1Gi\"".into())));
    }

    #[test]
    fn what_is_not_a_map_of_values_is_refused() {
        assert_eq!(error("- a\n- b"), InvalidOverrides::NotAMap);
        assert_eq!(error("just text"), InvalidOverrides::NotAMap);
        assert!(matches!(error("a: [1"), InvalidOverrides::Syntax(_)));
        assert_eq!(error(&"x".repeat(MAX_BYTES + 1)), InvalidOverrides::TooLong);
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
        assert!(Overrides::parse(bomb).is_err());
        assert!(Overrides::parse(&"[".repeat(5000)).is_err());
    }

    #[test]
    fn identity_images_and_authentication_are_not_overridden() {
        assert_eq!(
            error("instance: {id: other}"),
            InvalidOverrides::Reserved("instance".into())
        );
        assert_eq!(
            error("release: {version: 2.2.0}"),
            InvalidOverrides::Reserved("release".into())
        );
        for text in [
            "agent: {image: {repository: evil}}",
            "agent: {image: evil}",
            "ingress: {auth: {enable: false}}",
            "x: {imagePullSecrets: [a]}",
            "a: [{initContainers: []}]",
        ] {
            assert!(
                matches!(error(text), InvalidOverrides::Refused(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn secrets_are_named_not_held() {
        for text in [
            "agent: {adminToken: abc}",
            "db: {password: x}",
            "a: {walletSeed: '00'}",
            "a: {api_key: k}",
            "agent: {env: [{name: ADMIN_TOKEN, value: abc}]}",
        ] {
            assert!(matches!(error(text), InvalidOverrides::Secret(_)), "{text}");
        }
        for text in [
            "agent: {passwordSecretName: x}",
            "secrets: {store: y}",
            "a: {secretRef: {name: z}}",
            "a: {tokenExpiryMinutes: 5}",
        ] {
            assert!(Overrides::parse(text).is_ok(), "{text}");
        }
    }
}
