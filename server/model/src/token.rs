//! Tokens of instances: their states, why they end, how long they may live, and what pages and API
//! show of them. The text itself is [`crate::secret_text::PlainToken`] and is never here.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::enforcement::{Progress, Receipt};
use crate::id::{InstanceId, TenantId, TokenId, UserId};
use crate::time::Timestamp;

/// A day.
pub const DAY: Duration = Duration::from_hours(24);
/// Longest overlap of a rotation.
pub const LONGEST_OVERLAP: Duration = Duration::from_hours(24 * 30);
/// Overlap of a rotation unless it says otherwise.
pub const USUAL_OVERLAP: Duration = DAY;
/// Without a proof for so long a revocation is called unproven, and somebody is told.
pub const UNPROVEN_AFTER: Duration = Duration::from_secs(40);
/// Days before its end on which a token's people are reminded.
pub const REMINDERS: [u32; 4] = [30, 14, 7, 1];
/// Most live tokens of one instance.
pub const MOST_PER_INSTANCE: u32 = 250;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$line:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$line])* $variant),+ }

        impl $name {
            /// All of them.
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
    /// Where a token is in its life.
    TokenState {
        /// Written to Secrets Manager; on its way to the gateway.
        Issuing = "issuing",
        /// Every worker of the gateway has its gate, and its key has arrived.
        Active = "active",
        /// Its gate is being closed; not yet proven.
        Revoking = "revoking",
        /// Proven to be refused by every worker of the gateway.
        Revoked = "revoked",
        /// Never came into being.
        Failed = "failed",
    }
}

impl TokenState {
    /// Whether the gate lets it pass.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Issuing | Self::Active)
    }
}

words! {
    /// Why a token ended or ends.
    EndReason {
        /// A person revoked it.
        Revoked = "revoked",
        /// Its time was over.
        Expired = "expired",
        /// Another one took its place and the overlap is over.
        Rotated = "rotated",
        /// Its text was found where it does not belong.
        Leaked = "leaked",
        /// Its instance was deleted.
        Deleted = "deleted",
    }
}

words! {
    /// What a reported leak does by itself.
    OnLeak {
        /// The token is revoked at once, and its people are told.
        Revoke = "revoke",
        /// Its people are told; they decide.
        Tell = "tell",
    }
}

/// How long tokens may live and what a leak does: the staff's, or a tenant's own and stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPolicy {
    /// Days a token lives unless it says otherwise.
    pub default_days: u32,
    /// Most days a token may live.
    pub max_days: u32,
    /// What a reported leak does.
    pub on_leak: OnLeak,
}

impl TokenPolicy {
    /// What holds for a tenant with a policy of its own under the staff's: the shorter of both,
    /// and the safer of the two reactions to a leak.
    #[must_use]
    pub fn under(self, staff: Self) -> Self {
        let max_days = self.max_days.min(staff.max_days).max(1);
        Self {
            default_days: self.default_days.min(max_days).max(1),
            max_days,
            on_leak: if [self.on_leak, staff.on_leak].contains(&OnLeak::Revoke) {
                OnLeak::Revoke
            } else {
                OnLeak::Tell
            },
        }
    }
}

/// A policy as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPolicyView {
    /// The staff's.
    pub staff: TokenPolicy,
    /// The tenant's own; none when it follows the staff's.
    pub own: Option<TokenPolicy>,
    /// What holds.
    pub effective: TokenPolicy,
}

/// A token as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// The instance it opens.
    pub instance_id: InstanceId,
    /// What the instance is called.
    pub instance_name: String,
    /// The tenant.
    pub tenant_id: TenantId,
    /// What the tenant is called.
    pub tenant_name: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub note: String,
    /// What pages show of its text: `prism_k7mq…9fQ2`.
    pub hint: String,
    /// Who answers for it; none for the tenant as a whole.
    pub owner_id: Option<UserId>,
    /// What they are called; the tenant's name when nobody in particular.
    pub owner: String,
    /// Where it is in its life.
    pub state: TokenState,
    /// Since when.
    pub since: Timestamp,
    /// Why it ended or ends.
    pub reason: Option<EndReason>,
    /// What its state waits for, as a sentence; none when it waits for nothing.
    pub waiting: Option<String>,
    /// Since when its revocation has gone without a proof for longer than it may.
    pub unproven: bool,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Who issued it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When a rotation retires it, if one does.
    pub retires_at: Option<Timestamp>,
    /// The token that took its place.
    pub replaced_by: Option<TokenId>,
    /// The token whose place it took.
    pub replaces: Option<TokenId>,
    /// How late its end was carried out, in milliseconds, when it was due before.
    pub late_ms: Option<u64>,
    /// The proof that it is refused.
    pub receipt: Option<Receipt>,
    /// What is known of its use; none when nothing is.
    pub usage: Option<UsageView>,
}

/// What is known of a token's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageView {
    /// When it was last seen used, to the minute; none when never since it was counted.
    pub last_used_at: Option<Timestamp>,
    /// Requests counted.
    pub uses: u64,
    /// When this was asked.
    pub as_of: Timestamp,
}

/// Everything about one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenDetail {
    /// What lists show.
    #[serde(flatten)]
    pub token: TokenView,
    /// Address of the instance, for the `curl` line; none until it has one.
    pub url: Option<String>,
    /// How far the proof is, while one is under way.
    pub progress: Option<Progress>,
    /// How long a revocation takes on that cluster, as measured; none when nothing was.
    pub latency: Option<crate::enforcement::Latency>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_policy_is_never_laxer_than_the_staffs() {
        let staff = TokenPolicy {
            default_days: 90,
            max_days: 365,
            on_leak: OnLeak::Revoke,
        };
        let lax = TokenPolicy {
            default_days: 900,
            max_days: 1_000,
            on_leak: OnLeak::Tell,
        };
        assert_eq!(
            lax.under(staff),
            TokenPolicy {
                default_days: 365,
                max_days: 365,
                on_leak: OnLeak::Revoke
            }
        );
        let strict = TokenPolicy {
            default_days: 7,
            max_days: 30,
            on_leak: OnLeak::Revoke,
        };
        assert_eq!(strict.under(staff), strict);
        let telling = TokenPolicy {
            on_leak: OnLeak::Tell,
            ..staff
        };
        assert_eq!(strict.under(telling), strict);
        assert_eq!(telling.under(telling).on_leak, OnLeak::Tell);
        let none = TokenPolicy {
            default_days: 0,
            max_days: 0,
            on_leak: OnLeak::Revoke,
        };
        assert_eq!(none.under(staff).default_days, 1);
    }

    #[test]
    fn words_are_read_back() {
        for state in TokenState::ALL {
            assert_eq!(TokenState::parse(state.as_str()), Some(*state));
        }
        assert_eq!(EndReason::parse("gone"), None);
    }
}
