//! Access tokens: shown once, limited by scope and owner, always expiring.

use std::time::Duration;

use model::permission::Scope;
use model::user::TenantRole;
use model::{AccessTokenId, Actor};
use service::{CreateAccessToken, CreateTenant, CreatedAccessToken, Error};
use tests::services::{TestServices, origin};

fn wanted(scopes: &[&str], days: Option<u32>) -> CreateAccessToken {
    CreateAccessToken {
        name: "CI".to_owned(),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        days,
    }
}

async fn make(test: &TestServices, actor: &Actor, scopes: &[&str]) -> CreatedAccessToken {
    let made = test
        .services
        .access_token
        .create(actor, wanted(scopes, None), &origin())
        .await;
    made.unwrap_or_else(|error| panic!("{error}"))
}

async fn who(test: &TestServices, plain: &str) -> Option<Actor> {
    test.services
        .access_token
        .authenticate(plain)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_token_acts_for_its_owner_within_its_scopes() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let made = make(&test, &owner, &["tenants:write"]).await;
    assert_eq!(made.view.owner, "Olive Owner");
    assert_eq!(
        made.view.expires_at,
        test.db.now() + Duration::from_hours(24 * 90)
    );
    let actor = who(&test, made.token.expose()).await.unwrap();
    let tenant = CreateTenant {
        name: "Acme".to_owned(),
    };
    test.services
        .tenant
        .create(&actor, tenant, &origin())
        .await
        .unwrap();
    let clusters = test.services.release.list(&actor).await.unwrap_err();
    assert_eq!(
        clusters.public(),
        "The access token lacks the scope releases:read."
    );
    test.db.shell("update app_user set staff_role = null").await;
    let actor = who(&test, made.token.expose()).await.unwrap();
    assert_eq!(actor.staff(), None);
    test.db.shell("update app_user set disabled_at = 1").await;
    assert_eq!(who(&test, made.token.expose()).await, None);
}

#[tokio::test]
async fn the_text_is_kept_nowhere() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let made = make(&test, &owner, &["all:read"]).await;
    let plain = made.token.expose();
    let kept = test
        .db
        .text("select name || hint || token_hash || scopes from access_token")
        .await;
    assert!(!kept.contains(plain) && !kept.contains(&plain[5..20]));
    let trail = test
        .db
        .text("select max(summary || became) from audit where action like 'access%'")
        .await;
    assert!(trail.contains("CI") && !trail.contains(&plain[5..20]));
}

#[tokio::test]
async fn what_is_malformed_revoked_or_expired_is_nobodys() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let made = make(&test, &owner, &["all:read"]).await;
    let plain = made.token.expose();
    for bad in [
        "",
        "hiat_",
        &plain[1..],
        &plain.to_uppercase(),
        "hiat_é",
        "Bearer x",
    ] {
        assert_eq!(who(&test, bad).await, None);
    }
    test.services
        .access_token
        .revoke(&owner, made.view.id, &origin())
        .await
        .unwrap();
    test.services
        .access_token
        .revoke(&owner, made.view.id, &origin())
        .await
        .unwrap();
    assert_eq!(who(&test, plain).await, None);
    let day = wanted(&["all:read"], Some(1));
    let short = test
        .services
        .access_token
        .create(&owner, day, &origin())
        .await
        .unwrap();
    assert!(who(&test, short.token.expose()).await.is_some());
    test.db.clock.advance(Duration::from_hours(24));
    assert_eq!(who(&test, short.token.expose()).await, None);
}

#[tokio::test]
async fn scopes_days_and_name_are_checked_together() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let command = CreateAccessToken {
        name: " ".to_owned(),
        scopes: vec!["everything".to_owned()],
        days: Some(367),
    };
    let Err(Error::Invalid(list)) = test
        .services
        .access_token
        .create(&owner, command, &origin())
        .await
    else {
        panic!("three fields are wrong")
    };
    let fields: Vec<_> = list.iter().map(|wrong| wrong.field.as_str()).collect();
    assert_eq!(fields, ["name", "scopes", "days"]);
    for days in [0, 367] {
        let none = wanted(&[], Some(days));
        assert!(
            test.services
                .access_token
                .create(&owner, none, &origin())
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn a_token_makes_none_that_may_more_or_longer() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let two_days = wanted(&["access-tokens:write", "tenants:read"], Some(2));
    let parent = test
        .services
        .access_token
        .create(&owner, two_days, &origin())
        .await
        .unwrap();
    let parent = who(&test, parent.token.expose()).await.unwrap();
    let more = wanted(&["tenants:write"], None);
    let Err(Error::Invalid(list)) = test
        .services
        .access_token
        .create(&parent, more, &origin())
        .await
    else {
        panic!("the scope is refused")
    };
    assert_eq!(list[0].field, "scopes");
    let child = make(&test, &parent, &["tenants:read"]).await;
    assert_eq!(
        child.view.expires_at,
        test.db.now() + Duration::from_hours(48)
    );
    assert_eq!(child.view.owner, "Olive Owner");
}

#[tokio::test]
async fn people_manage_their_own_and_owners_all() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let made = make(&test, &owner, &["all:read"]).await;
    let acme = test.tenant("Acme").await;
    let member = test.of_tenant(acme, TenantRole::Member);
    let tokens = &test.services.access_token;
    assert!(tokens.list(&member).await.unwrap().is_empty());
    let theirs = tokens
        .revoke(&member, made.view.id, &origin())
        .await
        .unwrap_err();
    let none = tokens
        .revoke(&member, AccessTokenId::zero(), &origin())
        .await
        .unwrap_err();
    assert_eq!(theirs.public(), none.public());
    let script = make(&test, &Actor::Operator, &["all:write"]).await;
    assert_eq!(script.view.owner, "Command line");
    let mut all = Scope::parse("all:write").unwrap();
    all.sort();
    assert_eq!(script.view.scopes, all);
    assert_eq!(tokens.list(&owner).await.unwrap().len(), 2);
    tokens
        .revoke(&owner, script.view.id, &origin())
        .await
        .unwrap();
    let nobody = tokens.list(&Actor::Anonymous).await.unwrap_err();
    assert_eq!(nobody.code(), "unauthenticated");
}

#[tokio::test]
async fn the_last_use_is_noted_beside_the_request() {
    let test = TestServices::new().await;
    let owner = test.owner().await;
    let made = make(&test, &owner, &["all:read"]).await;
    let last = async || test.services.access_token.list(&owner).await.unwrap()[0].last_used_at;
    assert_eq!(last().await, None);
    let first = test.db.now();
    assert!(who(&test, made.token.expose()).await.is_some());
    while last().await.is_none() {
        tokio::task::yield_now().await;
    }
    test.db.clock.advance(Duration::from_secs(59));
    assert!(who(&test, made.token.expose()).await.is_some());
    assert_eq!(last().await, Some(first));
    test.db.clock.advance(Duration::from_secs(1));
    while last().await == Some(first) {
        assert!(who(&test, made.token.expose()).await.is_some());
    }
    assert_eq!(last().await, Some(test.db.now()));
}
