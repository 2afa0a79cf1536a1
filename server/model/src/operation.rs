//! Operations: a change to an instance that somebody asked for, with steps, a timeline and a result.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::instance::InstanceState;
use crate::release::Version;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in API, database and pages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What is done to the instance.
    OperationKind {
        /// Bring it up.
        Create = "create",
        /// Take it to a newer release.
        Upgrade = "upgrade",
        /// Give it other overrides.
        Reconfigure = "reconfigure",
        /// Take it away.
        Delete = "delete",
    }
}

words! {
    /// Where an operation is.
    OperationState {
        /// Written down, not begun.
        Queued = "queued",
        /// A worker holds it.
        Running = "running",
        /// Nothing to do until the cluster, or a date, moves.
        Waiting = "waiting",
        /// Needs a person; looked at again from time to time.
        Stuck = "stuck",
        /// Ended as wished.
        Succeeded = "succeeded",
        /// Ended otherwise.
        Failed = "failed",
        /// Stopped because somebody asked for it.
        Cancelled = "cancelled",
    }
}

impl OperationState {
    /// Whether the operation still occupies its instance.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::Queued | Self::Running | Self::Waiting | Self::Stuck
        )
    }
}

words! {
    /// A step of an operation. Each is idempotent and safe to repeat after a crash at any point.
    StepName {
        /// Choose the cluster.
        Place = "place",
        /// Make the namespace with its labels, Pod Security and quota.
        Namespace = "namespace",
        /// Write the generated secrets to Secrets Manager.
        Secrets = "secrets",
        /// Write the gate and the watchman's key.
        Gate = "gate",
        /// Write the Argo CD Application.
        Application = "application",
        /// Argo CD has compared and applied what was written.
        Synced = "synced",
        /// The database cluster runs.
        Database = "database",
        /// The certificate is issued.
        Certificate = "certificate",
        /// A request through the gateway is answered by the wished version.
        Reachable = "reachable",
        /// Refuse every token at the gateway.
        CloseDoor = "close_door",
        /// Wait for the grace period, in which the deletion can be undone.
        Grace = "grace",
        /// Take away consumers and their keys.
        RevokeTokens = "revoke_tokens",
        /// Delete the Application and all that it deployed.
        RemoveApplication = "remove_application",
        /// Delete the namespace.
        RemoveNamespace = "remove_namespace",
        /// Delete the entries in Secrets Manager.
        RemoveSecrets = "remove_secrets",
        /// Look everywhere and find nothing.
        ProveEmpty = "prove_empty",
    }
}

words! {
    /// Where a step is.
    StepState {
        /// Not begun.
        Pending = "pending",
        /// Begun.
        Running = "running",
        /// Done what it does; waits for the cluster or a date.
        Waiting = "waiting",
        /// Done.
        Succeeded = "succeeded",
        /// Given up.
        Failed = "failed",
        /// Not needed or not reached.
        Skipped = "skipped",
    }
}

impl OperationKind {
    /// The steps, in order.
    #[must_use]
    pub const fn steps(self) -> &'static [StepName] {
        use StepName as S;
        match self {
            Self::Create => &[
                S::Place,
                S::Namespace,
                S::Secrets,
                S::Gate,
                S::Application,
                S::Synced,
                S::Database,
                S::Certificate,
                S::Reachable,
            ],
            Self::Upgrade | Self::Reconfigure => {
                &[S::Application, S::Synced, S::Database, S::Reachable]
            }
            Self::Delete => &[
                S::CloseDoor,
                S::Grace,
                S::RevokeTokens,
                S::RemoveApplication,
                S::RemoveNamespace,
                S::RemoveSecrets,
                S::ProveEmpty,
            ],
        }
    }
}

impl StepName {
    /// What a person reads in the timeline.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Place => "Choose a cluster",
            Self::Namespace => "Make the namespace",
            Self::Secrets => "Write the secrets",
            Self::Gate => "Set up the gate",
            Self::Application => "Hand over to Argo CD",
            Self::Synced => "Argo CD deploys the chart",
            Self::Database => "Database comes up",
            Self::Certificate => "Certificate is issued",
            Self::Reachable => "Answers through the gateway",
            Self::CloseDoor => "Close the door",
            Self::Grace => "Grace period",
            Self::RevokeTokens => "Take the keys away",
            Self::RemoveApplication => "Remove what was deployed",
            Self::RemoveNamespace => "Remove the namespace",
            Self::RemoveSecrets => "Remove the secrets",
            Self::ProveEmpty => "Prove that nothing is left",
        }
    }

    /// How long the step may take before it counts as stuck. The grace period has its own date.
    #[must_use]
    pub const fn deadline(self) -> Duration {
        let seconds = match self {
            Self::Place
            | Self::Namespace
            | Self::Secrets
            | Self::Gate
            | Self::Application
            | Self::CloseDoor => 60,
            Self::Synced => 15 * 60,
            Self::Database
            | Self::Certificate
            | Self::RemoveApplication
            | Self::RemoveNamespace => 10 * 60,
            Self::Reachable | Self::RevokeTokens | Self::RemoveSecrets | Self::ProveEmpty => 5 * 60,
            Self::Grace => 400 * 24 * 3600,
        };
        Duration::from_secs(seconds)
    }

    /// How long the step usually takes where there is no history yet.
    #[must_use]
    pub const fn usual(self) -> Duration {
        let seconds = match self {
            Self::Synced => 60,
            Self::Database => 30,
            Self::Certificate | Self::RemoveApplication => 20,
            Self::Reachable | Self::RemoveNamespace => 10,
            _ => 1,
        };
        Duration::from_secs(seconds)
    }
}

/// What an operation is to bring about, and what was before, so that it can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Release wished for.
    pub release: Version,
    /// Release before.
    pub release_before: Version,
    /// Console overrides wished for, as YAML.
    pub overrides: String,
    /// Console overrides before.
    pub overrides_before: String,
    /// State of the instance before.
    pub state_before: InstanceState,
    /// Why, and on whose word, a deletion goes on although a gateway does not prove that the tokens are
    /// refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven: Option<String>,
}

/// How far an operation is, 0 to 100, from the usual durations of its steps in milliseconds:
/// finished steps count whole, the current one by its share of the usual time, at most nine tenths.
#[must_use]
pub fn percent(steps: &[(StepState, Duration, Duration)]) -> u8 {
    let total: u128 = steps
        .iter()
        .map(|(_, usual, _)| usual.as_millis().max(1))
        .sum();
    let done: u128 = steps
        .iter()
        .map(|(state, usual, elapsed)| {
            let usual = usual.as_millis().max(1);
            match state {
                StepState::Succeeded | StepState::Skipped => usual,
                StepState::Running | StepState::Waiting | StepState::Failed => {
                    elapsed.as_millis().min(usual * 9 / 10)
                }
                StepState::Pending => 0,
            }
        })
        .sum();
    (done * 100)
        .checked_div(total)
        .map_or(0, |p| u8::try_from(p).unwrap_or(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::parse(kind.as_str()), Some(*kind));
            assert!(!kind.steps().is_empty());
        }
        for step in StepName::ALL {
            assert_eq!(StepName::parse(step.as_str()), Some(*step));
            assert!(step.usual() < step.deadline());
        }
    }

    #[test]
    fn percent_grows_and_ends_at_a_hundred() {
        let s = Duration::from_secs;
        let at = |state, elapsed| {
            percent(&[
                (StepState::Succeeded, s(10), s(99)),
                (state, s(30), s(elapsed)),
            ])
        };
        assert_eq!(at(StepState::Pending, 0), 25);
        assert_eq!(at(StepState::Waiting, 15), 62);
        assert_eq!(at(StepState::Waiting, 3000), 92);
        assert_eq!(at(StepState::Succeeded, 1), 100);
        assert_eq!(percent(&[]), 0);
    }
}
