//! The gate: who may pass, and a generation that travels with it in the same object. The whitelist is
//! never empty, because APISIX refuses an empty one and would leave the old gate in place; a sentinel
//! stands in it that no consumer is called.

use model::observation::GateFact;
use serde_json::{Value, json};
use service::ports::{Gate, Target};

use super::inside;
use crate::resource::{ApisixPluginConfig, ApisixPluginConfigSpec, Plugin};

/// Name of the object.
pub const GATE: &str = "gate";
/// The name in every whitelist that nobody has.
const SENTINEL: &str = "sentinel";

/// The gate's object.
pub fn gate(target: &Target, gate: &Gate) -> ApisixPluginConfig {
    let namespace = target.instance.namespace();
    let whitelist: Vec<String> = std::iter::once(SENTINEL)
        .chain(gate.open_to.iter().map(String::as_str))
        .map(|consumer| format!("{namespace}_{consumer}"))
        .collect();
    let plugins = vec![
        plugin("key-auth", json!({"hide_credentials": true})),
        plugin(
            "consumer-restriction",
            json!({"whitelist": whitelist, "rejected_code": 403}),
        ),
        plugin(
            "response-rewrite",
            json!({"headers": {"set": headers(target, gate.generation)}}),
        ),
    ];
    let mut object = ApisixPluginConfig::new(GATE, ApisixPluginConfigSpec { plugins });
    object.metadata = inside(target, GATE);
    object
}

/// Headers of every answer of a keyed rule, refusals too: what the answer proves, and what keeps a
/// browser from making anything of it. A rule must not have a `response-rewrite` of its own, which
/// would take the place of this one.
fn headers(target: &Target, generation: i64) -> Value {
    let mut headers = json!({
        "x-gate": format!("{generation}.$pid"),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cache-control": "no-store",
    });
    if target.cluster.gateway.scheme == "https" {
        headers["strict-transport-security"] = json!("max-age=31536000");
    }
    headers
}

fn plugin(name: &str, config: Value) -> Plugin {
    Plugin {
        name: name.to_owned(),
        enable: true,
        config,
    }
}

/// What a gate's object says. One that carries no generation, lacks one of its plugins or has one switched
/// off is not a gate: its generation is -1, below every wish, so that it is written again.
pub fn read_gate(object: &ApisixPluginConfig) -> GateFact {
    let namespace = object.metadata.namespace.as_deref().unwrap_or("");
    let config = |name: &str| {
        object
            .spec
            .plugins
            .iter()
            .find(|p| p.name == name && p.enable)
            .map(|p| &p.config)
    };
    let generation = config("response-rewrite")
        .and_then(|c| {
            c.pointer("/headers/set/x-gate")?
                .as_str()?
                .split('.')
                .next()?
                .parse()
                .ok()
        })
        .filter(|_| config("key-auth").is_some());
    let prefix = format!("{namespace}_");
    let names = config("consumer-restriction").and_then(|c| c["whitelist"].as_array());
    let open_to = names
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        // A name of another namespace keeps its whole text, so that it cannot pass for one of ours.
        .map(|name| name.strip_prefix(&prefix).unwrap_or(name).to_owned())
        .filter(|name| name != SENTINEL)
        .collect();
    GateFact {
        generation: generation.filter(|_| names.is_some()).unwrap_or(-1),
        open_to,
    }
}

#[cfg(test)]
mod tests {
    use model::cluster::ClusterAccess;

    use super::*;
    use crate::wish::samples::target;

    fn made(generation: i64, open_to: &[&str]) -> ApisixPluginConfig {
        let open_to = open_to.iter().map(|name| (*name).to_owned()).collect();
        gate(
            &target(ClusterAccess::InCluster),
            &Gate {
                generation,
                open_to,
            },
        )
    }

    #[test]
    fn a_closed_door_still_has_its_sentinel() {
        let object = serde_json::to_value(made(7, &[])).unwrap();
        assert_eq!(
            object["spec"]["plugins"],
            json!([
                {"name": "key-auth", "enable": true, "config": {"hide_credentials": true}},
                {"name": "consumer-restriction", "enable": true, "config": {
                    "whitelist": ["prismk7mq2x9dr4ht_sentinel"], "rejected_code": 403,
                }},
                {"name": "response-rewrite", "enable": true, "config": {
                    "headers": {"set": {
                        "x-gate": "7.$pid",
                        "x-content-type-options": "nosniff",
                        "x-frame-options": "DENY",
                        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
                        "cache-control": "no-store",
                    }},
                }},
            ])
        );
    }

    #[test]
    fn only_a_gateway_that_speaks_tls_promises_to() {
        let set = |scheme: &str| {
            let mut target = target(ClusterAccess::InCluster);
            scheme.clone_into(&mut target.cluster.gateway.scheme);
            headers(&target, 1)["strict-transport-security"].clone()
        };
        assert_eq!(set("https"), "max-age=31536000");
        assert_eq!(set("http"), Value::Null);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let fact = read_gate(&made(12, &["watchman", "t1"]));
        assert_eq!(fact.generation, 12);
        assert_eq!(fact.open_to, ["watchman", "t1"]);
    }

    #[test]
    fn a_gate_that_somebody_took_apart_is_below_every_wish() {
        for plugin in 0..3 {
            let mut gone = made(12, &["t1"]);
            gone.spec.plugins.remove(plugin);
            assert_eq!(read_gate(&gone).generation, -1, "without {plugin}");
            let mut off = made(12, &["t1"]);
            off.spec.plugins[plugin].enable = false;
            assert_eq!(read_gate(&off).generation, -1, "{plugin} off");
        }
        let mut foreign = made(3, &[]);
        foreign.spec.plugins[1].config["whitelist"] = json!(["prismother_t1"]);
        assert_eq!(read_gate(&foreign).open_to, ["prismother_t1"]);
    }
}
