//! Section `metrics`: a listener of its own, so that figures never share a door with people.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Figures for Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Address and port on which `/metrics` is served. Without it, it is not.
    pub listen: Option<SocketAddr>,
}
