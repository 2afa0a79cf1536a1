//! People: their roles and what is allowed to choose as a password.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A role among Atala's staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Everything, people included.
    Owner,
    /// Tenants, instances, clusters and releases.
    Operator,
    /// Looks, changes nothing.
    Viewer,
}

/// A role within one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantRole {
    /// The tenant's tokens and people.
    Admin,
    /// Looks at what is the tenant's.
    Member,
}

/// What somebody is: of the staff, or of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Staff owner.
    StaffOwner,
    /// Staff operator.
    StaffOperator,
    /// Staff viewer.
    StaffViewer,
    /// Tenant admin.
    TenantAdmin,
    /// Tenant member.
    TenantMember,
}

impl Role {
    /// All, most powerful first.
    pub const ALL: [Self; 5] = [
        Self::StaffOwner,
        Self::StaffOperator,
        Self::StaffViewer,
        Self::TenantAdmin,
        Self::TenantMember,
    ];

    /// The word in API and database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StaffOwner => "staff_owner",
            Self::StaffOperator => "staff_operator",
            Self::StaffViewer => "staff_viewer",
            Self::TenantAdmin => "tenant_admin",
            Self::TenantMember => "tenant_member",
        }
    }

    /// What pages say.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::StaffOwner => "Staff owner",
            Self::StaffOperator => "Staff operator",
            Self::StaffViewer => "Staff viewer",
            Self::TenantAdmin => "Tenant admin",
            Self::TenantMember => "Tenant member",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == text)
    }

    /// Whether it is a role among Atala's staff.
    #[must_use]
    pub const fn is_staff(self) -> bool {
        matches!(
            self,
            Self::StaffOwner | Self::StaffOperator | Self::StaffViewer
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<StaffRole> for Role {
    fn from(role: StaffRole) -> Self {
        match role {
            StaffRole::Owner => Self::StaffOwner,
            StaffRole::Operator => Self::StaffOperator,
            StaffRole::Viewer => Self::StaffViewer,
        }
    }
}

impl From<TenantRole> for Role {
    fn from(role: TenantRole) -> Self {
        match role {
            TenantRole::Admin => Self::TenantAdmin,
            TenantRole::Member => Self::TenantMember,
        }
    }
}

/// Why a text cannot be a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Fewer than twelve characters.
    #[error("Use at least 12 characters.")]
    TooShort,
    /// More than 256 bytes; hashing more is only work for an attacker to give us.
    #[error("Use at most 256 characters.")]
    TooLong,
}

/// Checks the length of a new password, in characters; nothing else about it is prescribed.
///
/// # Errors
/// See [`InvalidPassword`].
pub fn check_password(text: &str) -> Result<(), InvalidPassword> {
    if text.len() > 256 {
        Err(InvalidPassword::TooLong)
    } else if text.chars().count() < 12 {
        Err(InvalidPassword::TooShort)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_passwords() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(check_password("short"), Err(InvalidPassword::TooShort));
        assert_eq!(
            check_password("ééééééééééé"),
            Err(InvalidPassword::TooShort)
        );
        assert_eq!(check_password("correct horse"), Ok(()));
        assert_eq!(
            check_password(&"x".repeat(257)),
            Err(InvalidPassword::TooLong)
        );
    }
}
