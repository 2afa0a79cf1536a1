//! Everything about one instance, as the API shows it.

use model::Timestamp;
use model::release::Version;
use model::view::{self, UpgradeChoice, ValueOrigin};
use serde::Serialize;
use utoipa::ToSchema;

use super::Instance;
use crate::http::v1::health::Part;

/// A value and the layer it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectiveValue {
    /// Dotted path.
    pub path: String,
    /// The value, as one line of YAML.
    pub value: String,
    /// `chart`, `release`, `override file`, `console` or `identity`.
    pub origin: String,
}

impl From<ValueOrigin> for EffectiveValue {
    fn from(it: ValueOrigin) -> Self {
        Self {
            path: it.path,
            value: it.value,
            origin: it.origin,
        }
    }
}

/// A release that the instance could be upgraded to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UpgradeChoice)]
pub struct Upgrade {
    /// The release.
    #[schema(value_type = String)]
    pub version: Version,
    /// `preview`, `supported`, `deprecated` or `expired`.
    pub channel: String,
    /// What is lost on the way; empty when nothing is. Where it is not, the upgrade needs `confirm`.
    pub destroys: Vec<String>,
}

impl From<UpgradeChoice> for Upgrade {
    fn from(it: UpgradeChoice) -> Self {
        Self {
            version: it.version,
            channel: it.channel,
            destroys: it.destroys,
        }
    }
}

/// An instance with everything about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceDetail {
    /// What lists show as well.
    #[serde(flatten)]
    pub instance: Instance,
    /// Version that answered the last probe.
    pub running_version: Option<String>,
    /// Its parts.
    pub parts: Vec<Part>,
    /// Overrides of the console as YAML; null when the caller may not see them.
    pub overrides: Option<String>,
    /// Where each value that differs from the chart's defaults comes from.
    pub values: Vec<EffectiveValue>,
    /// Releases it could go to.
    pub upgrades: Vec<Upgrade>,
    /// Until when a deletion can be undone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub grace_until: Option<Timestamp>,
    /// What somebody else changed in our objects on the cluster.
    pub outside_changes: Vec<String>,
}

impl From<view::InstanceDetail> for InstanceDetail {
    fn from(it: view::InstanceDetail) -> Self {
        Self {
            instance: it.instance.into(),
            running_version: it.running_version,
            parts: it.parts.into_iter().map(Into::into).collect(),
            overrides: it.overrides,
            values: it.values.into_iter().map(Into::into).collect(),
            upgrades: it.upgrades.into_iter().map(Into::into).collect(),
            grace_until: it.grace_until,
            outside_changes: it.outside_changes,
        }
    }
}
