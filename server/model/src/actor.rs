//! Who asks: a person, an access token, an operator at the command line, or the system itself.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{AccessTokenId, SessionKey, TenantId, UserId};
use crate::permission::Scope;
use crate::user::{StaffRole, TenantRole};

/// A person who has signed in, with everything that decides what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their role among the staff, if any.
    pub staff: Option<StaffRole>,
    /// Their role in each of their tenants.
    pub tenants: Vec<(TenantId, TenantRole)>,
    /// The session they came with.
    pub session: SessionKey,
}

/// An access token that was presented and accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBearer {
    /// Which token.
    pub id: AccessTokenId,
    /// What it is called.
    pub name: String,
    /// The role among the staff it acts with, if any: its owner's at this moment.
    pub staff: Option<StaffRole>,
    /// The role in each tenant it acts with.
    pub tenants: Vec<(TenantId, TenantRole)>,
    /// What it is limited to.
    pub scopes: BTreeSet<Scope>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody has said who they are.
    Anonymous,
    /// A person with a session.
    User(SignedIn),
    /// Automation with an access token.
    AccessToken(TokenBearer),
    /// Somebody at the command line on the server's own machine.
    Operator,
    /// The control plane itself.
    System,
}

impl Actor {
    /// The staff role it acts with.
    #[must_use]
    pub fn staff(&self) -> Option<StaffRole> {
        match self {
            Self::Anonymous => None,
            Self::User(user) => user.staff,
            Self::AccessToken(token) => token.staff,
            Self::Operator | Self::System => Some(StaffRole::Owner),
        }
    }

    /// The tenants it belongs to.
    #[must_use]
    pub fn tenants(&self) -> &[(TenantId, TenantRole)] {
        match self {
            Self::User(user) => &user.tenants,
            Self::AccessToken(token) => &token.tenants,
            _ => &[],
        }
    }

    /// The user behind it, if there is one.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user.id),
            _ => None,
        }
    }

    /// How rows and pages name it.
    #[must_use]
    pub fn reference(&self) -> ActorRef {
        match self {
            Self::Anonymous => ActorRef::new("anonymous", "", "Somebody not signed in"),
            Self::User(user) => ActorRef::new("user", &user.id.to_string(), &user.name),
            Self::AccessToken(token) => {
                ActorRef::new("access_token", &token.id.to_string(), &token.name)
            }
            Self::Operator => ActorRef::new("operator", "", "An operator at the command line"),
            Self::System => ActorRef::new("system", "", "The control plane"),
        }
    }
}

/// An actor as it is kept in rows: what kind, which one, and what it was called at the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorRef {
    /// `user`, `access_token`, `operator`, `system` or `anonymous`.
    pub kind: String,
    /// Id of the user or access token; empty for the others.
    pub id: String,
    /// Its name at the time.
    pub name: String,
}

impl ActorRef {
    fn new(kind: &str, id: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Scope of idempotency keys: one text per actor.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind, self.id)
    }
}

impl fmt::Display for ActorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
