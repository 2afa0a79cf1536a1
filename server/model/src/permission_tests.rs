//! The table, cell by cell, and the ways around it that must not exist.

use std::collections::BTreeSet;

use super::*;
use crate::actor::{SignedIn, TokenBearer};
use crate::id::{AccessTokenId, SessionKey, UserId};

const OURS: &str = "01900000-0000-7000-8000-000000000001";
const THEIRS: &str = "01900000-0000-7000-8000-000000000002";

fn tenant(text: &str) -> TenantId {
    text.parse().unwrap()
}

fn user(staff: Option<StaffRole>, tenants: Vec<(TenantId, TenantRole)>) -> Actor {
    Actor::User(SignedIn {
        id: UserId::zero(),
        name: "Ada".into(),
        email: "ada@example.org".into(),
        staff,
        tenants,
        session: SessionKey::zero(),
    })
}

/// One line per permission: owner, operator, viewer, admin, member.
const TABLE: &str = "\
ReadTenant            1 1 1 1 1
CreateTenant          1 1 0 0 0
ChangeTenant          1 1 0 0 0
DeleteTenant          1 0 0 0 0
ReadInstance          1 1 1 1 1
CreateInstance        1 1 0 0 0
ChangeInstance        1 1 0 0 0
DeleteInstance        1 1 0 0 0
ReadOverrides         1 1 1 0 0
ReadOperation         1 1 1 1 1
ControlOperation      1 1 0 0 0
ReadCluster           1 1 1 0 0
ChangeCluster         1 1 0 0 0
ReadRelease           1 1 1 1 1
ChangeRelease         1 1 0 0 0
ReadMember            1 1 1 1 1
InviteMember          1 1 0 1 0
InviteStaff           1 0 0 0 0
ReadAudit             1 1 1 1 0
ManageAccessTokens    1 1 1 1 1
ManageAllAccessTokens 1 0 0 0 0
ReadToken             1 1 1 1 1
IssueToken            1 1 0 1 0
RevokeToken           1 1 0 1 0
ChangeTokenPolicy     1 1 0 1 0
GoOnUnproven          1 0 0 0 0
";

#[test]
fn every_cell() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(rows.len(), Permission::ALL.len());
    for (permission, row) in Permission::ALL.iter().zip(rows) {
        assert_eq!(format!("{permission:?}"), row[0]);
        for (role, cell) in Role::ALL.into_iter().zip(&row[1..]) {
            assert_eq!(
                permission.granted_to(role),
                *cell == "1",
                "{permission:?} {role}"
            );
        }
    }
}

#[test]
fn another_tenants_things_do_not_exist() {
    let admin = user(None, vec![(tenant(OURS), TenantRole::Admin)]);
    assert!(authorise::<may::ReadInstance>(&admin, Some(tenant(OURS))).is_ok());
    let other = authorise::<may::ReadInstance>(&admin, Some(tenant(THEIRS)));
    assert_eq!(other.unwrap_err(), Denied::Absent);
    let nobody = authorise::<may::ReadInstance>(&user(None, vec![]), None);
    assert_eq!(nobody.unwrap_err(), Denied::Absent);
    let staff = user(Some(StaffRole::Viewer), vec![]);
    assert!(authorise::<may::ReadInstance>(&staff, Some(tenant(THEIRS))).is_ok());
    assert_eq!(
        authorise::<may::CreateTenant>(&staff, None).unwrap_err(),
        Denied::Role
    );
    assert_eq!(
        authorise::<may::ReadInstance>(&Actor::Anonymous, None).unwrap_err(),
        Denied::Unauthenticated
    );
}

#[test]
fn roles_of_one_tenant_do_not_leak_into_another() {
    let both = user(
        None,
        vec![
            (tenant(OURS), TenantRole::Admin),
            (tenant(THEIRS), TenantRole::Member),
        ],
    );
    assert!(authorise::<may::InviteMember>(&both, Some(tenant(OURS))).is_ok());
    let other = authorise::<may::InviteMember>(&both, Some(tenant(THEIRS)));
    assert_eq!(other.unwrap_err(), Denied::Role);
}

#[test]
fn a_token_needs_role_and_scope() {
    let token = |scopes: &[&str], staff| {
        let scopes: BTreeSet<Scope> = scopes
            .iter()
            .flat_map(|s| Scope::parse(s).unwrap())
            .collect();
        Actor::AccessToken(TokenBearer {
            id: AccessTokenId::zero(),
            name: "ci".into(),
            staff,
            tenants: vec![],
            scopes,
        })
    };
    let owner = Some(StaffRole::Owner);
    assert!(authorise::<may::CreateTenant>(&token(&["tenants:write"], owner), None).is_ok());
    assert!(authorise::<may::ReadTenant>(&token(&["tenants:write"], owner), None).is_ok());
    let reads = authorise::<may::CreateTenant>(&token(&["tenants:read"], owner), None);
    assert_eq!(
        reads.unwrap_err().to_string(),
        "The access token lacks the scope tenants:write."
    );
    assert!(authorise::<may::ChangeCluster>(&token(&["instances:write"], owner), None).is_err());
    let viewer =
        authorise::<may::CreateTenant>(&token(&["all:write"], Some(StaffRole::Viewer)), None);
    assert_eq!(viewer.unwrap_err(), Denied::Role);
}

#[test]
fn scopes_are_read_back() {
    for scope in Scope::all() {
        assert_eq!(scope.to_string().parse(), Ok(scope));
    }
    assert_eq!(Scope::parse("all:read").unwrap().len(), 9);
    for bad in [
        "",
        "tenants",
        "tenants:",
        "tenants:delete",
        "x:read",
        "all:read".trim_end_matches("read"),
    ] {
        assert_eq!(Scope::parse(bad), Err(InvalidScope), "{bad}");
    }
    // Every permission's scope is one that can be granted.
    for permission in Permission::ALL {
        assert!(Scope::all().contains(&permission.scope()), "{permission:?}");
    }
}
