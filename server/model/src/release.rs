//! The catalogue of released versions and what it allows: upgrades go forward only, because the
//! database migrations of the agent do, and some steps on the way destroy data.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use a version such as 2.1.0.")]
pub struct InvalidVersion;

/// `major.minor.patch`, ordered by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(u16, u16, u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl Version {
    /// One number that orders versions as their three numbers do.
    #[must_use]
    pub const fn place(self) -> i64 {
        ((self.0 as i64) << 32) | ((self.1 as i64) << 16) | self.2 as i64
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let mut parts = text.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let plain = part == "0" || !part.starts_with('0');
            if digits && plain {
                part.parse().map_err(|_| InvalidVersion)
            } else {
                Err(InvalidVersion)
            }
        });
        let mut next = || parts.next().ok_or(InvalidVersion)?;
        let version = Self(next()?, next()?, next()?);
        if parts.next().is_some() {
            Err(InvalidVersion)
        } else {
            Ok(version)
        }
    }
}

impl TryFrom<String> for Version {
    type Error = InvalidVersion;
    fn try_from(text: String) -> Result<Self, InvalidVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

/// Where a release is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To be tried; never a default.
    Preview,
    /// The ordinary choice.
    Supported,
    /// Runs on, but choose a newer one.
    Deprecated,
    /// No new instance and no upgrade to it.
    Expired,
}

impl Channel {
    /// All, in order of life.
    pub const ALL: [Self; 4] = [
        Self::Preview,
        Self::Supported,
        Self::Deprecated,
        Self::Expired,
    ];

    /// The word in API, database and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preview => "preview",
            Self::Supported => "supported",
            Self::Deprecated => "deprecated",
            Self::Expired => "expired",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == text)
    }
}

/// A version in the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The version; the agent reports the same text when it runs.
    pub version: Version,
    /// Where it is in its life.
    pub channel: Channel,
    /// Git revision of the chart that deploys it.
    pub chart_revision: String,
    /// Image of each component (`agent`, `enterprise-agent`, `registry-node`, `database`).
    pub images: BTreeMap<String, String>,
    /// Highest migration of each database, by database name.
    pub schema: BTreeMap<String, u32>,
    /// What reaching this release from an older one destroys; `None` when nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroys: Option<String>,
    /// What a person should know, in a sentence or two.
    #[serde(default)]
    pub notes: String,
}

/// What the catalogue says of going from one release to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// Nothing is lost.
    Safe,
    /// Data is destroyed on the way; each sentence says what and where. Needs an explicit confirmation.
    Destructive(Vec<String>),
    /// Not possible, and why.
    Refused(String),
}

/// Judges the way from `from` to `to` through everything that lies between them in the catalogue.
#[must_use]
pub fn upgrade(catalogue: &[Release], from: Version, to: Version) -> Upgrade {
    match to.cmp(&from) {
        Ordering::Equal => return Upgrade::Refused(format!("The instance is already at {to}.")),
        Ordering::Less => {
            return Upgrade::Refused(format!(
                "{to} is older than {from}. Database migrations only go forward, so an instance cannot be taken back; restore a backup into a new instance instead."
            ));
        }
        Ordering::Greater => {}
    }
    let Some(target) = catalogue.iter().find(|r| r.version == to) else {
        return Upgrade::Refused(format!("{to} is not in the catalogue of releases."));
    };
    if target.channel == Channel::Expired {
        return Upgrade::Refused(format!("{to} has expired. Choose a supported release."));
    }
    let mut crossed: Vec<&Release> = catalogue
        .iter()
        .filter(|r| r.version > from && r.version <= to && r.destroys.is_some())
        .collect();
    crossed.sort_by_key(|r| r.version);
    let losses: Vec<String> = crossed
        .into_iter()
        .filter_map(|r| {
            r.destroys
                .as_ref()
                .map(|what| format!("{}: {what}", r.version))
        })
        .collect();
    if losses.is_empty() {
        Upgrade::Safe
    } else {
        Upgrade::Destructive(losses)
    }
}

/// The release a new instance gets when none is named: the newest supported one.
#[must_use]
pub fn default_release(catalogue: &[Release]) -> Option<&Release> {
    catalogue
        .iter()
        .filter(|r| r.channel == Channel::Supported)
        .max_by_key(|r| r.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: &str, channel: Channel, destroys: Option<&str>) -> Release {
        Release {
            version: version.parse().unwrap(),
            channel,
            chart_revision: format!("v{version}"),
            images: BTreeMap::new(),
            schema: BTreeMap::new(),
            destroys: destroys.map(str::to_owned),
            notes: String::new(),
        }
    }

    fn catalogue() -> Vec<Release> {
        vec![
            release("1.4.0", Channel::Expired, None),
            release("1.15.0", Channel::Deprecated, Some("connections and keys")),
            release("1.5.0", Channel::Expired, Some("wallet DID state")),
            release("2.1.0", Channel::Supported, None),
            release("2.2.0", Channel::Preview, None),
        ]
    }

    fn judge(from: &str, to: &str) -> Upgrade {
        upgrade(&catalogue(), from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn versions_are_ordered_by_number_and_spelt_one_way() {
        assert!("1.15.0".parse::<Version>().unwrap() > "1.5.0".parse().unwrap());
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.02.3",
            "v1.2.3",
            "1.2.x",
            "1.2.70000",
            "+1.2.3",
        ] {
            assert_eq!(bad.parse::<Version>(), Err(InvalidVersion), "{bad}");
        }
    }

    #[test]
    fn only_forward_and_never_to_an_expired_one() {
        assert_eq!(judge("1.15.0", "2.1.0"), Upgrade::Safe);
        assert!(
            matches!(judge("2.1.0", "1.15.0"), Upgrade::Refused(why) if why.contains("only go forward"))
        );
        assert!(matches!(judge("2.1.0", "2.1.0"), Upgrade::Refused(_)));
        assert!(
            matches!(judge("1.4.0", "1.5.0"), Upgrade::Refused(why) if why.contains("expired"))
        );
        assert!(
            matches!(judge("1.4.0", "9.9.9"), Upgrade::Refused(why) if why.contains("catalogue"))
        );
    }

    #[test]
    fn every_destructive_step_on_the_way_is_named_in_order() {
        assert_eq!(
            judge("1.4.0", "2.2.0"),
            Upgrade::Destructive(vec![
                "1.5.0: wallet DID state".into(),
                "1.15.0: connections and keys".into()
            ])
        );
    }

    #[test]
    fn the_default_is_the_newest_supported_one() {
        assert_eq!(
            default_release(&catalogue()).unwrap().version.to_string(),
            "2.1.0"
        );
        assert!(default_release(&[]).is_none());
    }
}
