//! The configuration of the gateway, translated from the cluster's objects.
//!
//! A state is immutable and shared; the parts of instances that did not change are the same
//! allocation in the next state. The key space is global, as in APISIX: two consumers with one key
//! are told apart by nobody, and the one loaded last answers to it.

use crate::object;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Everything a worker needs to answer.
#[derive(Default, Clone)]
pub struct Config {
    /// Grows with every state, so that a late arrival cannot undo a newer one.
    pub serial: u64,
    pub hosts: HashMap<String, BTreeMap<String, Arc<Vec<Rule>>>>,
    /// Consumer by key, over all tenants.
    pub keys: HashMap<String, Arc<str>>,
}

/// One rule of an `ApisixRoute`, with its plugin configuration merged in.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    pub namespace: String,
    pub priority: i64,
    pub methods: Vec<String>,
    /// Paths; a last `*` matches any rest.
    pub paths: Vec<String>,
    pub service: String,
    pub plugins: Plugins,
}

/// The plugins that the simulation carries out.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// `key-auth`, and whether it hides the key from the agent.
    pub key_auth: Option<bool>,
    pub restriction: Option<Restriction>,
    /// `response-rewrite`: headers set on every answer, with variables.
    pub headers: Vec<(String, String)>,
    /// `redirect`: target and code.
    pub redirect: Option<(String, u16)>,
    /// `uri-blocker`: parts of a path that are refused, and the code.
    pub blocked: Option<(Vec<String>, u16)>,
}

/// `consumer-restriction` by consumer name.
#[derive(Clone, Debug)]
pub struct Restriction {
    pub whitelist: Vec<String>,
    pub blacklist: Vec<String>,
    pub code: u16,
}

impl Plugins {
    /// Lays the plugins of a list over these; a later one of a name wins.
    pub fn add(&mut self, list: &Value) {
        for plugin in list.as_array().into_iter().flatten() {
            if plugin["enable"] != false {
                self.plug(object::text_or_empty(plugin, "/name"), &plugin["config"]);
            }
        }
    }

    fn plug(&mut self, name: &str, config: &Value) {
        let code = |field: &str, usual: u16| {
            config[field]
                .as_u64()
                .and_then(|code| u16::try_from(code).ok())
                .unwrap_or(usual)
        };
        match name {
            "key-auth" => self.key_auth = Some(config["hide_credentials"] == true),
            "consumer-restriction" => {
                self.restriction = Some(Restriction {
                    whitelist: texts(&config["whitelist"]),
                    blacklist: texts(&config["blacklist"]),
                    code: code("rejected_code", 403),
                });
            }
            "response-rewrite" => {
                let headers = &config["headers"];
                let set = if headers["set"].is_object() {
                    &headers["set"]
                } else {
                    headers
                };
                for (name, value) in set.as_object().into_iter().flatten() {
                    if let Some(text) = value.as_str() {
                        self.headers.push((name.clone(), text.to_owned()));
                    }
                }
            }
            "redirect" => {
                if let Some(uri) = config["uri"].as_str() {
                    self.redirect = Some((uri.to_owned(), code("ret_code", 302)));
                }
            }
            "uri-blocker" => {
                self.blocked = Some((texts(&config["block_rules"]), code("rejected_code", 403)));
            }
            _ => {}
        }
    }
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The rules of one `ApisixRoute` by host. `gate` finds a plugin configuration of the same
/// namespace; a rule whose configuration is missing fails the whole route, as in the controller.
pub fn translate(
    route: &Value,
    gate: impl Fn(&str) -> Option<Value>,
) -> Result<BTreeMap<String, Vec<Rule>>, String> {
    let mut hosts: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for rule in route
        .pointer("/spec/http")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let mut plugins = Plugins::default();
        if let Some(name) =
            object::text(rule, "/plugin_config_name").filter(|name| !name.is_empty())
        {
            let config =
                gate(name).ok_or_else(|| format!("ApisixPluginConfig \"{name}\" not found"))?;
            plugins.add(&config["spec"]["plugins"]);
        }
        plugins.add(&rule["plugins"]);
        if rule.pointer("/authentication/enable") == Some(&Value::Bool(true))
            && rule
                .pointer("/authentication/type")
                .is_some_and(|kind| kind == "keyAuth")
        {
            plugins.key_auth.get_or_insert(false);
        }
        let made = Rule {
            namespace: object::namespace(route).to_owned(),
            priority: object::number(rule, "/priority").unwrap_or(0),
            methods: texts(&rule["match"]["methods"]),
            paths: texts(&rule["match"]["paths"]),
            service: object::text_or_empty(rule, "/backends/0/serviceName").to_owned(),
            plugins,
        };
        for host in texts(&rule["match"]["hosts"]) {
            hosts
                .entry(host.to_lowercase())
                .or_default()
                .push(made.clone());
        }
    }
    Ok(hosts)
}
