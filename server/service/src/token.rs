//! Tokens of instances: issued once, carried to the gateway, and revoked with a proof. A token's text
//! lives in the one request that issues it; rows, trail, events, mails and errors know its name and
//! hint. Which tokens are open changes only under the lock of the instance's row, together with its
//! gate, so that people who act at once never bring back what another one revoked.

mod calendar;
mod carry;
mod change;
mod issue;
mod leak;
mod notice;
mod policy;
mod read;
mod remind;
mod revoke;
mod rotate;
mod scan;
mod usage;
mod view;

use std::sync::Arc;
use std::time::Duration;

use model::secret_text::PlainToken;
use model::token::{EndReason, TokenState, TokenView};
use model::{InstanceId, TenantId, UserId};

use self::calendar::Calendar;
pub(crate) use self::notice::alarm;
pub(crate) use self::revoke::{Ending, end};
pub(crate) use self::view::announce;
use crate::Context;

const WHAT: &str = "token";

/// Issues, lists, rotates and revokes tokens of instances.
#[derive(Clone, Debug)]
pub struct TokenService {
    context: Context,
    calendar: Arc<Calendar>,
}

/// A token to be issued, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssueToken {
    /// What it is called; unique among the open tokens of the instance.
    pub name: String,
    /// What it is for; may be empty.
    pub note: String,
    /// Who answers for it: a member of the tenant; none for the tenant as a whole.
    pub owner: Option<UserId>,
    /// Days until it expires; none for what the policy says.
    pub days: Option<u32>,
}

/// A token that was issued, with its text. The only place where the text is handed out.
#[derive(Clone)]
pub struct IssuedToken {
    /// What pages show.
    pub view: TokenView,
    /// Its text.
    pub token: PlainToken,
    /// Address of the instance.
    pub url: Option<String>,
}

/// Which tokens to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// Only this tenant's.
    pub tenant: Option<TenantId>,
    /// Only of this instance.
    pub instance: Option<InstanceId>,
    /// Only those that this person answers for.
    pub owner: Option<UserId>,
    /// Only in this state.
    pub state: Option<TokenState>,
    /// Part of the name, the hint or the instance, in any case.
    pub q: Option<String>,
    /// Most rows; none for the default.
    pub limit: Option<u32>,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// What is to be noted of a token; none leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeToken {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub note: Option<String>,
    /// Who answers for it; an inner none for the tenant as a whole.
    pub owner: Option<Option<UserId>>,
}

/// Why a token is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeToken {
    /// Revoked or leaked.
    pub reason: EndReason,
    /// What the trail should say beside it; may be empty.
    pub note: String,
}

/// Which tokens are revoked together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeAll {
    /// All of an instance.
    Instance(InstanceId),
    /// All of a tenant's instances.
    Tenant(TenantId),
    /// All of a tenant's that this person answers for.
    Owner(TenantId, UserId),
}

/// How a token is rotated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotateToken {
    /// How long both live; none for a day, zero until the new one has arrived, 30 days at most.
    pub overlap: Option<Duration>,
    /// Days until the new one expires; none for what the policy says.
    pub days: Option<u32>,
}

/// A token that was found where it does not belong. Has no `Debug`, since its text may be one.
#[derive(Clone)]
pub struct LeakReport {
    /// Anything; tokens are found in it by their form and checksum.
    pub text: String,
    /// Where it was found: an address or a sentence.
    pub place: String,
}

impl TokenService {
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            calendar: Arc::default(),
        }
    }
}
