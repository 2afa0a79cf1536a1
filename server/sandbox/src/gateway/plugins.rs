//! The plugins of one rule, checked as the gateway checks them when they arrive.
//!
//! A configuration that the gateway's schema refuses is refused here with the gateway's words, and
//! then nothing of the rule changes: an empty whitelist leaves the old one in force. Plugins that the
//! simulation does not carry out are let through unread.

use crate::object;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The plugins that the simulation carries out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plugins {
    /// `key-auth`, and whether it hides the key from the agent.
    pub key_auth: Option<bool>,
    pub restriction: Option<Restriction>,
    /// `response-rewrite`: headers set on every answer, with variables.
    pub headers: Vec<(String, String)>,
    /// `response-rewrite`: headers that no answer has.
    pub hidden: Vec<String>,
    /// `request-id`: every answer carries the id of its request.
    pub request_id: bool,
    /// `fault-injection`: the code that the gateway answers with instead of asking anybody.
    pub abort: Option<u16>,
    /// `redirect`: target and code.
    pub redirect: Option<(String, u16)>,
    /// `uri-blocker`: parts of a path that are refused, and the code.
    pub blocked: Option<(Vec<String>, u16)>,
}

/// `consumer-restriction` by consumer name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    pub whitelist: Vec<String>,
    pub blacklist: Vec<String>,
    pub code: u16,
}

/// Configurations by the name of their plugin: what a rule comes to.
#[derive(Default)]
pub struct Named(BTreeMap<String, Value>);

impl Named {
    /// Lays the enabled plugins of a list over these; the later one of a name wins as a whole.
    pub fn lay(&mut self, list: &Value) {
        for plugin in list.as_array().into_iter().flatten() {
            if plugin["enable"] != false {
                let name = object::text_or_empty(plugin, "/name");
                self.0.insert(name.to_owned(), plugin["config"].clone());
            }
        }
    }

    /// What `authentication` of a rule asks for replaces the plugin of that name.
    pub fn authenticate(&mut self, authentication: &Value) {
        if authentication["enable"] == true && authentication["type"] == "keyAuth" {
            let config = match &authentication["keyAuth"] {
                Value::Null => json!({}),
                config => config.clone(),
            };
            self.0.insert("key-auth".to_owned(), config);
        }
    }

    /// Reads them, or says which one the gateway refuses.
    pub fn read(&self) -> Result<Plugins, String> {
        let mut plugins = Plugins::default();
        for (name, config) in &self.0 {
            plugins.plug(name, config).map_err(|why| {
                format!("failed to check the configuration of plugin {name} err: {why}")
            })?;
        }
        Ok(plugins)
    }
}

impl Plugins {
    fn plug(&mut self, name: &str, config: &Value) -> Result<(), String> {
        match name {
            "key-auth" => self.key_auth = Some(config["hide_credentials"] == true),
            "consumer-restriction" => self.restriction = Some(restriction(config)?),
            "response-rewrite" => {
                self.headers = headers(&config["headers"])?;
                self.hidden = list(&config["headers"], "remove")?.unwrap_or_default();
            }
            "request-id" => self.request_id = config["include_in_response"] != false,
            "fault-injection" if config["abort"].is_object() => {
                self.abort = Some(code(&config["abort"], "http_status", 200)?);
            }
            "redirect" => {
                if let Some(uri) = config["uri"].as_str() {
                    self.redirect = Some((uri.to_owned(), code(config, "ret_code", 302)?));
                }
            }
            "uri-blocker" => {
                let rules =
                    list(config, "block_rules")?.ok_or("property \"block_rules\" is required")?;
                self.blocked = Some((rules, code(config, "rejected_code", 403)?));
            }
            _ => {}
        }
        Ok(())
    }
}

fn restriction(config: &Value) -> Result<Restriction, String> {
    let (whitelist, blacklist) = (list(config, "whitelist")?, list(config, "blacklist")?);
    if whitelist.is_none() && blacklist.is_none() {
        return Err("value should match at least one of: whitelist, blacklist".to_owned());
    }
    Ok(Restriction {
        whitelist: whitelist.unwrap_or_default(),
        blacklist: blacklist.unwrap_or_default(),
        code: code(config, "rejected_code", 403)?,
    })
}

/// A list of texts: none where it is not given, refused where it is empty.
fn list(config: &Value, field: &str) -> Result<Option<Vec<String>>, String> {
    let wrong = |why: &str| format!("property \"{field}\" validation failed: {why}");
    let items = match &config[field] {
        Value::Null => return Ok(None),
        Value::Array(items) if items.is_empty() => {
            return Err(wrong("expect array to have at least 1 items"));
        }
        Value::Array(items) => items,
        _ => return Err(wrong("wrong type: expected array")),
    };
    let texts = items.iter().map(|item| {
        let text = item.as_str().map(str::to_owned);
        text.ok_or_else(|| wrong("wrong type: expected string"))
    });
    texts.collect::<Result<_, _>>().map(Some)
}

fn code(config: &Value, field: &str, usual: u16) -> Result<u16, String> {
    match &config[field] {
        Value::Null => Ok(usual),
        number => number
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (200..=999).contains(code))
            .ok_or_else(|| {
                format!(
                    "property \"{field}\" validation failed: expected an integer of at least 200"
                )
            }),
    }
}

fn headers(config: &Value) -> Result<Vec<(String, String)>, String> {
    let all = match config {
        Value::Null => return Ok(Vec::new()),
        Value::Object(all) => all,
        _ => {
            let why = "property \"headers\" validation failed: wrong type: expected object";
            return Err(why.to_owned());
        }
    };
    let set = match all.get("set") {
        Some(set) => set.as_object().unwrap_or(all),
        None if all.contains_key("remove") => return Ok(Vec::new()),
        None => all,
    };
    let texts = set
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Ok(texts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lists: &[Value]) -> Result<Plugins, String> {
        let mut named = Named::default();
        for list in lists {
            named.lay(list);
        }
        named.read()
    }

    #[test]
    fn a_later_plugin_of_a_name_replaces_the_earlier_one_as_a_whole() {
        let gate = json!([
            {"name": "response-rewrite", "enable": true,
                "config": {"headers": {"set": {"x-gate": "1.$pid", "x-frame-options": "DENY"}}}},
            {"name": "key-auth", "enable": true, "config": {"hide_credentials": true}},
        ]);
        let own = json!([{"name": "response-rewrite", "enable": true,
            "config": {"headers": {"set": {"x-own": "1"}}}}]);
        let plugins = read(&[gate.clone(), own]).unwrap();
        assert_eq!(plugins.headers, [("x-own".to_owned(), "1".to_owned())]);
        assert_eq!(plugins.key_auth, Some(true));
        let off = json!([{"name": "response-rewrite", "enable": false, "config": {}}]);
        assert_eq!(read(&[gate, off]).unwrap().headers.len(), 2);
    }

    #[test]
    fn headers_are_taken_away_and_requests_are_numbered_or_cut_off() {
        let plugins = read(&[json!([
            {"name": "response-rewrite", "enable": true,
                "config": {"headers": {"set": {"x-own": "1"}, "remove": ["server"]}}},
            {"name": "request-id", "enable": true, "config": {"include_in_response": true}},
            {"name": "fault-injection", "enable": true, "config": {"abort": {"http_status": 404}}},
        ])])
        .unwrap();
        assert_eq!(plugins.hidden, ["server"]);
        assert_eq!((plugins.request_id, plugins.abort), (true, Some(404)));
        assert_eq!(plugins.headers.len(), 1);
        let before: Plugins = serde_json::from_value(json!({"key_auth": true})).unwrap();
        assert_eq!(before.key_auth, Some(true), "what an older state holds");
    }

    #[test]
    fn authentication_of_a_rule_takes_the_place_of_the_plugin() {
        let mut named = Named::default();
        named.lay(&json!([{"name": "key-auth", "enable": true,
            "config": {"hide_credentials": true}}]));
        named.authenticate(&json!({"enable": true, "type": "keyAuth"}));
        assert_eq!(named.read().unwrap().key_auth, Some(false));
    }

    #[test]
    fn what_the_schema_refuses_is_refused_in_its_words() {
        let with = |config: Value| {
            read(&[json!([{"name": "consumer-restriction", "enable": true, "config": config}])])
        };
        let empty = with(json!({"whitelist": []})).unwrap_err();
        assert_eq!(
            empty,
            "failed to check the configuration of plugin consumer-restriction err: property \
             \"whitelist\" validation failed: expect array to have at least 1 items"
        );
        for wrong in [
            json!({}),
            json!({"whitelist": "a"}),
            json!({"whitelist": [1]}),
            json!({"whitelist": ["a"], "rejected_code": 99}),
        ] {
            assert!(with(wrong.clone()).is_err(), "{wrong}");
        }
        assert_eq!(
            with(json!({"blacklist": ["a"]}))
                .unwrap()
                .restriction
                .unwrap()
                .code,
            403
        );
    }
}
