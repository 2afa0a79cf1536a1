//! Clusters: one EKS cluster for one region and one purpose, with its own Argo CD, gateway and
//! Secrets Manager region; and the rule that places an instance on one of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Decides which clusters may hold an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// For building and trying.
    Development,
    /// For real users.
    Production,
}

impl Purpose {
    /// Both, in the order they are shown.
    pub const ALL: [Self; 2] = [Self::Development, Self::Production];

    /// The word in API, database and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = InvalidCluster;
    fn from_str(text: &str) -> Result<Self, InvalidCluster> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == text)
            .ok_or(InvalidCluster::Purpose)
    }
}

/// Why a text cannot be part of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCluster {
    /// Names are host labels.
    #[error("Use 1 to 40 lower-case letters, digits and dashes, starting with a letter.")]
    Name,
    /// Regions are AWS region names, or another lower-case word.
    #[error("Use a region such as eu-west-1: lower-case letters, digits and dashes.")]
    Region,
    /// One of two words.
    #[error("Choose development or production.")]
    Purpose,
    /// A DNS name.
    #[error("Use a DNS zone such as eu.example.org, in lower case.")]
    Zone,
}

fn label(text: &str, max: usize) -> bool {
    let bytes = text.as_bytes();
    (1..=max).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1] != b'-'
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

macro_rules! checked {
    ($($(#[$doc:meta])* $name:ident, $error:expr, $ok:expr);+ $(;)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl FromStr for $name {
            type Err = InvalidCluster;
            fn from_str(text: &str) -> Result<Self, InvalidCluster> {
                let ok: fn(&str) -> bool = $ok;
                if ok(text) { Ok(Self(text.to_owned())) } else { Err($error) }
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidCluster;
            fn try_from(text: String) -> Result<Self, InvalidCluster> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(it: $name) -> Self {
                it.0
            }
        }
    )+};
}

checked! {
    /// What a cluster is called: a host label.
    ClusterName, InvalidCluster::Name, |t| label(t, 40);
    /// Where a cluster runs.
    Region, InvalidCluster::Region, |t| label(t, 40);
    /// The DNS zone below which the instances of a cluster have their host names.
    Zone, InvalidCluster::Zone, |t| t.len() <= 200 && t.contains('.') && t.split('.').all(label_or_digit);
}

fn label_or_digit(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// How this control plane reaches a cluster's Kubernetes API. Nothing here can name a program to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClusterAccess {
    /// The embedded sandbox; `name` is that of one of its clusters.
    Sandbox {
        /// Name within the sandbox.
        name: String,
    },
    /// The service account of the pod this process runs in.
    InCluster,
    /// A context of the kubeconfig files the server was configured with.
    Kubeconfig {
        /// Name of the context.
        context: String,
    },
    /// EKS, with tokens made by the AWS SDK's own credential chain.
    Eks {
        /// Name of the EKS cluster.
        name: String,
        /// AWS region of the EKS cluster.
        region: String,
        /// Role to assume first, if any (an ARN).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role_arn: Option<String>,
    },
}

/// Where Argo CD takes the chart from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartSource {
    /// Git repository of the chart.
    pub repo_url: String,
    /// Folder of the chart in it.
    pub path: String,
}

/// Where Argo CD takes per-instance override files (`overrides/<id>.yaml`) from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideSource {
    /// Git repository of the override files.
    pub repo_url: String,
    /// Branch, tag or commit.
    pub revision: String,
}

/// How the outside reaches the cluster's gateway, and how Secrets Manager is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// `https` or `http`.
    pub scheme: String,
    /// Port when it is not the scheme's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Address (`host:port`) to connect to instead of resolving the instance's host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How its replicas are asked one by one, for the proof that a gate is closed.
    #[serde(default)]
    pub replicas: Replicas,
    /// Base URL of a Prometheus that scrapes the gateway; tells how often each token is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus_url: Option<String>,
}

/// How the replicas of a gateway are found and asked one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Replicas {
    /// Pods by label, not-ready and terminating ones too.
    Pods {
        /// Namespace of the pods.
        namespace: String,
        /// Label selector: `app.kubernetes.io/name=apisix`.
        selector: String,
        /// Port on which they answer plain HTTP.
        port: u16,
        /// Whether they are reached by their own addresses instead of the Kubernetes API's pod proxy.
        #[serde(default)]
        direct: bool,
        /// Workers of each; none when unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workers: Option<u32>,
    },
    /// Known addresses.
    Addresses {
        /// `host:port`, one per replica; plain HTTP.
        addresses: Vec<String>,
        /// Workers of each; none when unknown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workers: Option<u32>,
    },
}

impl Default for Replicas {
    fn default() -> Self {
        Self::Pods {
            namespace: "ingress-apisix".to_owned(),
            selector: "app.kubernetes.io/name=apisix".to_owned(),
            port: 9080,
            direct: false,
            workers: None,
        }
    }
}

/// Everything about a cluster that a person sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSettings {
    /// What it is called; never changes.
    pub name: ClusterName,
    /// Where it runs; never changes.
    pub region: Region,
    /// What it may hold; never changes.
    pub purpose: Purpose,
    /// Zone of its host names; never changes.
    pub zone: Zone,
    /// How its Kubernetes API is reached.
    pub access: ClusterAccess,
    /// Where Argo CD itself lives.
    pub argocd_namespace: String,
    /// Where the Applications live (apps in any namespace).
    pub application_namespace: String,
    /// The `AppProject` that fences instances.
    pub project: String,
    /// Where the chart comes from.
    pub chart: ChartSource,
    /// Where override files come from, if anywhere.
    pub overrides: Option<OverrideSource>,
    /// How its gateway is reached.
    pub gateway: Gateway,
    /// First part of the names of its entries in Secrets Manager.
    pub secrets_prefix: String,
    /// IAM role (an ARN) by which External Secrets reads an instance's entries and no other's; none where
    /// its own identity may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_role: Option<String>,
    /// Most instances it may hold.
    pub capacity: u32,
    /// No new instances while set.
    pub cordoned: bool,
}

impl ClusterSettings {
    /// `scheme://host[:port]` of an instance with that host name.
    #[must_use]
    pub fn url_of(&self, host: &str) -> String {
        let scheme = &self.gateway.scheme;
        match self.gateway.port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }
}

/// A cluster as the placement rule sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: ClusterName,
    /// Its region.
    pub region: Region,
    /// Its purpose.
    pub purpose: Purpose,
    /// Most instances it may hold.
    pub capacity: u32,
    /// Instances it holds, deleting ones included.
    pub load: u32,
    /// No new instances while set.
    pub cordoned: bool,
    /// Reachable at the last look; unknown counts as reachable.
    pub reachable: bool,
}

/// Why no cluster can take an instance; the sentence names every cluster that came close.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoRoom(pub String);

/// Chooses the cluster for a new instance: matching region and purpose, not cordoned, reachable,
/// with room; of those the one with the smallest share of its capacity used, then by name.
///
/// # Errors
/// [`NoRoom`] with the reason for each cluster of that region and purpose.
pub fn place(
    candidates: &[Candidate],
    region: &Region,
    purpose: Purpose,
) -> Result<ClusterName, NoRoom> {
    let matching = || {
        candidates
            .iter()
            .filter(|c| c.region == *region && c.purpose == purpose)
    };
    let best = matching()
        .filter(|c| refusal(c).is_none())
        // a/b < c/d as whole numbers, so that no rounding decides.
        .min_by(|a, b| {
            let left = u64::from(a.load) * u64::from(b.capacity);
            let right = u64::from(b.load) * u64::from(a.capacity);
            left.cmp(&right).then_with(|| a.name.cmp(&b.name))
        });
    if let Some(best) = best {
        return Ok(best.name.clone());
    }
    let reasons: Vec<String> = matching()
        .filter_map(|c| refusal(c).map(|why| format!("{} {why}", c.name)))
        .collect();
    Err(NoRoom(if reasons.is_empty() {
        format!(
            "No {purpose} cluster exists in the region {region}. Choose another region or add a cluster there."
        )
    } else {
        format!(
            "No {purpose} cluster in {region} can take an instance: {}. Choose another region, or make room there.",
            reasons.join("; ")
        )
    }))
}

/// Why this cluster takes no new instance, as the end of a sentence that starts with its name.
#[must_use]
pub fn refusal(c: &Candidate) -> Option<String> {
    if c.cordoned {
        Some("is cordoned".to_owned())
    } else if !c.reachable {
        Some("cannot be reached".to_owned())
    } else if c.load >= c.capacity {
        Some(format!("is full ({} of {})", c.load, c.capacity))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, load: u32, capacity: u32) -> Candidate {
        Candidate {
            name: name.parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
            purpose: Purpose::Production,
            capacity,
            load,
            cordoned: false,
            reachable: true,
        }
    }

    fn place_in_ireland(candidates: &[Candidate]) -> Result<String, NoRoom> {
        place(
            candidates,
            &"eu-west-1".parse().unwrap(),
            Purpose::Production,
        )
        .map(String::from)
    }

    #[test]
    fn the_least_used_share_wins_then_the_name() {
        let some = [
            candidate("b", 50, 100),
            candidate("a", 30, 50),
            candidate("c", 5, 10),
        ];
        assert_eq!(place_in_ireland(&some).unwrap(), "b");
        assert_eq!(place_in_ireland(&some[1..]).unwrap(), "c");
    }

    #[test]
    fn every_refusal_is_named() {
        let mut some = [
            candidate("a", 10, 10),
            candidate("b", 0, 10),
            candidate("c", 0, 0),
            candidate("d", 0, 9),
        ];
        some[1].cordoned = true;
        some[3].reachable = false;
        let text = place_in_ireland(&some).unwrap_err().to_string();
        for part in [
            "a is full (10 of 10)",
            "b is cordoned",
            "c is full (0 of 0)",
            "d cannot be reached",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            place_in_ireland(&[])
                .unwrap_err()
                .to_string()
                .contains("No production cluster exists")
        );
    }

    #[test]
    fn words() {
        assert!("eu-west-1".parse::<Region>().is_ok());
        for bad in ["", "1a", "a-", "A", "a b", "../x"] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad}");
        }
        assert!("sandbox.localhost".parse::<Zone>().is_ok());
        assert!("9.example.org".parse::<Zone>().is_ok());
        for bad in ["", "localhost", "a..b", "-a.b", "A.b", "a.b/c"] {
            assert!(bad.parse::<Zone>().is_err(), "{bad}");
        }
    }
}
