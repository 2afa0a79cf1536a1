//! The keyed routes of an instance, and how each is asked without a key. Every path of every rule that
//! names the gate is one: the ingress controller merges the gate into each rule by itself, so that one
//! may have it in its newest form and another not yet.

use std::fmt::Write as _;

use kube::Client;
use kube::api::{Api, ListParams};
use model::cluster::Zone;
use service::ports::Target;

use crate::client::find;
use crate::failure::Failure;
use crate::resource::{ApisixRoute, RouteRule};
use crate::wish::GATE;

/// What is asked below a path that stands for many.
const BELOW: &str = "gate-proof";

/// A keyed route as it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `METHOD path`; with the host before the path where it is not the instance's own.
    pub name: String,
    pub method: http::Method,
    pub host: String,
    /// As it stands in a request.
    pub path: String,
}

impl Route {
    /// The first page of a host that is nobody's, to which every gateway has some answer.
    pub fn start(zone: &Zone) -> Self {
        Self {
            name: "GET /".to_owned(),
            method: http::Method::GET,
            host: format!("{BELOW}.{zone}"),
            path: "/".to_owned(),
        }
    }
}

/// Every keyed route, by name.
pub async fn routes(client: &Client, target: &Target) -> Result<Vec<Route>, Failure> {
    let api: Api<ApisixRoute> = Api::namespaced(client.clone(), &target.instance.namespace());
    let params = ListParams::default();
    let found = find(|| api.list(&params)).await?;
    let rules = found
        .into_iter()
        .flat_map(|list| list.items)
        .flat_map(|route| route.spec.http);
    Ok(keyed(rules, target))
}

fn keyed(rules: impl Iterator<Item = RouteRule>, target: &Target) -> Vec<Route> {
    let space = target.instance.namespace();
    let mut routes: Vec<Route> = rules
        .filter(|rule| rule.plugin_config_name == GATE)
        .filter(|rule| {
            rule.plugin_config_namespace.is_empty() || rule.plugin_config_namespace == space
        })
        .flat_map(|rule| of_rule(&rule, &target.host))
        .collect();
    routes.sort_by(|a, b| a.name.cmp(&b.name));
    routes.dedup();
    routes
}

fn of_rule(rule: &RouteRule, own: &str) -> Vec<Route> {
    let hosts = &rule.matches.hosts;
    let host = match hosts.first() {
        Some(first) if !hosts.iter().any(|host| host == own) => first.replace('*', BELOW),
        _ => own.to_owned(),
    };
    let method = method(&rule.matches.methods);
    let name = |path: &str| {
        if host == own {
            format!("{method} {path}")
        } else {
            format!("{method} {host}{path}")
        }
    };
    let paths = rule.matches.paths.iter();
    paths
        .map(|path| Route {
            name: name(path),
            method: method.clone(),
            host: host.clone(),
            path: asked(path),
        })
        .collect()
}

/// GET where it is allowed: should the gate be missing, the request reaches the agent and must change
/// nothing there.
fn method(methods: &[String]) -> http::Method {
    let get = || http::Method::GET;
    if methods.iter().any(|method| method == "GET") {
        return get();
    }
    methods
        .first()
        .and_then(|method| method.parse().ok())
        .unwrap_or_else(get)
}

/// A path that the rule answers to, with what cannot stand in a request line escaped.
fn asked(path: &str) -> String {
    let whole = match path.strip_suffix('*') {
        Some(prefix) => format!("{prefix}{BELOW}"),
        None => path.to_owned(),
    };
    let mut safe = String::with_capacity(whole.len());
    for byte in whole.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte) {
            safe.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(safe, "%{byte:02X}");
        }
    }
    if safe.starts_with('/') {
        safe
    } else {
        format!("/{safe}")
    }
}

#[cfg(test)]
mod tests {
    use model::cluster::ClusterAccess;
    use serde_json::{Value, json};

    use super::*;
    use crate::wish::samples::target;

    fn found(rules: Value) -> Vec<(String, String)> {
        let rules: Vec<RouteRule> = serde_json::from_value(rules).unwrap();
        keyed(rules.into_iter(), &target(ClusterAccess::InCluster))
            .into_iter()
            .map(|route| (route.name, format!("{} {}", route.host, route.path)))
            .collect()
    }

    #[test]
    fn every_path_behind_the_gate_is_asked_and_no_other() {
        let own = "k7mq2x9dr4ht.eu.example.org";
        let routes = found(json!([
            {"match": {"hosts": [own], "paths": ["/cloud-agent/*"]}, "plugin_config_name": "gate"},
            {"match": {"hosts": [own], "paths": ["/cloud-agent/_system/health"], "methods": ["HEAD", "GET"]},
                "plugin_config_name": "gate"},
            {"match": {"hosts": [own], "paths": ["/cloud-agent/docs/*"]}},
            {"match": {"hosts": [own], "paths": ["/x"]}, "plugin_config_name": "cors"},
            {"match": {"hosts": [own], "paths": ["/y"]}, "plugin_config_name": "gate",
                "plugin_config_namespace": "prismother"},
            {"match": null, "plugin_config_name": "gate"},
        ]));
        assert_eq!(
            routes,
            [
                (
                    "GET /cloud-agent/*".to_owned(),
                    format!("{own} /cloud-agent/gate-proof")
                ),
                (
                    "GET /cloud-agent/_system/health".to_owned(),
                    format!("{own} /cloud-agent/_system/health")
                ),
            ]
        );
    }

    #[test]
    fn unusual_rules_are_asked_as_they_are_written() {
        let routes = found(json!([
            {"match": {"paths": ["/a b/{id}"], "methods": ["POST"]}, "plugin_config_name": "gate"},
            {"match": {"hosts": ["*.other.org"], "paths": ["/*"]}, "plugin_config_name": "gate"},
        ]));
        assert_eq!(
            routes,
            [
                (
                    "GET gate-proof.other.org/*".to_owned(),
                    "gate-proof.other.org /gate-proof".to_owned()
                ),
                (
                    "POST /a b/{id}".to_owned(),
                    "k7mq2x9dr4ht.eu.example.org /a%20b/%7Bid%7D".to_owned()
                ),
            ]
        );
    }
}
