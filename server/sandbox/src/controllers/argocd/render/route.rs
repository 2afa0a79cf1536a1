//! The way in: the rules of the gateway, the certificate and the name.
//!
//! Keyed rules name the gate and never render it. The order of the rules is the chart's.

use crate::controllers::argocd::source::Plan;
use serde_json::{Value, json};

/// First release that serves the status lists of credentials.
const STATUS_LISTS: (u64, u64) = (1, 31);
/// First release whose clients were given no path below `/prism-agent`.
const ONE_SEGMENT: (u64, u64) = (1, 39);
const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
                    form-action 'none'; frame-ancestors 'none'";
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
/// The agent's port for agents.
const DIDCOMM: u16 = 8_090;

/// What kind of answer a public rule gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Plain,
    Page,
    Uncached,
}

pub fn certificate(plan: &Plan) -> Value {
    json!({
        "secretName": "gateway-tls",
        "dnsNames": [plan.text("/instance/host")],
        "issuerRef": {
            "group": "cert-manager.io",
            "kind": plan.text("/certificate/issuerKind"),
            "name": plan.text("/certificate/issuer"),
        },
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "revisionHistoryLimit": 2,
    })
}

pub fn tls(plan: &Plan) -> Value {
    json!({
        "ingressClassName": plan.text("/gateway/ingressClassName"),
        "hosts": [plan.text("/instance/host")],
        "secret": {"name": "gateway-tls", "namespace": plan.namespace},
    })
}

/// The Service by which External DNS learns the name.
pub fn dns(plan: &Plan) -> Value {
    json!({"type": "ExternalName", "externalName": plan.text("/dns/target")})
}

/// The name, for both generations of External DNS.
pub fn dns_annotations(plan: &Plan) -> Value {
    let mut made = json!({});
    for prefix in [
        "external-dns.alpha.kubernetes.io",
        "external-dns.kubernetes.io",
    ] {
        made[format!("{prefix}/hostname")] = json!(plan.text("/instance/host"));
        made[format!("{prefix}/ttl")] = json!("300");
    }
    made
}

pub fn routes(plan: &Plan) -> Value {
    let mut rules = vec![agent(plan), health(plan), metrics(plan), didcomm(plan)];
    rules.push(public(plan, "docs", "/docs/*", Answer::Page));
    rules.push(public(
        plan,
        "schemas",
        "/schema-registry/schemas/*",
        Answer::Plain,
    ));
    rules.push(public(
        plan,
        "definitions",
        "/credential-definition-registry/definitions/*",
        Answer::Plain,
    ));
    if plan.minor() >= STATUS_LISTS {
        rules.push(public(
            plan,
            "status",
            "/credential-status/*",
            Answer::Uncached,
        ));
    }
    rules.push(start(plan));
    json!({"ingressClassName": plan.text("/gateway/ingressClassName"), "http": rules})
}

fn segments(plan: &Plan) -> &'static [&'static str] {
    if plan.minor() < ONE_SEGMENT {
        &["cloud-agent", "prism-agent"]
    } else {
        &["cloud-agent"]
    }
}

/// A rule for paths below every first segment.
fn rule(plan: &Plan, name: &str, priority: i64, below: &[&str], methods: &[&str]) -> Value {
    let paths: Vec<String> = segments(plan)
        .iter()
        .flat_map(|segment| below.iter().map(move |path| format!("/{segment}{path}")))
        .collect();
    let mut made = json!({
        "name": name,
        "priority": priority,
        "match": {"hosts": [plan.text("/instance/host")], "paths": paths},
        "backends": [{"serviceName": "cloud-agent", "servicePort": 8_085}],
    });
    if !methods.is_empty() {
        made["match"]["methods"] = json!(methods);
    }
    made
}

fn plugin(name: &str, config: &Value) -> Value {
    json!({"name": name, "enable": true, "config": config})
}

/// What takes the agent's own path out of a request's, and gives the request an id.
fn rewrite(plan: &Plan, rest: &str) -> Vec<Value> {
    let from = format!("^/(?:{}){rest}", segments(plan).join("|"));
    let mut made = vec![
        plugin("proxy-rewrite", &json!({"regex_uri": [from, "/$1"]})),
        request_id(),
    ];
    if plan.is("/gateway/cors/enabled") {
        let origins = plan.text("/gateway/cors/allowOrigins");
        made.push(plugin("cors", &json!({"allow_origins": origins})));
    }
    made
}

fn request_id() -> Value {
    plugin("request-id", &json!({"include_in_response": true}))
}

/// Security headers of a public answer.
fn headers(answer: Answer) -> Value {
    let page = answer == Answer::Page;
    let mut set = json!({
        "strict-transport-security": "max-age=31536000; includeSubDomains",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "content-security-policy": if page { PAGE } else { NO_PAGE },
    });
    if answer == Answer::Uncached {
        set["cache-control"] = json!("no-store");
    }
    let config = json!({"headers": {"set": set, "remove": ["server"]}});
    plugin("response-rewrite", &config)
}

fn agent(plan: &Plan) -> Value {
    let mut made = rule(plan, "agent", 10, &["/*"], &[]);
    made["plugin_config_name"] = json!("gate");
    let mut plugins = rewrite(plan, "/(.*)");
    let blocked = json!({"block_rules": ["_system/metrics"], "rejected_code": 404});
    plugins.push(plugin("uri-blocker", &blocked));
    made["plugins"] = json!(plugins);
    made
}

fn health(plan: &Plan) -> Value {
    let mut made = rule(plan, "health", 20, &["/_system/health"], &["GET"]);
    made["plugin_config_name"] = json!("gate");
    made["plugins"] = json!(rewrite(plan, "/(.*)"));
    made
}

fn metrics(plan: &Plan) -> Value {
    let below = ["/_system/metrics", "/_system/metrics/*"];
    let mut made = rule(plan, "metrics", 30, &below, &[]);
    let none = json!({"abort": {"http_status": 404}});
    made["plugins"] = json!([
        plugin("fault-injection", &none),
        request_id(),
        headers(Answer::Plain),
    ]);
    made
}

fn didcomm(plan: &Plan) -> Value {
    let below = ["/didcomm", "/didcomm/*"];
    let mut made = rule(plan, "didcomm", 20, &below, &["POST", "OPTIONS"]);
    made["backends"][0]["servicePort"] = json!(DIDCOMM);
    let mut plugins = rewrite(plan, "/didcomm/?(.*)");
    plugins.push(headers(Answer::Uncached));
    made["plugins"] = json!(plugins);
    made
}

fn public(plan: &Plan, name: &str, below: &str, answer: Answer) -> Value {
    let mut made = rule(plan, name, 20, &[below], &["GET", "HEAD"]);
    let mut plugins = rewrite(plan, "/(.*)");
    plugins.push(headers(answer));
    made["plugins"] = json!(plugins);
    made
}

fn start(plan: &Plan) -> Value {
    let mut made = rule(plan, "start", 20, &[], &["GET", "HEAD"]);
    made["match"]["paths"] = json!(["/"]);
    let docs = json!({"uri": "/cloud-agent/docs/", "ret_code": 302});
    made["plugins"] = json!([plugin("redirect", &docs), headers(Answer::Plain)]);
    made
}
