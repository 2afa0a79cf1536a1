//! Looking at every worker of every replica, and instances that need no Application for it.

use crate::console::post;
use crate::world::{CLUSTER, World, eventually, gate};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The keyed routes of an instance, as a proof asks them.
pub const KEYED: [&str; 2] = ["/cloud-agent/gate-proof", "/cloud-agent/_system/health"];
/// Which worker takes a connection is left to chance; two of them hide from this many for once in
/// eight million looks.
const TRIES: usize = 24;
/// Replicas times workers.
pub const WORKERS: usize = 6;

/// Generations that were seen, by replica and process id.
pub type Seen = BTreeMap<(usize, String), BTreeSet<u32>>;

impl World {
    /// Begins a fault of the cluster.
    pub async fn begin(&self, fault: &str) {
        let fields = [("cluster", CLUSTER), ("fault", fault)];
        let (status, text) = post(&self.sandbox.console(), "/break", &fields).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    }

    /// Ends a fault of the cluster.
    pub async fn end(&self, fault: &str) {
        let fields = [("cluster", CLUSTER), ("fault", fault)];
        let (status, text) = post(&self.sandbox.console(), "/heal", &fields).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{text}");
    }

    /// What each worker of a replica shows on a route without a key.
    pub async fn look_at(&self, number: usize, id: &str, path: &str, seen: &mut Seen) {
        let url = &self.endpoints.replica_urls[number];
        for _ in 0..TRIES {
            let answer = self.through(url, id, path, None).await;
            if answer.status() != 401 {
                continue;
            }
            let shown = answer.headers()["x-gate"].to_str().unwrap();
            let (generation, pid) = shown.split_once('.').unwrap();
            let place = (number, pid.to_owned());
            seen.entry(place)
                .or_default()
                .insert(generation.parse().unwrap());
        }
    }

    /// What every worker shows on a route without a key.
    pub async fn look(&self, id: &str, path: &str) -> Seen {
        let mut seen = Seen::new();
        for number in 0..self.endpoints.replica_urls.len() {
            self.look_at(number, id, path, &mut seen).await;
        }
        seen
    }

    /// Waits until every worker shows a generation on every keyed route.
    pub async fn until_proven(&self, id: &str, generation: u32) {
        for path in KEYED {
            eventually("the proof", || async {
                let seen = self.look(id, path).await;
                let shown = seen
                    .values()
                    .all(|all| *all == BTreeSet::from([generation]));
                if shown && seen.len() == WORKERS {
                    Ok(())
                } else {
                    Err(format!("{seen:?}"))
                }
            })
            .await;
        }
    }

    /// Every status that the workers of a replica answer to a key.
    pub async fn statuses(&self, number: usize, id: &str, path: &str, key: &str) -> BTreeSet<u16> {
        let url = &self.endpoints.replica_urls[number];
        let mut statuses = BTreeSet::new();
        for _ in 0..TRIES {
            let answer = self.through(url, id, path, Some(key)).await;
            statuses.insert(answer.status().as_u16());
        }
        statuses
    }

    /// Waits until every worker answers a key with this status and no other.
    pub async fn until_status(&self, id: &str, key: &str, wished: u16) {
        for number in 0..self.endpoints.replica_urls.len() {
            eventually("one status at every worker", || async {
                let statuses = self.statuses(number, id, KEYED[0], key).await;
                if statuses == BTreeSet::from([wished]) {
                    Ok(())
                } else {
                    Err(format!("{statuses:?} at {number}"))
                }
            })
            .await;
        }
    }

    /// An instance as far as the gateway is concerned: nothing runs behind it, so that a key that
    /// passes is answered with 503.
    pub async fn bare_instance(&self, id: &str) {
        let space = format!("prism{id}");
        self.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}))
            .await;
        self.apply(gate(id, 1, &["sentinel"])).await;
        self.apply(route(id)).await;
    }

    /// A consumer with its Secret.
    pub async fn consumer(&self, id: &str, name: &str, key: &str) {
        let space = format!("prism{id}");
        self.apply(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": space},
            "stringData": {"key": key},
        }))
        .await;
        self.apply(json!({
            "apiVersion": "apisix.apache.org/v2", "kind": "ApisixConsumer",
            "metadata": {"name": name, "namespace": space},
            "spec": {"authParameter": {"keyAuth": {"secretRef": {"name": name}}}},
        }))
        .await;
    }

    /// What the ingress controller says of an object of an instance.
    pub async fn accepted(&self, id: &str, plural: &str, name: &str) -> Value {
        let path = format!("/apis/apisix.apache.org/v2/namespaces/prism{id}/{plural}/{name}");
        let object = self.get(&path).await.1;
        let conditions = object["status"]["conditions"].as_array();
        let mut found = conditions.into_iter().flatten();
        let found = found.find(|one| one["type"] == "Accepted").cloned();
        let mut found = found.unwrap_or(Value::Null);
        found["current"] = json!(found["observedGeneration"] == object["metadata"]["generation"]);
        found
    }
}

/// The two keyed rules of the chart's route.
pub fn route(id: &str) -> Value {
    let rule = |name: &str, priority: u32, path: &str| {
        json!({
            "name": name, "priority": priority, "plugin_config_name": "gate",
            "match": {"hosts": [format!("{id}.sandbox.localhost")], "paths": [path]},
            "backends": [{"serviceName": "cloud-agent", "servicePort": 8085}],
        })
    };
    json!({
        "apiVersion": "apisix.apache.org/v2", "kind": "ApisixRoute",
        "metadata": {"name": "instance", "namespace": format!("prism{id}")},
        "spec": {"ingressClassName": "apisix", "http": [
            rule("agent", 10, "/cloud-agent/*"),
            rule("health", 20, "/cloud-agent/_system/health"),
        ]},
    })
}
