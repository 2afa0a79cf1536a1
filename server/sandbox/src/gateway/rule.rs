//! The rules of the cluster's routes, as the ingress controller makes them for the gateway.
//!
//! Each rule of an `ApisixRoute` becomes one item of the gateway, with the plugin configuration that
//! it names merged into it: that is why a whitelist and the generation beside it cannot be told apart
//! by any worker, while two rules of one instance can arrive at different times.

use super::plugins::{Named, Plugins};
use crate::object;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names a rule in the whole cluster: namespace, route and rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(Arc<str>);

impl RuleId {
    pub fn new(namespace: &str, route: &str, rule: &str) -> Self {
        Self(format!("{namespace}/{route}/{rule}").into())
    }

    /// The id that was written as text.
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Namespace and name of the route that it belongs to.
    pub fn route(&self) -> (&str, &str) {
        let mut parts = self.0.splitn(3, '/');
        (parts.next().unwrap_or(""), parts.next().unwrap_or(""))
    }
}

/// One rule, with its plugin configuration merged in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub namespace: String,
    /// In lower case.
    pub hosts: Vec<String>,
    pub priority: i64,
    pub methods: Vec<String>,
    /// Paths; a last `*` matches any rest.
    pub paths: Vec<String>,
    pub service: String,
    pub plugins: Plugins,
}

/// The rules that a route comes to; one that the gateway will refuse says why.
pub type Made = BTreeMap<RuleId, Result<Arc<Rule>, String>>;

/// Translates an `ApisixRoute`. `config` finds a plugin configuration by namespace and name; a rule
/// whose configuration is missing fails the whole route, as in the controller.
pub fn translate(
    route: &Value,
    config: impl Fn(&str, &str) -> Option<Value>,
) -> Result<Made, String> {
    let namespace = object::namespace(route);
    let mut made = Made::new();
    let rules = route.pointer("/spec/http").and_then(Value::as_array);
    for rule in rules.into_iter().flatten() {
        let mut named = Named::default();
        let name = object::text_or_empty(rule, "/plugin_config_name");
        if !name.is_empty() {
            let space = object::text(rule, "/plugin_config_namespace")
                .filter(|space| !space.is_empty())
                .unwrap_or(namespace);
            let found = config(space, name)
                .ok_or_else(|| format!("failed to get ApisixPluginConfig: {space}/{name}"))?;
            named.lay(&found["spec"]["plugins"]);
        }
        named.lay(&rule["plugins"]);
        named.authenticate(&rule["authentication"]);
        let id = RuleId::new(
            namespace,
            object::name(route),
            object::text_or_empty(rule, "/name"),
        );
        let read = named
            .read()
            .map(|plugins| Arc::new(one(rule, namespace, plugins)));
        if made.insert(id, read).is_some() {
            return Err("duplicate route rule name".to_owned());
        }
    }
    Ok(made)
}

fn one(rule: &Value, namespace: &str, plugins: Plugins) -> Rule {
    let hosts = texts(&rule["match"]["hosts"]);
    Rule {
        namespace: namespace.to_owned(),
        hosts: hosts.iter().map(|host| host.to_lowercase()).collect(),
        priority: object::number(rule, "/priority").unwrap_or(0),
        methods: texts(&rule["match"]["methods"]),
        paths: texts(&rule["match"]["paths"]),
        service: object::text_or_empty(rule, "/backends/0/serviceName").to_owned(),
        plugins,
    }
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn route(rules: &Value) -> Value {
        json!({"metadata": {"namespace": "n", "name": "r"}, "spec": {"http": rules}})
    }

    #[test]
    fn the_named_configuration_is_merged_into_each_rule() {
        let gate = json!({"spec": {"plugins": [
            {"name": "key-auth", "enable": true, "config": {"hide_credentials": true}}]}});
        let rules = json!([
            {"name": "a", "plugin_config_name": "gate", "match": {"hosts": ["A.b"], "paths": ["/*"]}},
            {"name": "b", "match": {"hosts": ["A.b"], "paths": ["/open"]}},
        ]);
        let find = |space: &str, name: &str| (space == "n" && name == "gate").then(|| gate.clone());
        let made = translate(&route(&rules), find).unwrap();
        let rule = |name: &str| made[&RuleId::new("n", "r", name)].clone().unwrap();
        assert_eq!(rule("a").plugins.key_auth, Some(true));
        assert_eq!(rule("a").hosts, ["a.b"]);
        assert_eq!(rule("b").plugins.key_auth, None);
        let missing = translate(&route(&rules), |_, _| None).unwrap_err();
        assert_eq!(missing, "failed to get ApisixPluginConfig: n/gate");
    }

    #[test]
    fn one_refused_rule_leaves_the_others() {
        let rules = json!([
            {"name": "a", "plugins": [{"name": "consumer-restriction", "enable": true,
                "config": {"whitelist": []}}]},
            {"name": "b"},
        ]);
        let made = translate(&route(&rules), |_, _| None).unwrap();
        assert!(made[&RuleId::new("n", "r", "a")].is_err());
        assert!(made[&RuleId::new("n", "r", "b")].is_ok());
        assert_eq!(RuleId::new("n", "r", "a/b").route(), ("n", "r"));
        let twice = json!([{"name": "a"}, {"name": "a"}]);
        assert!(translate(&route(&twice), |_, _| None).is_err());
    }
}
