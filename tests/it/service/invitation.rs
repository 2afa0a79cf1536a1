//! Invitations: bound to an address, used once, dead when withdrawn.

use std::sync::Arc;
use std::time::Duration;

use model::user::{Role, StaffRole, TenantRole};
use model::{Actor, InvitationId, TenantId};
use service::{AcceptInvitation, Error, InvitationSent, InvitePerson};
use tests::services::{PASSWORD, TestServices, origin};

fn person(email: &str, role: Role, tenant: Option<TenantId>) -> InvitePerson {
    InvitePerson {
        email: email.to_owned(),
        role,
        tenant,
    }
}

fn answer(name: &str, password: &str) -> AcceptInvitation {
    AcceptInvitation {
        name: name.to_owned(),
        password: password.to_owned(),
    }
}

/// The token in the link of the latest mail.
fn token(test: &TestServices) -> String {
    let mail = test.mailer.sent().pop().expect("a mail was sent");
    mail.text.rsplit('/').next().unwrap().to_owned()
}

async fn invite(test: &TestServices, email: &str, tenant: TenantId) -> InvitationSent {
    let command = person(email, Role::TenantAdmin, Some(tenant));
    test.services
        .user
        .invite(&Actor::Operator, command, &origin())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_invited_person_becomes_a_member_and_signs_in() {
    let test = TestServices::new().await;
    let acme = test.tenant("Acme").await;
    let sent = invite(&test, "Ada@example.org", acme).await;
    assert!(sent.delivered && sent.link.is_none());
    let token = token(&test);
    let users = &test.services.user;
    let view = users.invitation(&token).await.unwrap();
    assert_eq!(
        (view.email.as_str(), view.tenant_name.as_deref()),
        ("Ada@example.org", Some("Acme"))
    );
    assert_eq!((view.role, view.known), (Role::TenantAdmin, false));
    let listed = users.members(&Actor::Operator, acme).await.unwrap();
    assert_eq!(listed[0].invitation_id, Some(sent.id));
    let id = users
        .accept(&token, answer("Ada", PASSWORD), &origin())
        .await
        .unwrap();
    let signed_in = test
        .services
        .auth
        .sign_in("ada@example.org", PASSWORD, &origin())
        .await;
    assert_eq!(signed_in.unwrap(), id);
    let members = users
        .members(&test.of_tenant(acme, TenantRole::Member), acme)
        .await
        .unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(
        (members[0].user_id, members[0].role),
        (Some(id), Role::TenantAdmin)
    );
    let stored = test.db.text("select token_hash from invitation").await;
    assert!(!stored.contains(&token));
}

#[tokio::test]
async fn accepting_twice_is_refused_clearly_and_only_one_of_many_wins() {
    let test = Arc::new(TestServices::new().await);
    let acme = test.tenant("Acme").await;
    invite(&test, "ada@example.org", acme).await;
    let token = token(&test);
    let mut race = tokio::task::JoinSet::new();
    for number in 0..6 {
        let (test, token) = (test.clone(), token.clone());
        race.spawn(async move {
            let ada = answer(&format!("Ada {number}"), PASSWORD);
            let done = test.services.user.accept(&token, ada, &origin()).await;
            done.map_or_else(|error| error.code(), |_| "ok")
        });
    }
    let answers = race.join_all().await;
    assert_eq!(
        answers.iter().filter(|a| **a == "ok").count(),
        1,
        "{answers:?}"
    );
    let again = test
        .services
        .user
        .accept(&token, answer("Ada", PASSWORD), &origin())
        .await;
    let again = again.unwrap_err();
    assert_eq!(again.code(), "invitation_accepted");
    assert_eq!(
        again.public(),
        "This invitation has been accepted. Sign in instead."
    );
}

#[tokio::test]
async fn withdrawn_replaced_and_expired_links_are_dead() {
    let test = TestServices::new().await;
    let acme = test.tenant("Acme").await;
    let users = &test.services.user;
    let code = async |token: &str| users.invitation(token).await.unwrap_err().code();
    let first = invite(&test, "ada@example.org", acme).await;
    let old = token(&test);
    let second = invite(&test, "ada@example.org", acme).await;
    assert_eq!(code(&old).await, "invitation_withdrawn");
    let refused = users
        .withdraw_invitation(&Actor::Operator, first.id)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "invitation_closed");
    let new = token(&test);
    users
        .withdraw_invitation(&Actor::Operator, second.id)
        .await
        .unwrap();
    assert_eq!(code(&new).await, "invitation_withdrawn");
    let dead = users
        .accept(&new, answer("Ada", PASSWORD), &origin())
        .await
        .unwrap_err();
    assert_eq!(dead.code(), "invitation_withdrawn");
    invite(&test, "ada@example.org", acme).await;
    let late = token(&test);
    test.db.clock.advance(Duration::from_hours(24 * 7));
    assert_eq!(code(&late).await, "invitation_expired");
    assert_eq!(code("").await, "not_found");
    assert_eq!(code(&"A".repeat(43)).await, "not_found");
    test.services
        .tenant
        .delete(&Actor::Operator, acme, &origin())
        .await
        .unwrap();
    assert_eq!(code(&late).await, "not_found");
}

#[tokio::test]
async fn an_account_that_is_there_joins_with_its_own_password() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let acme = test.tenant("Acme").await;
    invite(&test, "OWNER@example.org", acme).await;
    let token = token(&test);
    let users = &test.services.user;
    assert!(users.invitation(&token).await.unwrap().known);
    let Err(Error::Invalid(list)) = users
        .accept(&token, answer("", "wrong horse battery"), &origin())
        .await
    else {
        panic!("the password is refused")
    };
    assert_eq!(list[0].field, "password");
    let id = users
        .accept(&token, answer("", PASSWORD), &origin())
        .await
        .unwrap();
    assert_eq!(Some(id), owner.user_id());
    assert_eq!(
        test.db.text("select name from app_user").await,
        "Olive Owner"
    );
    let again = person("owner@example.org", Role::TenantMember, Some(acme));
    let member = users
        .invite(&Actor::Operator, again, &origin())
        .await
        .unwrap_err();
    assert_eq!(member.code(), "already_member");
}

#[tokio::test]
async fn guessing_the_password_of_an_account_through_an_invitation_is_limited() {
    let test = TestServices::new().await;
    test.owner().await;
    let acme = test.tenant("Acme").await;
    invite(&test, "owner@example.org", acme).await;
    let token = token(&test);
    let mut codes = Vec::new();
    for _ in 0..11 {
        let guess = answer("", "wrong horse battery");
        let tried = test.services.user.accept(&token, guess, &origin()).await;
        codes.push(tried.unwrap_err().code());
    }
    assert_eq!((codes[9], codes[10]), ("invalid", "limited"));
}

#[tokio::test]
async fn who_may_invite_whom() {
    let test = TestServices::new().await;
    let (acme, other) = (test.tenant("Acme").await, test.tenant("Other").await);
    let users = &test.services.user;
    let invite = async |actor: &Actor, role, tenant| {
        let done = users
            .invite(actor, person("x@example.org", role, tenant), &origin())
            .await;
        done.map_or_else(|error| error.code(), |_| "ok")
    };
    let admin = test.of_tenant(acme, TenantRole::Admin);
    let member = test.of_tenant(acme, TenantRole::Member);
    let operator = test.staff(StaffRole::Operator);
    assert_eq!(invite(&admin, Role::TenantMember, Some(acme)).await, "ok");
    assert_eq!(
        invite(&admin, Role::TenantAdmin, Some(other)).await,
        "not_found"
    );
    assert_eq!(
        invite(&member, Role::TenantMember, Some(acme)).await,
        "forbidden"
    );
    assert_eq!(invite(&admin, Role::StaffOwner, None).await, "forbidden");
    assert_eq!(
        invite(&admin, Role::StaffOwner, Some(acme)).await,
        "invalid"
    );
    assert_eq!(
        invite(&operator, Role::TenantAdmin, Some(other)).await,
        "ok"
    );
    assert_eq!(
        invite(&operator, Role::StaffViewer, None).await,
        "forbidden"
    );
    assert_eq!(
        invite(&operator, Role::TenantAdmin, Some(TenantId::zero())).await,
        "not_found"
    );
    assert_eq!(
        invite(&Actor::Operator, Role::StaffViewer, None).await,
        "ok"
    );
    assert_eq!(
        invite(&Actor::Operator, Role::TenantAdmin, None).await,
        "invalid"
    );
    assert_eq!(
        invite(&Actor::Anonymous, Role::TenantMember, Some(acme)).await,
        "unauthenticated"
    );
}

#[tokio::test]
async fn an_invitation_of_others_is_none() {
    let test = TestServices::new().await;
    let (acme, other) = (test.tenant("Acme").await, test.tenant("Other").await);
    let users = &test.services.user;
    let ids = [
        invite(&test, "x@example.org", acme).await.id,
        users
            .invite(
                &Actor::Operator,
                person("y@example.org", Role::StaffViewer, None),
                &origin(),
            )
            .await
            .unwrap()
            .id,
    ];
    let stranger = test.of_tenant(other, TenantRole::Admin);
    let unknown = InvitationId::zero();
    let none = users
        .withdraw_invitation(&stranger, unknown)
        .await
        .unwrap_err();
    for id in ids {
        let theirs = users.withdraw_invitation(&stranger, id).await.unwrap_err();
        assert_eq!(
            (theirs.code(), theirs.public()),
            (none.code(), none.public())
        );
    }
}

#[tokio::test]
async fn an_invited_colleague_joins_the_staff() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let command = person("sam@example.org", Role::StaffViewer, None);
    test.services
        .user
        .invite(&owner, command, &origin())
        .await
        .unwrap();
    let id = test
        .services
        .user
        .accept(&token(&test), answer("Sam", PASSWORD), &origin())
        .await;
    let staff = test.services.user.staff(&owner).await.unwrap();
    let sam = staff
        .iter()
        .find(|member| member.user_id == Some(*id.as_ref().unwrap()))
        .unwrap();
    assert_eq!((sam.role, sam.name.as_str()), (Role::StaffViewer, "Sam"));
    let acme = test.tenant("Acme").await;
    let admin = test.of_tenant(acme, TenantRole::Admin);
    assert_eq!(
        test.services.user.staff(&admin).await.unwrap_err().code(),
        "forbidden"
    );
}

#[tokio::test]
async fn accepting_never_takes_a_role_away() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let command = person("owner@example.org", Role::StaffViewer, None);
    test.services
        .user
        .invite(&owner, command, &origin())
        .await
        .unwrap();
    test.services
        .user
        .accept(&token(&test), answer("", PASSWORD), &origin())
        .await
        .unwrap();
    assert_eq!(store::user::owners(&test.db.db).await.unwrap(), 1);
}

#[tokio::test]
async fn without_a_mail_server_the_inviter_hands_the_link_on() {
    let test = TestServices::new().await;
    let acme = test.tenant("Acme").await;
    test.mailer.only_outbox();
    let sent = invite(&test, "ada@example.org", acme).await;
    let link = sent.link.unwrap();
    assert!(!sent.delivered && link.starts_with("http://localhost:8080/invitations/"));
    test.mailer.fail();
    let sent = invite(&test, "bob@example.org", acme).await;
    let token = sent.link.unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(
        test.services.user.invitation(&token).await.unwrap().email,
        "bob@example.org"
    );
    let trail = test
        .db
        .text("select max(summary) from audit where action = 'invitation.create'")
        .await;
    assert!(!trail.contains(&token) && trail.contains("@example.org"));
}

#[tokio::test]
async fn me_says_who_asks() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let me = test.services.user.me(&owner).await.unwrap();
    assert_eq!(
        (me.kind.as_str(), me.staff),
        ("user", Some(Role::StaffOwner))
    );
    let token = test
        .services
        .user
        .me(&test.staff_token(&["all:read"]))
        .await
        .unwrap();
    assert_eq!(
        (token.kind.as_str(), token.scopes.len()),
        ("access_token", 9)
    );
    assert!(test.services.user.me(&Actor::Anonymous).await.is_err());
}
