//! Health of single objects, by the rules built into Argo CD.
//!
//! It knows nothing of APISIX kinds, so those are healthy by existing; a stateful set never degrades;
//! a deployment degrades only by its progress deadline.

use crate::object;
use crate::resource::Kind;
use serde_json::Value;

/// From best to worst, as Argo CD orders them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Healthy,
    Progressing,
    Missing,
    Degraded,
}

impl Health {
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Progressing => "Progressing",
            Self::Missing => "Missing",
            Self::Degraded => "Degraded",
        }
    }
}

/// The health of a live object.
pub fn of(kind: Kind, live: &Value) -> Health {
    if object::terminating(live) {
        return Health::Progressing;
    }
    match kind {
        Kind::Deployment => deployment(live),
        Kind::Postgresql => match object::text_or_empty(live, "/status/PostgresClusterStatus") {
            "Running" => Health::Healthy,
            "" | "Creating" | "Updating" => Health::Progressing,
            _ => Health::Degraded,
        },
        Kind::Certificate => {
            if object::is_true(live, "Issuing") {
                return Health::Progressing;
            }
            ready(live)
        }
        Kind::ExternalSecret => ready(live),
        _ => Health::Healthy,
    }
}

fn ready(live: &Value) -> Health {
    match object::condition(live, "Ready").and_then(|ready| ready["status"].as_str()) {
        Some("True") => Health::Healthy,
        Some("False") => Health::Degraded,
        _ => Health::Progressing,
    }
}

fn deployment(live: &Value) -> Health {
    let number = |pointer: &str| object::number(live, pointer).unwrap_or(0);
    if number("/metadata/generation") > number("/status/observedGeneration") {
        return Health::Progressing;
    }
    let progressing = object::condition(live, "Progressing");
    if progressing.is_some_and(|found| found["reason"] == "ProgressDeadlineExceeded") {
        return Health::Degraded;
    }
    let wished = object::number(live, "/spec/replicas").unwrap_or(1);
    let updated = number("/status/updatedReplicas");
    if updated < wished
        || number("/status/replicas") > updated
        || number("/status/availableReplicas") < updated
    {
        return Health::Progressing;
    }
    Health::Healthy
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_deployment_degrades_only_by_its_deadline() {
        let mut live = json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 1},
            "status": {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1},
        });
        assert_eq!(of(Kind::Deployment, &live), Health::Progressing);
        live["status"]["conditions"] = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
        assert_eq!(of(Kind::Deployment, &live), Health::Degraded);
        live["metadata"]["generation"] = json!(3);
        assert_eq!(of(Kind::Deployment, &live), Health::Progressing);
    }

    #[test]
    fn issuing_comes_before_ready() {
        let live = json!({"status": {"conditions": [
            {"type": "Ready", "status": "False"}, {"type": "Issuing", "status": "True"},
        ]}});
        assert_eq!(of(Kind::Certificate, &live), Health::Progressing);
        assert_eq!(of(Kind::Route, &json!({})), Health::Healthy);
    }
}
