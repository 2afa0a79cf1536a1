//! The permission table: what each role may do, cell by cell, and the proof that a check was made.
//! An [`Authorised`] can only come from [`authorise`], and the store's writes demand one, so a write
//! that nobody checked does not compile. What is not yours does not exist: reads of another tenant's
//! things are refused as absent, not as forbidden.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::actor::{Actor, ActorRef};
use crate::id::TenantId;
use crate::user::{Role, StaffRole, TenantRole};

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $scope:literal $write:literal : $owner:literal $operator:literal $viewer:literal $admin:literal $member:literal;)+) => {
        /// Something that one may or may not do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name),+ }

        impl Permission {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Whether the role has it (tenant roles: within their own tenant).
            #[must_use]
            pub const fn granted_to(self, role: Role) -> bool {
                let row: [u8; 5] = match self { $(Self::$name => [$owner, $operator, $viewer, $admin, $member]),+ };
                let cell = match role {
                    Role::StaffOwner => row[0],
                    Role::StaffOperator => row[1],
                    Role::StaffViewer => row[2],
                    Role::TenantAdmin => row[3],
                    Role::TenantMember => row[4],
                };
                cell == 1
            }

            /// The scope an access token needs for it.
            #[must_use]
            pub const fn scope(self) -> Scope {
                let (resource, write) = match self { $(Self::$name => ($scope, $write)),+ };
                Scope { resource: resource.as_bytes()[0] as char, write: write == 1 }
            }
        }

        /// One type per permission, to say in a signature which one was checked.
        pub mod may {
            use super::{Grant, Permission};
            $($(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl Grant for $name {
                const PERMISSION: Permission = Permission::$name;
            })+
        }
    };
}

// Columns: staff owner, operator, viewer; tenant admin, member. Scope letters are those of `Scope`.
permissions! {
    /// See a tenant.
    ReadTenant = "t" 0: 1 1 1 1 1;
    /// Create a tenant.
    CreateTenant = "t" 1: 1 1 0 0 0;
    /// Rename a tenant.
    ChangeTenant = "t" 1: 1 1 0 0 0;
    /// Delete a tenant that has no instances.
    DeleteTenant = "t" 1: 1 0 0 0 0;
    /// See an instance and its health.
    ReadInstance = "i" 0: 1 1 1 1 1;
    /// Create an instance.
    CreateInstance = "i" 1: 1 1 0 0 0;
    /// Upgrade, reconfigure or rename an instance.
    ChangeInstance = "i" 1: 1 1 0 0 0;
    /// Delete an instance, and undo that.
    DeleteInstance = "i" 1: 1 1 0 0 0;
    /// See overrides of an instance.
    ReadOverrides = "i" 0: 1 1 1 0 0;
    /// See operations.
    ReadOperation = "o" 0: 1 1 1 1 1;
    /// Cancel or retry an operation.
    ControlOperation = "o" 1: 1 1 0 0 0;
    /// See clusters.
    ReadCluster = "c" 0: 1 1 1 0 0;
    /// Add, change, cordon or remove clusters.
    ChangeCluster = "c" 1: 1 1 0 0 0;
    /// See releases.
    ReadRelease = "r" 0: 1 1 1 1 1;
    /// Add or change releases.
    ChangeRelease = "r" 1: 1 1 0 0 0;
    /// See the people of a tenant.
    ReadMember = "m" 0: 1 1 1 1 1;
    /// Invite people to a tenant.
    InviteMember = "m" 1: 1 1 0 1 0;
    /// Invite staff.
    InviteStaff = "m" 1: 1 0 0 0 0;
    /// See the audit trail.
    ReadAudit = "a" 0: 1 1 1 1 0;
    /// Make and revoke one's own access tokens.
    ManageAccessTokens = "k" 1: 1 1 1 1 1;
    /// See and revoke everybody's access tokens.
    ManageAllAccessTokens = "k" 1: 1 0 0 0 0;
    /// See tokens of instances; never their text.
    ReadToken = "p" 0: 1 1 1 1 1;
    /// Issue and rotate tokens, and change what is noted of them.
    IssueToken = "p" 1: 1 1 0 1 0;
    /// Revoke tokens.
    RevokeToken = "p" 1: 1 1 0 1 0;
    /// Change how long a tenant's tokens may live and what a leak does.
    ChangeTokenPolicy = "p" 1: 1 1 0 1 0;
    /// Let an instance go although a gateway does not prove that its tokens are refused.
    GoOnUnproven = "o" 1: 1 0 0 0 0;
}

/// The whole resource words of the scope letters.
const RESOURCES: [(char, &str); 9] = [
    ('t', "tenants"),
    ('i', "instances"),
    ('o', "operations"),
    ('c', "clusters"),
    ('r', "releases"),
    ('m', "members"),
    ('a', "audit"),
    ('k', "access-tokens"),
    ('p', "tokens"),
];

/// A limit of an access token: a resource and whether it may write. Text: `instances:read`,
/// `instances:write` (which includes reading).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    resource: char,
    write: bool,
}

/// The text is no scope; the sentence lists what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Use scopes such as instances:read or tenants:write; resources are tenants, instances, operations, clusters, releases, members, audit, access-tokens and tokens, or all:read and all:write for everything."
)]
pub struct InvalidScope;

impl Scope {
    /// Every scope, in order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        RESOURCES
            .iter()
            .flat_map(|(resource, _)| {
                [false, true].map(|write| Self {
                    resource: *resource,
                    write,
                })
            })
            .collect()
    }

    /// Reads one word; `all:read` and `all:write` stand for every resource.
    ///
    /// # Errors
    /// [`InvalidScope`].
    pub fn parse(text: &str) -> Result<Vec<Self>, InvalidScope> {
        let (resource, verb) = text.split_once(':').ok_or(InvalidScope)?;
        let write = match verb {
            "read" => false,
            "write" => true,
            _ => return Err(InvalidScope),
        };
        let found: Vec<Self> = RESOURCES
            .iter()
            .filter(|(_, word)| resource == "all" || resource == *word)
            .map(|(letter, _)| Self {
                resource: *letter,
                write,
            })
            .collect();
        if found.is_empty() {
            Err(InvalidScope)
        } else {
            Ok(found)
        }
    }

    /// Whether holding `self` is enough where `needed` is asked for.
    #[must_use]
    pub const fn covers(self, needed: Self) -> bool {
        self.resource == needed.resource && (self.write || !needed.write)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = RESOURCES
            .iter()
            .find(|(l, _)| *l == self.resource)
            .map_or("", |(_, word)| word);
        write!(f, "{word}:{}", if self.write { "write" } else { "read" })
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        match Self::parse(text)?.as_slice() {
            [one] => Ok(*one),
            _ => Err(InvalidScope),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A permission as a type.
pub trait Grant {
    /// The permission it stands for.
    const PERMISSION: Permission;
}

/// Proof that the actor was checked for the permission, and in which tenant.
#[derive(Clone, Debug)]
pub struct Authorised<P: Grant> {
    actor: ActorRef,
    tenant: Option<TenantId>,
    permission: PhantomData<P>,
}

impl<P: Grant> Authorised<P> {
    /// Who was checked.
    #[must_use]
    pub fn actor(&self) -> &ActorRef {
        &self.actor
    }

    /// The tenant it was checked for; none for what belongs to the staff.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }
}

/// Why the actor may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nobody has signed in.
    #[error("Sign in first.")]
    Unauthenticated,
    /// The thing is another tenant's, so for this actor it does not exist.
    #[error("There is no such thing.")]
    Absent,
    /// The actor may see it but not do this.
    #[error("Your role does not allow this.")]
    Role,
    /// The access token is limited to other scopes.
    #[error("The access token lacks the scope {0}.")]
    Scope(Scope),
}

/// Checks the table. `tenant` is the tenant that the thing belongs to; none for what belongs to the
/// staff (clusters, releases, creating tenants) and for lists, which the caller filters.
///
/// # Errors
/// [`Denied`], as absent where the actor must not even know that the thing exists.
pub fn authorise<P: Grant>(
    actor: &Actor,
    tenant: Option<TenantId>,
) -> Result<Authorised<P>, Denied> {
    let permission = P::PERMISSION;
    if *actor == Actor::Anonymous {
        return Err(Denied::Unauthenticated);
    }
    let role = role_for(actor, tenant);
    let Some(role) = role else {
        return Err(Denied::Absent);
    };
    if let Actor::AccessToken(token) = actor {
        let needed = permission.scope();
        if !token.scopes.iter().any(|held| held.covers(needed)) {
            return Err(Denied::Scope(needed));
        }
    }
    if !permission.granted_to(role) {
        return Err(Denied::Role);
    }
    Ok(Authorised {
        actor: actor.reference(),
        tenant,
        permission: PhantomData,
    })
}

/// The role that counts: the staff role, else the one in that tenant, else (for things of no tenant)
/// the highest tenant role.
fn role_for(actor: &Actor, tenant: Option<TenantId>) -> Option<Role> {
    if let Some(staff) = actor.staff() {
        return Some(staff.into());
    }
    actor
        .tenants()
        .iter()
        .filter(|(id, _)| tenant.is_none_or(|wanted| wanted == *id))
        .map(|(_, role)| Role::from(*role))
        .min()
}

/// The staff role and tenant roles that a role word means, for rows that keep one word.
#[must_use]
pub const fn split_role(role: Role) -> (Option<StaffRole>, Option<TenantRole>) {
    match role {
        Role::StaffOwner => (Some(StaffRole::Owner), None),
        Role::StaffOperator => (Some(StaffRole::Operator), None),
        Role::StaffViewer => (Some(StaffRole::Viewer), None),
        Role::TenantAdmin => (None, Some(TenantRole::Admin)),
        Role::TenantMember => (None, Some(TenantRole::Member)),
    }
}

#[cfg(test)]
#[path = "permission_tests.rs"]
mod tests;
