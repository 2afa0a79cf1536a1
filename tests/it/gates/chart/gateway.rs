//! The way in: which requests need a key, which need none, and that the gate stays the control plane's. A
//! plugin of a rule wins over one of that name in the gate, so a keyed rule may have none of the gate's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::cases::{ID, rendered, with};
use super::helm::of;

/// The plugins of the gate, as the control plane writes it.
const OF_THE_GATE: [&str; 3] = ["key-auth", "consumer-restriction", "response-rewrite"];
/// Rules that need a key.
const KEYED: [&str; 2] = ["agent", "health"];
/// Rules that need none, and the methods they take; none for all.
const PUBLIC: [(&str, &[&str]); 7] = [
    ("didcomm", &["POST", "OPTIONS"]),
    ("docs", &["GET", "HEAD"]),
    ("schemas", &["GET", "HEAD"]),
    ("definitions", &["GET", "HEAD"]),
    ("status", &["GET", "HEAD"]),
    ("start", &["GET", "HEAD"]),
    ("metrics", &[]),
];

fn rules(route: &Value) -> BTreeMap<&str, &Value> {
    let all = route["spec"]["http"].as_array().expect("rules");
    let named: BTreeMap<&str, &Value> = all
        .iter()
        .map(|rule| (rule["name"].as_str().expect("a name"), rule))
        .collect();
    assert_eq!(named.len(), all.len(), "names are used once");
    named
}

fn plugins(rule: &Value) -> BTreeMap<&str, &Value> {
    let all = rule["plugins"].as_array().into_iter().flatten();
    all.map(|plugin| {
        assert_eq!(plugin["enable"], true);
        (plugin["name"].as_str().expect("a name"), &plugin["config"])
    })
    .collect()
}

#[test]
fn keyed_rules_name_the_gate_and_have_none_of_its_plugins() {
    for it in rendered() {
        assert!(
            of(&it.documents, "ApisixPluginConfig").is_empty(),
            "{} renders a gate",
            it.name()
        );
        for (name, rule) in rules(it.one("ApisixRoute")) {
            assert!(rule["authentication"].is_null(), "{}: {name}", it.name());
            assert_eq!(
                rule["match"]["hosts"],
                json!([format!("{ID}.eu.example.org")])
            );
            let plugins = plugins(rule);
            if KEYED.contains(&name) {
                assert_eq!(rule["plugin_config_name"], "gate", "{}: {name}", it.name());
                assert!(rule["plugin_config_namespace"].is_null());
                for plugin in OF_THE_GATE {
                    assert!(
                        !plugins.contains_key(plugin),
                        "{}: {name} has {plugin}",
                        it.name()
                    );
                }
            } else {
                let known = PUBLIC.iter().find(|(public, _)| *public == name);
                let (_, methods) =
                    known.unwrap_or_else(|| panic!("{}: {name} needs no key", it.name()));
                assert!(rule["plugin_config_name"].is_null());
                let wished = if methods.is_empty() {
                    Value::Null
                } else {
                    json!(methods)
                };
                assert_eq!(rule["match"]["methods"], wished, "{}: {name}", it.name());
            }
        }
    }
}

#[test]
fn every_answer_has_a_request_id_and_every_public_one_security_headers() {
    for it in rendered() {
        for (name, rule) in rules(it.one("ApisixRoute")) {
            let plugins = plugins(rule);
            if name != "start" {
                assert_eq!(plugins["request-id"]["include_in_response"], true, "{name}");
            }
            if KEYED.contains(&name) {
                continue;
            }
            let set = &plugins["response-rewrite"]["headers"]["set"];
            for header in [
                "strict-transport-security",
                "x-content-type-options",
                "x-frame-options",
                "content-security-policy",
                "referrer-policy",
            ] {
                assert!(
                    set[header].is_string(),
                    "{}: {name} lacks {header}",
                    it.name()
                );
            }
            assert!(set["x-gate"].is_null(), "a public answer proves nothing");
        }
    }
}

/// Which rule takes a path: the highest priority, then the longest prefix, as APISIX matches.
fn taken<'a>(rules: &BTreeMap<&'a str, &Value>, method: &str, path: &str) -> Option<&'a str> {
    let matches = |rule: &Value| {
        let methods = rule["match"]["methods"].as_array();
        let allowed = methods.is_none_or(|methods| methods.iter().any(|it| it == method));
        let paths = rule["match"]["paths"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let longest = paths
            .filter(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == *wanted,
            })
            .map(str::len)
            .max();
        longest.filter(|_| allowed)
    };
    rules
        .iter()
        .filter_map(|(name, rule)| {
            Some((
                (rule["priority"].as_i64().unwrap_or(0), matches(rule)?),
                *name,
            ))
        })
        .max()
        .map(|(_, name)| name)
}

#[test]
fn each_request_meets_the_rule_that_is_meant_for_it() {
    for it in with("defaults") {
        let rules = rules(it.one("ApisixRoute"));
        let minor = it.release.starts_with("1.14") || it.release.starts_with("1.15");
        let first = if it.release.starts_with("1.3") || minor {
            "/prism-agent"
        } else {
            "/cloud-agent"
        };
        for segment in ["/cloud-agent", first] {
            for (method, path, wished) in [
                ("GET", "/connections", Some("agent")),
                (
                    "POST",
                    "/issue-credentials/credential-offers",
                    Some("agent"),
                ),
                ("GET", "/_system/health", Some("health")),
                ("POST", "/_system/health", Some("agent")),
                ("GET", "/_system/metrics", Some("metrics")),
                ("POST", "/didcomm", Some("didcomm")),
                ("POST", "/didcomm/", Some("didcomm")),
                ("GET", "/didcomm", Some("agent")),
                ("GET", "/docs/", Some("docs")),
                ("GET", "/docs/docs.yaml", Some("docs")),
                ("GET", "/schema-registry/schemas/1", Some("schemas")),
                ("POST", "/schema-registry/schemas/1", Some("agent")),
                ("GET", "/schema-registry/schemas", Some("agent")),
                (
                    "GET",
                    "/credential-definition-registry/definitions/1",
                    Some("definitions"),
                ),
                (
                    "PATCH",
                    "/credential-status/revoke-credential/1",
                    Some("agent"),
                ),
                ("GET", "/didcommunication", Some("agent")),
            ] {
                let path = format!("{segment}{path}");
                assert_eq!(
                    taken(&rules, method, &path),
                    wished,
                    "{}: {method} {path}",
                    it.name()
                );
            }
        }
        let status = (!minor).then_some("status").or(Some("agent"));
        assert_eq!(
            taken(&rules, "GET", "/cloud-agent/credential-status/1"),
            status,
            "{}",
            it.release
        );
        assert_eq!(taken(&rules, "GET", "/"), Some("start"));
        assert_eq!(taken(&rules, "GET", "/other"), None);
    }
}

#[test]
fn what_stands_before_the_agents_own_path_goes() {
    for it in with("defaults") {
        for (name, rule) in rules(it.one("ApisixRoute")) {
            let backends: BTreeSet<String> = rule["backends"]
                .as_array()
                .expect("backends")
                .iter()
                .map(|it| {
                    format!(
                        "{}:{}",
                        it["serviceName"].as_str().expect("a name"),
                        it["servicePort"]
                    )
                })
                .collect();
            let port = if name == "didcomm" { 8090 } else { 8085 };
            assert_eq!(backends, BTreeSet::from([format!("cloud-agent:{port}")]));
            if let Some(rewrite) = plugins(rule).get("proxy-rewrite") {
                let old = it.release.as_str() < "1.39"
                    && it.release.starts_with('1')
                    && it.release != "1.40.2";
                let first = if old {
                    "(?:cloud-agent|prism-agent)"
                } else {
                    "(?:cloud-agent)"
                };
                let rest = if name == "didcomm" {
                    "/didcomm/?(.*)"
                } else {
                    "/(.*)"
                };
                assert_eq!(
                    rewrite["regex_uri"],
                    json!([format!("^/{first}{rest}"), "/$1"]),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn the_host_is_served_by_a_certificate_of_its_own_or_by_the_wildcard() {
    for it in rendered() {
        let own = it.case != "certificate.enabled=false";
        assert_eq!(of(&it.documents, "Certificate").len(), usize::from(own));
        assert_eq!(of(&it.documents, "ApisixTls").len(), usize::from(own));
    }
    for it in with("dns.mode=\"annotation\"") {
        let services = of(&it.documents, "Service");
        let service = services
            .iter()
            .find(|it| it["metadata"]["name"] == "instance-dns")
            .expect("a service");
        for prefix in [
            "external-dns.alpha.kubernetes.io",
            "external-dns.kubernetes.io",
        ] {
            let host = &service["metadata"]["annotations"][format!("{prefix}/hostname")];
            assert_eq!(*host, format!("{ID}.eu.example.org"));
        }
    }
    for it in with("dns.mode=\"endpoint\"") {
        assert_eq!(
            it.one("DNSEndpoint")["spec"]["endpoints"][0]["targets"],
            json!(["lb.eu.example.org"])
        );
    }
}
