//! Section `sandbox`: clusters simulated in the same process, over real HTTP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The embedded sandbox clusters.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// Whether to simulate clusters, for trying the product without any cloud.
    pub enabled: bool,
    /// How fast things happen there: with 1 a new instance takes about ten seconds, with 0 none.
    pub pace: f64,
    /// Replicas of each simulated gateway.
    pub gateway_replicas: u8,
    /// Workers of each of those replicas.
    pub gateway_workers: u8,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            enabled: false,
            pace: 1.0,
            gateway_replicas: 3,
            gateway_workers: 2,
        }
    }
}

impl Sandbox {
    pub(super) fn check(&self, wrong: &mut Vec<String>) {
        if !(0.0..=100.0).contains(&self.pace) {
            wrong.push(format!("sandbox.pace is {}; choose 0 to 100.", self.pace));
        }
        for (key, value) in [
            ("gateway_replicas", self.gateway_replicas),
            ("gateway_workers", self.gateway_workers),
        ] {
            if !(1..=16).contains(&value) {
                wrong.push(format!("sandbox.{key} is {value}; choose 1 to 16."));
            }
        }
    }
}
